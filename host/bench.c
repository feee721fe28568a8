#include "bench.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/number.h"

enum { PASS_US = 50000, LINE_BYTES = 100 };

static uint64_t microseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

uint64_t bench_cpu_us(void)
{
    return microseconds(CLOCK_PROCESS_CPUTIME_ID);
}

/* When something began. */
struct moment {
    uint64_t wall_us, cpu_us;
};

static struct moment now(void)
{
    return (struct moment){microseconds(CLOCK_MONOTONIC), bench_cpu_us()};
}

static void answer(uint64_t amount, struct moment start)
{
    const struct moment end = now();
    printf("%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", amount, end.wall_us - start.wall_us, end.cpu_us - start.cpu_us);
}

static void run_tokens(struct engine *engine, uint32_t position, uint32_t count, uint32_t step)
{
    int32_t tokens[TRANSFORMER_BLOCK];
    for (uint32_t done = 0, n; done < count; done += n) {
        n = number_min(step, count - done);
        for (uint32_t i = 0; i < n; i++) {
            tokens[i] = (int32_t)((position + done + i) * 7 % engine->gguf.vocabulary);
        }
        compute_begin(&engine->compute);
        transformer_run(&engine->transformer, tokens, n, position + done, step == 1 || done + n == count);
        compute_end(&engine->compute);
    }
}

/* Starts the other processors as a story does, but counts only what comes then. */
static int time_tokens(struct engine *engine, struct team *team, uint64_t position, uint64_t count, uint32_t step)
{
    if (count == 0 || count > engine->context || position > engine->context - count) {
        fprintf(stderr, "bootllama: --bench: the context holds %u positions\n", engine->context);
        return 1;
    }
    team_begin(team, engine->model.kernel);
    const struct moment start = now();
    run_tokens(engine, (uint32_t)position, (uint32_t)count, step);
    answer(count, start);
    team_end(team);
    return 0;
}

static uint64_t matrix_bytes(const struct kernel *kernel, const struct q8_matrix *matrix)
{
    uint64_t bytes = 0;
    for (; matrix != NULL; matrix = matrix->next) {
        bytes += (uint64_t)matrix->row_tiles * kernel_row_bytes(kernel, matrix->narrow, matrix->groups);
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

/* How fast the cache level is that holds so many bytes. */
static int time_reading(uint64_t bytes)
{
    const size_t n = (size_t)bytes / sizeof(vector) / 4 * 4;
    vector *memory = aligned_alloc(sizeof(vector), n * sizeof(vector));
    volatile uint64_t sink = 0;
    uint64_t amount = 0;
    if (n == 0 || memory == NULL) {
        fprintf(stderr, "bootllama: --bench: cannot read %" PRIu64 " bytes\n", bytes);
        free(memory);
        return 1;
    }
    memset(memory, 1, n * sizeof(vector));
    const struct moment start = now();
    while (bench_cpu_us() - start.cpu_us < PASS_US) {
        sink += read_all(memory, n);
        amount += n * sizeof(vector);
    }
    answer(amount, start);
    free(memory);
    return 0;
}

static int serve(struct engine *engine, struct team *team, const char *line)
{
    char word[8];
    uint64_t first = 0, second = 0;
    const int fields = sscanf(line, "%7s %" SCNu64 " %" SCNu64, word, &first, &second);
    if (fields == 3 && strcmp(word, "prompt") == 0) {
        return time_tokens(engine, team, first, second, TRANSFORMER_BLOCK);
    }
    if (fields == 3 && strcmp(word, "story") == 0) {
        return time_tokens(engine, team, first, second, 1);
    }
    if (fields == 2 && strcmp(word, "read") == 0) {
        return time_reading(first);
    }
    fprintf(stderr, "bootllama: --bench: what is \"%.*s\"?\n", (int)strcspn(line, "\n"), line);
    return 1;
}

int bench_run(struct engine *engine, struct team *team, uint64_t load_us)
{
    char line[LINE_BYTES];
    int failed = 0;
    printf("%s\t%u\t%" PRIu64 "\t%" PRIu64 "\n", engine->model.kernel->name, team->chosen, weights_of(&engine->model),
           load_us);
    fflush(stdout);
    while (!failed && fgets(line, sizeof line, stdin) != NULL) {
        failed = serve(engine, team, line);
        fflush(stdout);
    }
    return failed;
}
