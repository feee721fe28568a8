/* Attention of a position: runs a kernel's steps over heads and chunks as attention_rules.h defines. */
#ifndef BOOTLLAMA_ATTENTION_H
#define BOOTLLAMA_ATTENTION_H

#include "base/arena.h"
#include "kernel/kernel.h"

/* Working memory, with rows for each head, so that heads can be computed in parallel. Not owned. */
struct attention_scratch {
    float *scores;   /* [heads][context], then coefficients in the same places */
    int16_t *ratios; /* [kv_heads][context] */
    float *largest;  /* [heads] scores */
    float *chunks;   /* [heads][context / ATTENTION_CHUNK + 2] largest scores, then the scales of their sums */
};

/* Takes the memory for these heads and this context, a multiple of KV_BLOCK, from *arena: see arena_take. */
void attention_layout(struct attention_scratch *scratch, uint32_t heads, uint32_t kv_heads, uint32_t context,
                      struct arena *arena);

/*
 * Computes the heads that read KV heads first .. first + count - 1, of the query q [heads * head_size] and its scale,
 * into their places in out [heads * head_size]. The cache already holds the current position.
 */
void attention_compute(const struct kernel *kernel, float *out, const int16_t *q, float q_scale,
                       const struct kv_cache *cache, const struct attention *shape,
                       const struct attention_scratch *scratch, uint32_t first, uint32_t count);

#endif
