/*
 * Stretches of computing by the first processor: nothing else touches its vector registers in them. They are
 * interrupted every few milliseconds, so that firmware can do its work and a person at the keyboard is heard.
 *
 * Work is counted in products of a tile and a vector, 1,024 multiplications, and the clock says from time to time how
 * many of them make up the period: clock and keyboard may be slow to ask (calls of a BIOS).
 */
#ifndef BOOTLLAMA_COMPUTE_H
#define BOOTLLAMA_COMPUTE_H

#include "kernel/kernel.h"
#include "platform.h"

enum { COMPUTE_PERIOD_US = 20000 }; /* between two interruptions at most, where the speed is what it was before */

/* Whether to stop, asked at every interruption; asked == NULL: never. */
struct compute_stop {
    bool (*asked)(void *context);
    void *context;
};

struct compute {
    struct platform *platform;   /* not owned */
    const struct kernel *kernel; /* not owned */
    struct compute_stop stop;
    bool stopped;       /* it was asked and said yes: what was being computed is not complete */
    uint64_t since;     /* microseconds at the last interruption */
    uint32_t allowance; /* work between two interruptions */
    uint32_t left;      /* of it, until the next one */
};

/* Sets *compute up to ask nobody. */
void compute_open(struct compute *compute, struct platform *platform, const struct kernel *kernel);

/* At the start of a story: from now on `stop` is asked. That it said yes before, and the speed until now, are
   forgotten. */
void compute_ask(struct compute *compute, struct compute_stop stop);

/* Around every call of a kernel's functions by the first processor. In between nothing of the platform is called but
   microseconds. The other processors of a team have stretches of their own: team_begin. */
void compute_begin(struct compute *compute);
void compute_end(struct compute *compute);

/* How many of `units` >= 1 units of so much work each may be computed before compute_done is called: at least 1.
   compute may be NULL: all of them. */
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

/* Counts work that has been done, within a stretch, and interrupts the stretch where it is time. Returns false where
   computing is to stop, then and until compute_ask. compute may be NULL: true. */
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
