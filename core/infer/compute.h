/*
 * Stretches of computing by the first processor, during which nothing else touches its vector registers. They are
 * interrupted every few milliseconds, so that the firmware can do its work and keys are noticed.
 *
 * Work is counted in products of a tile and a vector, 1,024 multiplications. The clock is read now and then to
 * calibrate how many of them make up a period, because clock and keyboard may be slow to query (BIOS calls).
 */
#ifndef BOOTLLAMA_COMPUTE_H
#define BOOTLLAMA_COMPUTE_H

#include "kernel/kernel.h"
#include "platform.h"

enum { COMPUTE_PERIOD_US = 20000 }; /* at most between two interruptions, while the speed stays the same */

/* Whether to stop; asked at every interruption, or never if asked == NULL. */
struct compute_stop {
    bool (*asked)(void *context);
    void *context;
};

struct compute {
    struct platform *platform;   /* not owned */
    const struct kernel *kernel; /* not owned */
    struct compute_stop stop;
    bool stopped;       /* the answer was yes: the current computation is incomplete */
    uint64_t since;     /* microseconds at the last interruption */
    uint32_t allowance; /* work between two interruptions */
    uint32_t left;      /* work left until the next one */
};

/* Sets *compute up without a question. */
void compute_open(struct compute *compute, struct platform *platform, const struct kernel *kernel);

/* Starts a story: asks `stop` from now on, and forgets an earlier yes and the speed measured so far. */
void compute_ask(struct compute *compute, struct compute_stop stop);

/* Bracket every call of a kernel's functions by the first processor. In between, only the platform's microseconds is
   called. The other processors of a team have stretches of their own: team_begin. */
void compute_begin(struct compute *compute);
void compute_end(struct compute *compute);

/* Returns how many of `units` >= 1 units, each of this much work, may be computed before compute_done is called: at
   least 1. compute may be NULL: all of them. */
static inline uint32_t compute_share(const struct compute *compute, uint64_t work, uint32_t units)
{
    if (compute == NULL || work * units <= compute->left) {
        return units;
    }
    const uint32_t share = work <= compute->left ? compute->left / (uint32_t)work : 0;
    return share > 0 ? share : 1;
}

/* Interrupts a stretch; returns what compute_done returns. */
bool compute_interrupt(struct compute *compute);

/* Counts work done within a stretch, and interrupts the stretch when due. Returns false if computing must stop, then
   and until compute_ask. compute may be NULL: returns true. */
static inline bool compute_done(struct compute *compute, uint64_t work)
{
    if (compute != NULL && work >= compute->left) {
        return compute_interrupt(compute);
    }
    if (compute != NULL) {
        compute->left -= (uint32_t)work;
    }
    return compute == NULL || !compute->stopped;
}

#endif
