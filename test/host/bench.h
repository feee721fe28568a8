/* Speed of every kernel on this processor. */
#ifndef BOOTLLAMA_HOST_BENCH_H
#define BOOTLLAMA_HOST_BENCH_H

#include "engine.h"

/*
 * Runs the same tokens through every kernel that the processor has, in turn and several times over, and prints the
 * median tokens a second of each to standard output. Returns the exit status.
 */
int bench_run(struct engine *engine, struct platform *platform, const char *path, const struct cpu_features *cpu);

#endif
