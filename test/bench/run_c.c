/*
 * run_c CHECKPOINT: run.c of llama2.c answers as bootllama --bench does (host/bench.h). RUN_C is its path, given by
 * programs.py, which compiles this as llama2.c's makefile compiles run.c to be fast.
 */
#define TESTING /* run.c without its main */
#include RUN_C

#include <inttypes.h>

static uint64_t microseconds(clockid_t clock)
{
    struct timespec time;
    clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
    static Transformer transformer;
    char word[8];
    int position, count;
    (void)argc;
    build_transformer(&transformer, argv[1]);
    printf("run.c\t1\t0\t%" PRIu64 "\n", microseconds(CLOCK_PROCESS_CPUTIME_ID));
    fflush(stdout);
    while (scanf("%7s %d %d", word, &position, &count) == 3) {
        const uint64_t wall = microseconds(CLOCK_MONOTONIC), cpu = microseconds(CLOCK_PROCESS_CPUTIME_ID);
        for (int i = position; i < position + count; i++) {
            forward(&transformer, i * 7 % transformer.config.vocab_size, i);
        }
        printf("%d\t%" PRIu64 "\t%" PRIu64 "\n", count, microseconds(CLOCK_MONOTONIC) - wall,
               microseconds(CLOCK_PROCESS_CPUTIME_ID) - cpu);
        fflush(stdout);
    }
    return 0;
}
