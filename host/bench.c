#include "bench.h"

#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ROUNDS = 5, POSITIONS = 256, LIMIT_US = 700000 };

/* The result of one kernel. Medians, because other programs take the processor now and then. */
struct speeds {
    double prompt[ROUNDS], generation[ROUNDS]; /* tokens a second */
    uint64_t weights;                          /* bytes that a generated token reads */
};

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double values[ROUNDS])
{
    qsort(values, ROUNDS, sizeof *values, by_value);
    return values[ROUNDS / 2];
}

/* Tokens a second, `step` at once, over the first `positions` positions or for LIMIT_US: the greedy story if step is 1,
   otherwise a meaningless prompt. */
static double time_tokens(struct engine *engine, uint32_t positions, uint32_t step)
{
    struct platform *platform = engine->platform;
    const struct sampler_settings greedy = {.repeat_penalty = 1.0f};
    int32_t tokens[TRANSFORMER_BLOCK];
    uint32_t position = 0;
    uint64_t elapsed = 0;
    for (uint32_t i = 0; i < TRANSFORMER_BLOCK; i++) {
        tokens[i] = (int32_t)(i * 7 % engine->gguf.vocabulary);
    }
    sampler_begin(&engine->sampler, &greedy);
    const uint64_t start = platform->microseconds(platform);
    for (; position + step <= positions && elapsed < LIMIT_US; position += step) {
        compute_begin(&engine->compute);
        float *logits = transformer_run(&engine->transformer, tokens, step, position, step == 1);
        tokens[0] = step == 1 ? sampler_next(&engine->sampler, logits) : tokens[0];
        compute_end(&engine->compute);
        elapsed = platform->microseconds(platform) - start;
    }
    return position * 1e6 / (double)(elapsed + (elapsed == 0));
}

static uint64_t matrix_bytes(const struct kernel *kernel, const struct q8_matrix *matrix)
{
    uint64_t bytes = 0;
    for (; matrix != NULL; matrix = matrix->next) {
        bytes += (uint64_t)matrix->row_tiles * kernel_row_bytes(kernel, matrix->q4, matrix->groups);
    }
    return bytes;
}

static uint64_t weights_of(const struct model *model)
{
    uint64_t bytes = matrix_bytes(model->kernel, &model->output);
    for (uint32_t l = 0; l < model->layers; l++) {
        const struct model_layer *layer = &model->layer[l];
        bytes += matrix_bytes(model->kernel, &layer->qkv) + matrix_bytes(model->kernel, &layer->attn_output);
        bytes += matrix_bytes(model->kernel, &layer->gate_up) + matrix_bytes(model->kernel, &layer->down);
    }
    return bytes;
}

typedef uint64_t vector __attribute__((vector_size(64)));

__attribute__((target_clones("avx512f", "avx2", "default"), noinline)) static uint64_t read_all(const vector *p,
                                                                                                size_t n)
{
    vector a = {0}, b = a, c = a, d = a;
    for (size_t i = 0; i + 4 <= n; i += 4) {
        a += p[i];
        b += p[i + 1];
        c += p[i + 2];
        d += p[i + 3];
    }
    a += b + c + d;
    return a[0];
}

/* Bytes a second that one processor reads in repeated passes over `bytes`: the speed of the cache level that holds
   them. */
static double read_speed(struct platform *platform, uint64_t bytes)
{
    const size_t n = (size_t)bytes / sizeof(vector) / 4 * 4;
    vector *memory = aligned_alloc(sizeof(vector), n * sizeof(vector));
    double speed[ROUNDS];
    volatile uint64_t sink = 0;
    if (memory == NULL) {
        return 0;
    }
    memset(memory, 1, n * sizeof(vector));
    for (uint32_t round = 0; round < ROUNDS; round++) {
        uint64_t elapsed = 0, read = 0;
        const uint64_t start = platform->microseconds(platform);
        for (; elapsed < LIMIT_US / 20; read += n * sizeof(vector)) {
            sink += read_all(memory, n);
            elapsed = platform->microseconds(platform) - start;
        }
        speed[round] = (double)read * 1e6 / (double)elapsed;
    }
    free(memory);
    return median(speed);
}

/* One round of one kernel; returns 0 or the exit status. */
static int time_kernel(struct engine *engine, struct platform *platform, const char *path, const struct kernel *kernel,
                       struct speeds *speeds, uint32_t round)
{
    const struct load_progress quiet = {0};
    struct error error;
    if (engine_open(engine, platform, path, kernel, POSITIONS, &quiet, &error) != 0) {
        fprintf(stderr, "bootllama: %s\n", error.text);
        return 1;
    }
    const uint32_t positions = engine->context < POSITIONS ? engine->context : POSITIONS;
    speeds->generation[round] = time_tokens(engine, positions, 1);
    speeds->prompt[round] = time_tokens(engine, positions, TRANSFORMER_BLOCK);
    speeds->weights = weights_of(&engine->model);
    engine_close(engine);
    return 0;
}

int bench_run(struct engine *engine, struct platform *platform, const char *path, const struct cpu_features *cpu)
{
    static struct speeds speeds[KERNELS];
    for (uint32_t round = 0; round < ROUNDS; round++) { /* kernels in turn, so that a busy moment hits all of them */
        for (uint32_t i = 0; i < KERNELS; i++) {
            if (kernel_usable(kernel_at(i), cpu) &&
                time_kernel(engine, platform, path, kernel_at(i), &speeds[i], round) != 0) {
                return 1;
            }
        }
    }
    printf("kernel\tprompt_tokens_per_s\tgeneration_tokens_per_s\tweight_bytes\tread_bytes_per_s\n");
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (speeds[i].weights != 0) {
            printf("%s\t%.1f\t%.1f\t%llu\t%.0f\n", kernel_at(i)->name, median(speeds[i].prompt),
                   median(speeds[i].generation), (unsigned long long)speeds[i].weights,
                   read_speed(platform, speeds[i].weights));
        }
    }
    return 0;
}
