/* Measures what standard input asks for: the program that make bench (test/bench) drives. */
#ifndef BOOTLLAMA_HOST_BENCH_H
#define BOOTLLAMA_HOST_BENCH_H

#include "infer/engine.h"

/* Microseconds of processor time that this process has used, all threads together. */
uint64_t bench_cpu_us(void);

/*
 * First prints a line about the loaded model: kernel; processors that compute; bytes of weights that a token reads;
 * load_us, the processor time of loading. Then answers each line of standard input until its end:
 *
 *   prompt POSITION TOKENS    computes tokens in blocks, from a position on
 *   story POSITION TOKENS     computes them one by one, with logits
 *   read BYTES                passes over so many bytes again and again, for PASS_US
 *
 * by a line of three numbers: tokens or bytes; microseconds by the clock; microseconds of processor time. Fields are
 * separated by tabs. Tokens are arbitrary and none is sampled, so that other programs can do the same. The earlier
 * positions must have been computed. Returns the exit status.
 */
int bench_run(struct engine *engine, struct team *team, uint64_t load_us);

#endif
