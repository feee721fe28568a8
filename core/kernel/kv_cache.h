/*
 * The KV cache of one layer: int16 with a scale for each position of each head, and where their elements lie.
 *
 * Kernels read the keys of KV_KEY_LANES positions and the values of KV_BLOCK positions as whole vectors.
 */
#ifndef BOOTLLAMA_KV_CACHE_H
#define BOOTLLAMA_KV_CACHE_H

#include <stddef.h>
#include <stdint.h>

enum {
    KV_BLOCK = 32,               /* positions in a block of the value cache */
    KV_KEY_LANES = KV_BLOCK / 2, /* positions in a block of the key cache */
    KV_HEAD_STEP = 8,            /* head_size is padded to a multiple of this in the cache */
    KV_KEY_RANGE = 1447,         /* largest magnitude in a query or key: see attention_rules.h */
    KV_VALUE_RANGE = 511,        /* largest magnitude in a value */
};

/* A head of queries, keys or values with all magnitudes below this counts as zeros, so that no score or output of it is
   below the normal range. */
#define KV_SMALLEST 0x2B800000u /* bits of 2^-40 */

/* The keys and values of one layer for the positions so far; what lies behind them may be anything. Not owned. */
struct kv_cache {
    int16_t *k;       /* [kv_heads][context / KV_KEY_LANES][head_stride / 2][KV_KEY_LANES][2]: kv_key_index */
    int16_t *v;       /* [kv_heads][context / KV_BLOCK][head_stride][KV_BLOCK]: kv_value_index */
    float *k_scale;   /* [kv_heads][context] NaN if a key is NaN */
    float *v_scale;   /* [kv_heads][context] finite */
    float *v_largest; /* [kv_heads][context] of v_scale up to here; NaN from the first NaN value on */
};

/* The index of an element of a head's keys: pairs of dimensions of KV_KEY_LANES positions lie together, a lane for each
   position. */
static inline size_t kv_key_index(uint32_t head_stride, uint32_t position, uint32_t dimension)
{
    const size_t pair = (size_t)(position / KV_KEY_LANES) * (head_stride / 2) + dimension / 2;
    return (pair * KV_KEY_LANES + position % KV_KEY_LANES) * 2 + dimension % 2;
}

/* The place of a position in its block of 32. Four positions of the first half alternate with the corresponding four of
   the second half: packssdw leaves two vectors of scores in this order, whatever their length. */
static inline uint32_t kv_value_slot(uint32_t position)
{
    return position / 4 % 4 * 8 + position / KV_KEY_LANES % 2 * 4 + position % 4;
}

static inline size_t kv_value_index(uint32_t head_stride, uint32_t position, uint32_t dimension)
{
    return ((size_t)(position / KV_BLOCK) * head_stride + dimension) * KV_BLOCK + kv_value_slot(position);
}

#endif
