/* Speed of every kernel on this processor. */
#ifndef BOOTLLAMA_HOST_BENCH_H
#define BOOTLLAMA_HOST_BENCH_H

#include "infer/engine.h"

/*
 * Runs the same tokens through every kernel that the processor has, in turn and several times over, on one processor.
 * Prints a line for each to standard output, tabs between: name; median tokens a second of a prompt (whole blocks) and
 * of a story (one by one); bytes of weights that a token of a story reads; bytes a second that the processor reads from
 * the cache level that holds that many. Returns the exit status.
 */
int bench_run(struct engine *engine, struct platform *platform, const char *path, const struct cpu_features *cpu);

#endif
