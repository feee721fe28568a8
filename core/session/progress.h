/* What is said while a model loads: a bar, the share that is there, and the time left or, at the end, the speed:
   bytes of weights in the file over the time from the first one read to the last one packed. */
#ifndef BOOTLLAMA_PROGRESS_H
#define BOOTLLAMA_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

enum { PROGRESS_CELLS_MAX = 20 }; /* of the bar */

struct progress {
    uint64_t since;   /* when the first weight was about to be read, microseconds */
    uint64_t ends_at; /* when it is said to end; 0 while no time is said */
    uint64_t said_at; /* when that was said last */
};

void progress_begin(struct progress *progress, uint64_t now);

/*
 * Writes "[#######.............]  34 %, 12 s left" for `done` of `total` bytes at the time `now`; the bar has `cells`.
 * Loading that takes a few seconds is told without the time left. The figure counts down, a quarter faster or slower
 * where the estimate has changed; only an estimate that is a quarter off replaces it.
 */
void progress_text(struct progress *progress, char *out, size_t size, uint32_t cells, uint64_t now, uint64_t done,
                   uint64_t total);

#endif
