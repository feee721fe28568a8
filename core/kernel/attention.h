/* What a kernel's attention works on: see attention_rules.h for what it computes. */
#ifndef BOOTLLAMA_ATTENTION_H
#define BOOTLLAMA_ATTENTION_H

#include "base/arena.h"
#include "kernel/kernel.h"

/* Working memory, with rows for each head, so that heads can be computed in parallel. Not owned. */
struct attention_scratch {
    float *scores;   /* [heads][context], then coefficients in the same places, in the order of kv_value_slot */
    int16_t *ratios; /* [heads][context] in the order of kv_value_slot; a task has one for each KV head */
    float *rows;     /* [heads][attention_rows][a head, rounded up]: see attention_lanes */
};

/* The attention of one position in one layer, or a part of it: the heads that read KV heads first .. first + count - 1.
   The cache already holds the position. */
struct attention_task {
    struct attention shape;
    struct kv_cache cache;
    struct attention_scratch scratch;
    const int16_t *q;     /* [heads][head_size] */
    const float *q_scale; /* [heads] */
    float *out;           /* [heads][head_size]: a task fills its own heads' */
    uint32_t first, count;
};

/* A task's numbers for each of its heads, in the task's order. */
struct attention_lanes {
    uint32_t stride;  /* from row to row: the heads, rounded up to a multiple of KERNEL_LANES */
    float *factor;    /* [stride] of scores */
    float *v_largest; /* [stride] NaN if a value of the text so far is NaN */
    float *largest;   /* [chunks][stride] largest scores, then the scales of the chunks' sums */
    float *sum;       /* [chunks][stride] sums of p */
};

/* What one head works on. */
struct attention_head {
    const int16_t *q, *k, *v;
    const float *k_scale, *v_scale;
    int16_t *ratios;
    float *scores, *out;
};

/* Takes the memory for these heads and this context, a multiple of KV_BLOCK, from *arena: see arena_take. */
void attention_layout(struct attention_scratch *scratch, uint32_t heads, uint32_t context, struct arena *arena);

/* Heads first .. first + count - 1 of a task, all of one KV head, as a task of their own: tasks of other heads may run
   at the same time. */
struct attention_task attention_some_heads(const struct attention_task *task, uint32_t first, uint32_t count);

/* What a score counts at most, minus infinity for positions that are not attended to, else infinity: KV_BLOCK positions
   before the attended ones, so many of those, and so many behind. Hidden: see kernel.h. */
extern const float attention_limits[3 * KV_BLOCK] __attribute__((visibility("hidden")));

/* The limits of the block that a text begins or ends in. */
static inline const float *attention_first_limits(const struct attention *shape)
{
    return attention_limits + KV_BLOCK - attention_first(shape) % KV_BLOCK;
}

static inline const float *attention_last_limits(const struct attention *shape)
{
    return attention_limits + 2 * KV_BLOCK - 1 - shape->position % KV_BLOCK;
}

/* Finds a task's lanes and fills `factor` and `v_largest`. */
struct attention_lanes attention_prepare(const struct attention_task *task);

/* Heads that read one KV head. */
static inline uint32_t attention_queries(const struct attention *shape)
{
    return shape->heads / shape->kv_heads;
}

/* The task's first head. */
static inline struct attention_head attention_head(const struct attention_task *task)
{
    const struct attention *shape = &task->shape;
    const size_t head = (size_t)task->first * attention_queries(shape), row = (size_t)task->first * shape->context;
    return (struct attention_head){
        .q = task->q + head * shape->head_size,
        .k = task->cache.k + row * shape->head_stride,
        .v = task->cache.v + row * shape->head_stride,
        .k_scale = task->cache.k_scale + row,
        .v_scale = task->cache.v_scale + row,
        .ratios = task->scratch.ratios + row,
        .scores = task->scratch.scores + head * shape->context,
        .out = task->out + head * shape->head_size,
    };
}

/* Moves on by so many heads of the same KV head. */
static inline void attention_next(struct attention_head *head, const struct attention *shape, uint32_t heads)
{
    head->q += (size_t)heads * shape->head_size;
    head->scores += (size_t)heads * shape->context;
    head->out += (size_t)heads * shape->head_size;
}

/* Moves on to the next KV head, whose first query comes next. */
static inline void attention_next_kv(struct attention_head *head, const struct attention *shape)
{
    const size_t elements = (size_t)shape->context * shape->head_stride;
    head->k += elements;
    head->v += elements;
    head->k_scale += shape->context;
    head->v_scale += shape->context;
    head->ratios += shape->context;
}

/* What v_scale is multiplied by to make ratios. */
static inline float attention_ratio_factor(float v_largest)
{
    return v_largest > 0 ? (ATTENTION_RATIO_MAX + 1) / v_largest : 0.0f;
}

#endif
