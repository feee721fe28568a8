#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

enum { ROUNDS = 9, POSITIONS = 256 };

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Microseconds for the most likely story of POSITIONS tokens, or of the whole context where that is shorter. */
static uint64_t time_story(struct engine *engine, uint32_t positions)
{
    struct platform *platform = engine->platform;
    const struct sampling greedy = {.repeat_penalty = 1.0f};
    int32_t token = engine->tokenizer.bos;
    sampler_begin(&engine->sampler, &greedy);
    const uint64_t start = platform->microseconds(platform);
    for (uint32_t position = 0; position < positions; position++) {
        float *logits = transformer_run(&engine->transformer, &token, 1, position, true);
        token = sampler_next(&engine->sampler, logits);
    }
    return platform->microseconds(platform) - start;
}

int bench_run(struct engine *engine, struct platform *platform, const char *path, const struct cpu_features *cpu)
{
    static uint64_t elapsed[KERNELS][ROUNDS];
    const struct load_progress quiet = {0};
    struct error error;
    uint32_t positions = POSITIONS;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        for (uint32_t i = 0; i < KERNELS; i++) {
            if (!kernel_usable(kernel_at(i), cpu)) {
                continue;
            }
            if (engine_open(engine, platform, path, kernel_at(i), &quiet, &error) != 0) {
                fprintf(stderr, "bootllama: %s\n", error.text);
                return 1;
            }
            positions = engine->context < POSITIONS ? engine->context : POSITIONS;
            elapsed[i][round] = time_story(engine, positions);
            engine_close(engine);
        }
    }
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (kernel_usable(kernel_at(i), cpu)) {
            qsort(elapsed[i], ROUNDS, sizeof elapsed[i][0], by_value);
            const uint64_t median = elapsed[i][ROUNDS / 2];
            printf("%-12s %8llu tokens/s\n", kernel_at(i)->name,
                   (unsigned long long)((uint64_t)positions * 1000000 / (median + (median == 0))));
        }
    }
    return 0;
}
