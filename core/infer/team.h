/*
 * Several processors on one model: they divide the rows of a matrix, the heads of attention and the positions of a
 * prompt among them. Kernels are unaware of it, and the bits are the same for any number of processors.
 *
 * Between team_begin and team_end the other processors spin, each on a share of its own. Work is divided into equal
 * shares, and each share into pieces. A processor takes the pieces of its own share in order, which keeps each of them
 * at the same weights, then what is left of the others' shares, from their ends. So a processor that is slow, late or
 * not there leaves its pieces to the others, and the first processor waits for pieces that are being computed at most:
 * for one of the slowest processor. One that does not finish its piece for seconds, or for one second once the user
 * wants to stop, is reset, which makes certain that it does not write to memory that others use by then; the first
 * processor computes that piece again, and the rest go on.
 */
#ifndef BOOTLLAMA_TEAM_H
#define BOOTLLAMA_TEAM_H

#include "infer/compute.h"
#include "kernel/attention.h"
#include "platform.h"

/* Computes units first .. first + count - 1; count >= 1. Runs on any processor. */
typedef void team_work(void *context, uint32_t first, uint32_t count);

/* Work to divide. */
struct team_job {
    uint32_t units;
    uint64_t unit_bytes; /* that a unit reads */
    uint64_t unit_work;  /* as compute_done counts it */
    team_work *work;
    void *context;
};

enum {
    TEAM_LINE = 128, /* bytes: a cache line of 64 and the neighbour that is prefetched with it */
    TEAM_PIECES = 8, /* of a share */
};

/* A processor's share of a job: units first .. end - 1, `step` to a piece. Whoever has claimed a piece may read these.
   They change only while none is claimed. */
struct team_share {
    uint8_t piece[TEAM_PIECES]; /* team.c */
    bool dismissed;             /* its processor returns to the firmware */
    uint32_t first, end, step;
} __attribute__((aligned(TEAM_LINE)));

struct team {
    struct platform *platform;   /* not owned */
    uint32_t present;            /* processors of the machine, including the first */
    uint32_t chosen;             /* processors that compute in a stretch */
    uint32_t at_work;            /* `chosen` from team_begin to team_end, else 1 */
    bool lost;                   /* a processor stopped within its piece: team_lost */
    const struct kernel *kernel; /* used from team_begin to team_end */
    team_work *work;             /* the job: changes like shares */
    void *context;
    struct team_share share[PLATFORM_PROCESSORS_MAX];
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
 * one without a test; for others step(context), which computes one token, is timed within a stretch. Takes some
 * 0.1 s for each doubling of processors, or about two steps if those are slower. Returns the number: all processors if
 * computing was stopped.
 */
uint32_t team_choose(struct team *team, struct compute *compute, uint64_t weight_bytes, void (*step)(void *context),
                     void *context);

/* Bracket the computing of a whole story: start the others, each of which begins a stretch for the kernel (see its
   begin), and dismiss them. Not within a stretch of the first processor (compute_begin). */
void team_begin(struct team *team, const struct kernel *kernel);
void team_end(struct team *team);

/* Whether a processor has stopped within its piece since the last call. The first one computed that piece again, so
   what the piece adds to may have been added twice: compute all of it again. team may be NULL: false. */
bool team_lost(struct team *team);

/* Divides a job of at least one unit among the active processors, including the first, and returns when all is
   computed; false, with some units left out, if computing must stop. team may be NULL: the first computes alone.
   compute may be NULL: no interruptions. */
bool team_split(struct team *team, struct compute *compute, const struct team_job *job);

/* Whether team_matmul multiplies by all rows of w at once, on the first processor alone; not of those after w. */
bool team_multiplies_at_once(const struct team *team, const struct compute *compute, const struct q8_matrix *w,
                             uint32_t count);

/*
 * kernel_matmul for w and those after it, by row tiles. Returns false, with *out incomplete, if computing must stop.
 * compute may be NULL: no interruptions.
 */
bool team_matmul(struct team *team, struct compute *compute, const struct kernel *kernel, float *out, size_t out_stride,
                 const struct q8_matrix *w, const struct q8_vector *x, uint32_t count, bool add);

/*
 * The kernel's attention, by KV heads, or by heads where those are few, for `count` >= 1 positions from that of `first`
 * on, a task of all KV heads. Its q and out are [count][row], row >= heads * head_size, its q_scale is [count][heads],
 * and its cache holds all of these positions. Returns false as team_matmul does.
 */
bool team_attention(struct team *team, struct compute *compute, const struct kernel *kernel,
                    const struct attention_task *first, size_t row, uint32_t count);

#endif
