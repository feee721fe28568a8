/*
 * The definition of attention in integers, between its quantizations.
 *
 * A position's queries, keys and values are int16, with a scale for each head (heads_quantize of struct kernel). For
 * one head, with its KV head's keys and values, and a chunk of positions t (attention_chunk_end),
 *   score[t]       = (float)(q . k[t]) * k_scale[t]             the dot product exact in int32
 *   z[t]           = (the chunk's largest score - score[t]) * factor
 *                                                               rounded to an integer, factor = q_scale *
 *                                                               score_factor; above ATTENTION_POWER_LAST, or not a
 *                                                               number, it counts as ATTENTION_POWER_LAST
 *   p[t]           = attention_power(z[t])                      softmax's numerator, 14 bits
 *   ratio[t]       = v_scale[t] / v_largest                     15 bits
 *   coefficient[t] = p[t] * ratio[t]                            14 bits again: attention_coefficient
 *   power          = 2^((the chunk's largest score - the largest of all) * factor / 2^ATTENTION_POWER_BITS)
 * and with the sums over the chunk, which are exact in int32,
 *   out   = the sum over chunks, in order, of sum(coefficient[t] * v[t]) * (v_largest / total * power)
 *   total = the sum over chunks, in order, of sum(p[t]) * power
 * Positions before a window, in the block that it begins in, count as later ones do: their score is minus infinity. The
 * largest scale of values, v_largest, is that of the positions attended to.
 * Each chunk has a largest score of its own because one position, usually the first, may take nearly all of the softmax
 * while its value is close to zero ("attention sink"): the other coefficients must not vanish beside it. So the first
 * block is always a chunk of its own.
 */
#ifndef BOOTLLAMA_ATTENTION_RULES_H
#define BOOTLLAMA_ATTENTION_RULES_H

#include "kernel/kv_cache.h"

enum {
    ATTENTION_HEAD_MAX = 1024,                               /* largest head_size */
    ATTENTION_CHUNK = 256,                                   /* positions whose products are summed in int32 */
    ATTENTION_POWER_BITS = 11,                               /* of the fraction of z */
    ATTENTION_POWER_LAST = (15 << ATTENTION_POWER_BITS) - 1, /* 2^-z is 0 here already */
    ATTENTION_POWER_ONE = 16383,                             /* 2^-0 */
    ATTENTION_RATIO_MAX = 32767,
};
_Static_assert((int64_t)KV_KEY_RANGE *KV_KEY_RANGE *ATTENTION_HEAD_MAX <= INT32_MAX, "a score is exact");
_Static_assert((int64_t)KV_VALUE_RANGE *ATTENTION_POWER_ONE *ATTENTION_CHUNK <= INT32_MAX, "a chunk is exact");
_Static_assert(ATTENTION_POWER_ONE *ATTENTION_CHUNK < 1 << 24, "a chunk's sum of p is exact in single precision");

/* 2^-t for t of 16 fractional bits is 1 - t (C1 - t (C2 - t C3)), every product truncated: relative error 1.2e-4 for
   the bits that z has. */
#define ATTENTION_POWER_C1 45317
#define ATTENTION_POWER_C2 15131
#define ATTENTION_POWER_C3 2585

/* One layer's attention for one position. */
struct attention {
    uint32_t heads, kv_heads;        /* kv_heads divides heads */
    uint32_t head_size, head_stride; /* even, at most ATTENTION_HEAD_MAX; rounded up to KV_HEAD_STEP */
    uint32_t context;                /* positions in the cache, a multiple of KV_BLOCK */
    uint32_t position;               /* of the current token: positions attention_first..position are attended to */
    uint32_t window;                 /* so many positions at most; 0 = any number */
    float score_factor;              /* log2(e) / sqrt(head_size) * 2^ATTENTION_POWER_BITS, for most models */
};

/* The first position that is attended to, and the block of positions that it lies in, where chunks begin. */
static inline uint32_t attention_first(const struct attention *shape)
{
    return shape->window != 0 && shape->position >= shape->window ? shape->position - shape->window + 1 : 0;
}

static inline uint32_t attention_begin(const struct attention *shape)
{
    return attention_first(shape) / KV_BLOCK * KV_BLOCK;
}

/* Positions up to the current one, rounded up to whole blocks. */
static inline uint32_t attention_padded(const struct attention *shape)
{
    return (shape->position / KV_BLOCK + 1) * KV_BLOCK;
}

/* Returns the end of the chunk that begins with position `begin`, of n in total. */
static inline uint32_t attention_chunk_end(uint32_t begin, uint32_t n)
{
    const uint32_t end = begin == 0 ? (uint32_t)KV_BLOCK : begin + ATTENTION_CHUNK;
    return end < n ? end : n;
}

/* 2^-(z / 2^ATTENTION_POWER_BITS) in units of 2^-14, truncated; z <= ATTENTION_POWER_LAST. */
static inline uint32_t attention_power(uint32_t z)
{
    const uint32_t t = z << (16 - ATTENTION_POWER_BITS) & 0xFFFF;
    const uint32_t inner = ATTENTION_POWER_C1 - (t * (ATTENTION_POWER_C2 - (t * ATTENTION_POWER_C3 >> 16)) >> 16);
    return (65535 - (t * inner >> 16)) >> ((z >> ATTENTION_POWER_BITS) + 2);
}

/* p * ratio in p's units, truncated: half a unit added to p makes up for the truncation of p. */
static inline int32_t attention_coefficient(uint32_t p, uint32_t ratio)
{
    return (int32_t)((2 * p + 1) * ratio >> 16);
}

#endif
