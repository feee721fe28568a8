/*
 * Several processors on one model: they divide the rows of a matrix and the heads of attention among them. Kernels are
 * unaware of it, and the bits are the same for any number of processors.
 *
 * Between team_begin and team_end the other processors spin, each on a mailbox of its own. When the first processor has
 * finished its own share, it takes back and computes every share that its processor has not taken yet. A processor that
 * is late, or gets no time from an emulator or system, therefore costs speed but never blocks the others. A processor
 * that stops in the middle of a share costs seconds, once: the first processor computes that share, and everything
 * after it until team_end.
 */
#ifndef BOOTLLAMA_TEAM_H
#define BOOTLLAMA_TEAM_H

#include "infer/compute.h"
#include "kernel/attention.h"
#include "platform.h"

/* Computes units first .. first + count - 1; count >= 1. Runs on any processor. */
typedef void team_work(void *context, uint32_t first, uint32_t count);

enum { TEAM_LINE = 128 }; /* bytes: a cache line of 64 and the neighbour that is prefetched with it */

/* A processor's mailbox. Fields other than `state` change only while state is TEAM_IDLE. */
struct team_member {
    uint32_t state; /* team.c */
    uint32_t first, count;
    team_work *work;
    void *context;
} __attribute__((aligned(TEAM_LINE)));

struct team {
    struct platform *platform;                          /* not owned */
    uint32_t present;                                   /* processors of the machine, including the first */
    uint32_t chosen;                                    /* processors that compute in a stretch */
    uint32_t at_work;                                   /* `chosen` from team_begin to team_end, else 1 */
    bool lost;                                          /* a processor stopped within its share: team_lost */
    const struct kernel *kernel;                        /* used from team_begin to team_end */
    struct team_member member[PLATFORM_PROCESSORS_MAX]; /* [0], the first processor's, is unused */
};

/* Counts the machine's processors without starting any. The first one computes alone until team_use or team_choose; it
   also does so with a struct team of zeros. */
void team_init(struct team *team, struct platform *platform);

/* Returns the processors of the machine, including the first. */
uint32_t team_processors(const struct team *team);

/* Sets how many processors compute from the next team_begin on: at least 1, at most all. */
void team_use(struct team *team, uint32_t processors);

/*
 * Finds the fastest number of processors for a model with this many bytes of weights, and sets it. A small model gets
 * one without a test; for others step(context), which computes one token, is timed within a stretch. Takes some 20 ms
 * for each doubling of processors, or about two steps if those are slower. Returns the number: all processors if
 * computing was stopped.
 */
uint32_t team_choose(struct team *team, struct compute *compute, uint64_t weight_bytes, void (*step)(void *context),
                     void *context);

/* Bracket the computing of a whole story: start the others, each of which begins a stretch for the kernel (see its
   begin), and dismiss them. Not within a stretch of the first processor (compute_begin). */
void team_begin(struct team *team, const struct kernel *kernel);
void team_end(struct team *team);

/* Whether a processor has stopped within its share since the last call. The first one computed that share again, so
   what the share adds to may have been added twice: compute all of it again. team may be NULL: false. */
bool team_lost(struct team *team);

/* Divides units 0 .. units - 1 among the active processors, including the first, and returns when all are computed.
   team may be NULL: the first computes alone. */
void team_split(struct team *team, uint32_t units, team_work *work, void *context);

/*
 * kernel_matmul for w and those after it, by row tiles. Returns false, with *out incomplete, if computing must stop.
 * compute may be NULL: no interruptions.
 */
bool team_matmul(struct team *team, struct compute *compute, const struct kernel *kernel, float *out, size_t out_stride,
                 const struct q8_matrix *w, const struct q8_vector *x, uint32_t count, bool add);

/*
 * The kernel's attention, by KV heads, for `count` >= 1 positions from that of `first` on, a task of all KV heads. Its
 * q and out are [count][row], row >= heads * head_size, its q_scale is [count][heads], and its cache holds all of these
 * positions. Returns false as team_matmul does.
 */
bool team_attention(struct team *team, struct compute *compute, const struct kernel *kernel,
                    const struct attention_task *first, size_t row, uint32_t count);

#endif
