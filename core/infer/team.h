/*
 * Several processors at one model: the rows of a matrix and the heads of attention are shared out among them. Kernels
 * know nothing of it, and the bits are the same for any number.
 *
 * Between team_begin and team_end the other processors spin, each at a mailbox of its own. A share that its processor
 * has not taken by the time the first one is done with its own is taken back and computed by the first: processors
 * that come late, or that an emulator or system gives no time, cost speed and never hold anything up. One that stops
 * with a share in hand costs seconds, once: the first computes the share, and all that follows until team_end.
 */
#ifndef BOOTLLAMA_TEAM_H
#define BOOTLLAMA_TEAM_H

#include "infer/compute.h"
#include "kernel/attention.h"
#include "platform.h"

/* Computes units first .. first + count - 1; count >= 1. Runs on any processor. */
typedef void team_work(void *context, uint32_t first, uint32_t count);

enum { TEAM_LINE = 128 }; /* bytes; a cache line of 64 and the neighbour that processors fetch along with it */

/* A processor's mailbox. All but `state` changes only while state is TEAM_IDLE. */
struct team_member {
    uint32_t state; /* team.c */
    uint32_t first, count;
    team_work *work;
    void *context;
} __attribute__((aligned(TEAM_LINE)));

struct team {
    struct platform *platform;                          /* not owned */
    uint32_t present;                                   /* processors of the machine, the first included */
    uint32_t chosen;                                    /* that compute in a stretch */
    uint32_t at_work;                                   /* `chosen` from team_begin to team_end, else 1 */
    bool lost;                                          /* team_lost */
    const struct kernel *kernel;                        /* that computes from team_begin to team_end */
    struct team_member member[PLATFORM_PROCESSORS_MAX]; /* [0] is not used: the first processor's */
};

/* Counts the machine's processors without starting any. The first one computes alone until team_use or team_choose, and
   in a struct team of zeros. */
void team_init(struct team *team, struct platform *platform);

/* Processors of the machine, the first included. */
uint32_t team_processors(const struct team *team);

/* Sets how many processors compute from the next team_begin on: at least 1, at most all. */
void team_use(struct team *team, uint32_t processors);

/*
 * Finds out how many processors are fastest, for a model with this many bytes of weights, and sets it: a small model
 * gets one at once; for others step(context), which computes one token, is timed, within a stretch. Takes some 20 ms
 * for each doubling of processors, or about two steps where those are slower. Returns the number: all of
 * them where computing was stopped.
 */
uint32_t team_choose(struct team *team, struct compute *compute, uint64_t weight_bytes, void (*step)(void *context),
                     void *context);

/* Around the computing of a whole story: starts the others, each of which begins a stretch for the kernel (see its
   begin), and dismisses them. Not within a stretch of the first processor (compute_begin). */
void team_begin(struct team *team, const struct kernel *kernel);
void team_end(struct team *team);

/* Whether a processor has stopped in the middle of a share since the last call. The first one has computed that share
   again, so what it adds to may have been added twice: compute all of it again. team may be NULL: false. */
bool team_lost(struct team *team);

/* Shares out units 0 .. units - 1 among the processors at work, the first included, and returns when all are computed.
   team may be NULL: the first computes alone. */
void team_split(struct team *team, uint32_t units, team_work *work, void *context);

/*
 * kernel->matmul, by row tiles. Returns false where computing is to stop, *out then being incomplete. compute may be
 * NULL: it is not interrupted.
 */
bool team_matmul(struct team *team, struct compute *compute, const struct kernel *kernel, float *out, size_t out_stride,
                 const struct q8_matrix *w, const struct q8_vector *x, uint32_t count, bool add);

/*
 * attention_compute, by KV heads, for `count` >= 1 positions from shape->position on: q, out [count][row] with a scale
 * for each query, row >= heads * head_size. The cache holds all of these positions. Returns false as team_matmul does.
 */
bool team_attention(struct team *team, struct compute *compute, const struct kernel *kernel, float *out,
                    const int16_t *q, const float *q_scale, size_t row, const struct kv_cache *cache,
                    const struct attention *shape, const struct attention_scratch *scratch, uint32_t count);

#endif
