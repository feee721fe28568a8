/*
 * Attention in whole numbers: the KV cache, and the arithmetic between its quantizations.
 *
 * A position's queries, keys and values are int16, each with one scale over all heads (row_quantize of struct kernel).
 * For one head and a chunk of positions t (chunk_end),
 *   score[t]  = (float)(q . k[t]) * k_scale[t]                     the dot product exact in int32
 *   z[t]      = (the chunk's largest score - score[t]) * factor    rounded to an integer, factor = q's scale *
 *                                                                  score_factor; what is above POWER_LAST, or is no
 *                                                                  number, counts as POWER_LAST
 *   p[t]      = power_negative(z[t])                               softmax's numerator, 14 bits
 *   weight[t] = p[t] * share[t], share[t] = v_scale[t] / v_largest 14 bits again: attention_weight
 *   power     = 2^((the chunk's largest score - the largest of all) * factor / 2^POWER_BITS), 1 where both are one
 * and with the sums over the chunk, which are exact in int32,
 *   out       = the sum over chunks, in order, of sum(weight[t] * v[t]) * (v_largest / total * power)
 *   total     = the sum over chunks, in order, of sum(p[t]) * power
 * Chunks have a largest score each since one position, mostly the first, may have nearly all of the softmax and next to
 * nothing as its value ("attention sink"): the others' weights must not be lost beside it.
 */
#ifndef BOOTLLAMA_ATTENTION_H
#define BOOTLLAMA_ATTENTION_H

#include <stddef.h>
#include <stdint.h>

struct kernel;

enum {
    KEY_RANGE = 1447,                    /* largest magnitude in a query or key: squared * HEAD_MAX is below 2^31 */
    HEAD_MAX = 1024,                     /* largest head_size */
    VALUE_RANGE = 511,                   /* largest magnitude in a value: * CHUNK * POWER_ONE is below 2^31 */
    CHUNK = 256,                         /* positions whose products are summed in int32 */
    KV_BLOCK = 32,                       /* positions in a block of the value cache */
    KEY_LANES = KV_BLOCK / 2,            /* positions in a block of the key cache */
    HEAD_STEP = 8,                       /* head_size is padded to a multiple of this in the cache */
    POWER_BITS = 11,                     /* of the fraction of z */
    POWER_LAST = (15 << POWER_BITS) - 1, /* 2^-z is 0 here already */
    POWER_ONE = 16383,                   /* 2^-0 */
    SHARE_MAX = 32767,
};
_Static_assert((int64_t)KEY_RANGE * KEY_RANGE * HEAD_MAX <= INT32_MAX, "a score is exact");
_Static_assert((int64_t)VALUE_RANGE * POWER_ONE * CHUNK <= INT32_MAX, "a chunk is exact");

/* 2^-t for t of 16 fractional bits is 1 - t (C1 - t (C2 - t C3)), every product cut off: relative error 1.2e-4 for what
   z has of them. */
#define POWER_C1 45317
#define POWER_C2 15131
#define POWER_C3 2585

/* A row with no magnitude from here on counts as zeros: no score or output of it is below the normal range. */
#define ROW_SMALLEST 0x2B800000u /* bits of 2^-40 */

/* What one layer remembers of the positions so far. Not owned. */
struct kv_cache {
    int16_t *k;       /* [kv_heads][context / KEY_LANES][head_stride / 2][KEY_LANES][2]: key_index */
    int16_t *v;       /* [kv_heads][context / KV_BLOCK][head_stride][KV_BLOCK]: value_index */
    float *k_scale;   /* [context] NaN where a key is none */
    float *v_scale;   /* [context] finite */
    float *v_largest; /* [context] of v_scale up to here; NaN from a value on that is none */
};

/* One layer's attention for one position. */
struct attention {
    uint32_t heads, kv_heads;        /* kv_heads divides heads */
    uint32_t head_size, head_stride; /* even, at most HEAD_MAX; rounded up to HEAD_STEP */
    uint32_t context;                /* positions in the cache, a multiple of KV_BLOCK */
    uint32_t position;               /* of the current token: positions 0..position are attended to */
    float score_factor;              /* log2(e) / sqrt(head_size) * 2^POWER_BITS */
};

/*
 * out [heads * head_size] for the query q [heads * head_size] and its scale. The cache holds the current position, too.
 * scratch: attention_scratch floats, aligned as the cache is.
 */
void attention_compute(const struct kernel *kernel, float *out, const int16_t *q, float q_scale,
                       const struct kv_cache *cache, const struct attention *shape, float *scratch);

/* Positions up to the current one, rounded up to whole blocks. */
static inline uint32_t attention_padded(const struct attention *shape)
{
    return (shape->position / KV_BLOCK + 1) * KV_BLOCK;
}

/* Where the chunk that begins with position `begin` ends, of n in all: in long texts the first block is a chunk of its
   own. */
static inline uint32_t chunk_end(uint32_t begin, uint32_t n)
{
    const uint32_t end = begin == 0 && n > CHUNK ? (uint32_t)KV_BLOCK : begin + CHUNK;
    return end < n ? end : n;
}

/* Floats of scratch for so many heads; those of two shares of the heads are no more than those of all. They may be more
   than there are addresses. */
static inline uint64_t attention_scratch(uint32_t heads, uint32_t context)
{
    return (uint64_t)heads * (2 * (uint64_t)context + 16);
}

/* Where an element of a head's keys lies: two dimensions of KEY_LANES positions are together, a lane a position. */
static inline size_t key_index(uint32_t head_stride, uint32_t position, uint32_t dimension)
{
    const size_t pair = (size_t)(position / KEY_LANES) * (head_stride / 2) + dimension / 2;
    return (pair * KEY_LANES + position % KEY_LANES) * 2 + dimension % 2;
}

/* Of a block's 32 positions, four of the first half and their fellows of the second are next to each other: the order
   in which packssdw leaves two vectors of scores, whatever their length. */
static inline uint32_t value_slot(uint32_t position)
{
    return position / 4 % 4 * 8 + position / KEY_LANES % 2 * 4 + position % 4;
}

static inline size_t value_index(uint32_t head_stride, uint32_t position, uint32_t dimension)
{
    return ((size_t)(position / KV_BLOCK) * head_stride + dimension) * KV_BLOCK + value_slot(position);
}

/* 2^-(z / 2^POWER_BITS) in units of 2^-14, cut off; z <= POWER_LAST. */
static inline uint32_t power_negative(uint32_t z)
{
    const uint32_t t = z << (16 - POWER_BITS) & 0xFFFF;
    const uint32_t inner = POWER_C1 - (t * (POWER_C2 - (t * POWER_C3 >> 16)) >> 16);
    return (65535 - (t * inner >> 16)) >> ((z >> POWER_BITS) + 2);
}

/* p * share in p's units, cut off: half a unit more of p makes up for what p has been cut by. */
static inline int32_t attention_weight(uint32_t p, uint32_t share)
{
    return (int32_t)((2 * p + 1) * share >> 16);
}

#endif
