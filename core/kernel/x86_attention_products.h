/*
 * The two passes of attention (x86_attention.h) that are products of int16, scores and values. AVX-VNNI, which has an
 * instruction for them, takes only these.
 *
 * A kernel's .c file includes this after x86_width.h and after defining, for its instruction set,
 *   ints                        whole registers of integers
 *   ints_madd(sum, x, y)        adds the products of int16, each two neighbours to a 32-bit sum
 *   ints_fold(x)                the sums of its quarters
 *   QUERIES                     queries whose scores and coefficients are computed at once: two or one
 *   SCORE_VECTORS               a block of scores that its registers hold for so many: positions / WIDTH
 *   MANY_REGISTERS              whether it has more than eight
 *   VALUE_DIMS, VALUE_QUERIES   dimensions, a multiple of 4, and queries whose sums its registers hold
 * SSE2 defines HAS_WAYS and
 *   ints_madd_at(sum, p, y)     ints_madd with x at an address
 */
#ifndef BOOTLLAMA_X86_ATTENTION_PRODUCTS_H
#define BOOTLLAMA_X86_ATTENTION_PRODUCTS_H

#include "base/number.h"
#include "kernel/attention.h"
#include "kernel/x86_width.h"

enum {
    SHORTS = 2 * WIDTH,                 /* int16 in a vector */
    UNROLLED = MANY_REGISTERS ? 4 : 1,  /* steps of loops over a head */
    SCORE_STEP = SCORE_VECTORS * WIDTH, /* positions whose scores are computed at once */
};

static inline ints ints_load(const void *p)
{
    return *(const ints *)p;
}

#ifndef HAS_WAYS
static inline ints ints_madd_at(ints sum, const int16_t *p, ints y)
{
    return ints_madd(sum, ints_load(p), y);
}
#endif

/* The sums of four vectors. */
static inline __m128i sum_four(ints a, ints b, ints c, ints d)
{
    const ints ab = VECTOR(add_epi32)(VECTOR(unpacklo_epi32)(a, b), VECTOR(unpackhi_epi32)(a, b));
    const ints cd = VECTOR(add_epi32)(VECTOR(unpacklo_epi32)(c, d), VECTOR(unpackhi_epi32)(c, d));
    return ints_fold(VECTOR(add_epi32)(VECTOR(unpacklo_epi64)(ab, cd), VECTOR(unpackhi_epi64)(ab, cd)));
}

/* What the passes work on: a task with its first head and lanes, whole blocks of positions, chunks from
   lanes.largest[0] on. */
struct passes {
    const struct attention_task *task;
    const struct attention *shape;
    struct attention_head head;
    struct attention_lanes lanes;
    uint32_t begin, end, queries;
    uint32_t first_whole; /* block of positions: all of it, up to the current one, is attended to */
    uint32_t last;        /* block of positions, with the current one */
};

/* Products of SCORE_STEP positions' keys and the queries of `count` heads, a constant. */
static inline __attribute__((always_inline)) void some_scores(ints dot[QUERIES][SCORE_VECTORS],
                                                              const struct attention_head *head, uint32_t count,
                                                              const struct attention *shape, uint32_t t)
{
    const size_t size = shape->head_size, block = (size_t)shape->head_stride * KV_KEY_LANES;
    const int16_t *key = head->k + t / KV_KEY_LANES * block, *query = head->q;
#pragma GCC unroll 4
    for (uint32_t q = 0; q < count; q++) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
            dot[q][i] = VECTOR(set1_epi32)(0);
        }
    }
#pragma GCC unroll UNROLLED
    for (size_t i = 0; i < size; i += 2, key += 2 * KV_KEY_LANES, query += 2) {
        ints pair[QUERIES];
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
            pair[q] = VECTOR(set1_epi32)(*(const int32_t *)(query + q * size));
        }
#pragma GCC unroll 4
        for (uint32_t j = 0; j < SCORE_VECTORS; j++) {
            const uint32_t at = j * WIDTH;
            const int16_t *keys = key + at / KV_KEY_LANES * block + at % KV_KEY_LANES * 2;
#pragma GCC unroll 4
            for (uint32_t q = 0; q < count; q++) {
                dot[q][j] = count > 1 ? ints_madd(dot[q][j], ints_load(keys), pair[q]) /* the load is shared */
                                      : ints_madd_at(dot[q][j], keys, pair[q]);
            }
        }
    }
}

/* out[0..count) = numbers of so many lanes. */
static inline void store_lanes(float *out, __m128 lanes, uint32_t count)
{
    if (count == 1) {
        _mm_store_ss(out, lanes);
    } else {
        _mm_storel_pi((__m64 *)out, lanes);
    }
}

/* The largest lanes of one or two vectors that hold no NaN. */
static inline __m128 largest_floats(const floats x[QUERIES], uint32_t count)
{
    if (count == 1) {
        return _mm_set_ss(largest_float(x[0]));
    }
    const __m128 four = floats_fold(VECTOR(max_ps)(VECTOR(unpacklo_ps)(x[0], x[1]), VECTOR(unpackhi_ps)(x[0], x[1])));
    return _mm_max_ps(four, _mm_movehl_ps(four, four));
}

/* Takes the limits of these positions into account. */
static inline void limit_scores(floats score[SCORE_VECTORS][QUERIES], uint32_t count, const float *limits)
{
#pragma GCC unroll 4
    for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
        const floats limit = VECTOR(loadu_ps)(limits + i * WIDTH);
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) { /* NaN stays, and counts as small */
            score[i][q] = VECTOR(min_ps)(limit, score[i][q]);
        }
    }
}

/* Stores the scores of SCORE_STEP positions, and in `most` the larger ones of them and it. */
static inline __attribute__((always_inline)) void store_scores(const struct passes *passes,
                                                               const struct attention_head *head, uint32_t count,
                                                               uint32_t t, ints dot[QUERIES][SCORE_VECTORS],
                                                               floats most[QUERIES])
{
    const size_t context = passes->shape->context;
    floats score[SCORE_VECTORS][QUERIES];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
        const floats scale = VECTOR(load_ps)(head->k_scale + t + i * WIDTH);
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
            score[i][q] = VECTOR(mul_ps)(VECTOR(cvtepi32_ps)(dot[q][i]), scale);
        }
    }
    if (t < passes->first_whole) {
        limit_scores(score, count, attention_first_limits(passes->shape) + t % KV_BLOCK);
    }
    if (t >= passes->last) {
        limit_scores(score, count, attention_last_limits(passes->shape) + t % KV_BLOCK);
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
            VECTOR(store_ps)(head->scores + q * context + t + i * WIDTH, score[i][q]);
            most[q] = VECTOR(max_ps)(score[i][q], most[q]); /* the second operand if the first is NaN */
        }
    }
}

/* Scores of `count` heads of one KV head, a constant; chunks' largest scores, which are never NaN, to `largest` as in
   the lanes. */
static inline __attribute__((always_inline)) void
heads_scores(const struct passes *passes, const struct attention_head *head, uint32_t count, float *largest)
{
    const uint32_t end = passes->end;
    for (uint32_t t = passes->begin; t < end; largest += passes->lanes.stride) {
        const uint32_t chunk_end = attention_chunk_end(t, end);
        floats most[QUERIES];
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
            most[q] = VECTOR(set1_ps)(-float_from_bits(FLOAT_INFINITY));
        }
        do {
            ints dot[QUERIES][SCORE_VECTORS];
            some_scores(dot, head, count, passes->shape, t);
            store_scores(passes, head, count, t, dot, most);
            t += SCORE_STEP;
        } while (t < chunk_end);
        store_lanes(largest, largest_floats(most, count), count);
    }
}

static __attribute__((noinline)) void score_heads(const struct passes *passes)
{
    struct attention_head head = passes->head;
    float *largest = passes->lanes.largest;
    for (uint32_t i = 0; i < passes->task->count; i++) {
        uint32_t left = passes->queries;
        for (; QUERIES > 1 && left >= QUERIES; left -= QUERIES, largest += QUERIES) {
            heads_scores(passes, &head, QUERIES, largest);
            attention_next(&head, passes->shape, QUERIES);
        }
        for (; left > 0; left--, largest++) {
            heads_scores(passes, &head, 1, largest);
            attention_next(&head, passes->shape, 1);
        }
        attention_next_kv(&head, passes->shape);
    }
}

/* out[0..count) = four, or += where `add` is set. */
static inline void store_first(float *out, __m128 four, uint32_t count, bool add)
{
    const union {
        __m128 vector;
        float element[4];
    } all = {four};
    if (count >= 4) {
        _mm_storeu_ps(out, add ? _mm_add_ps(_mm_loadu_ps(out), four) : four);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] = add ? out[i] + all.element[i] : all.element[i];
    }
}

/* A chunk's sums of VALUE_DIMS dimensions, from `dimension` on, for `count` heads of one KV head, a constant. */
static inline __attribute__((always_inline)) void some_values(ints sum[VALUE_QUERIES][VALUE_DIMS],
                                                              const struct attention_head *head, uint32_t count,
                                                              const struct attention *shape, uint32_t dimension,
                                                              uint32_t first, uint32_t end)
{
    const size_t block = (size_t)shape->head_stride * KV_BLOCK, context = shape->context;
    const int16_t *v = head->v + first / KV_BLOCK * block + dimension * KV_BLOCK;
    uint32_t t = first;
#pragma GCC unroll 4
    for (uint32_t q = 0; q < count; q++) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < VALUE_DIMS; i++) {
            sum[q][i] = VECTOR(set1_epi32)(0);
        }
    }
    do {
#pragma GCC unroll UNROLLED
        for (uint32_t part = 0; part < KV_BLOCK; part += SHORTS) {
            ints coefficients[VALUE_QUERIES];
#pragma GCC unroll 4
            for (uint32_t q = 0; q < count; q++) {
                coefficients[q] = ints_load((const int16_t *)(head->scores + q * context) + t + part);
            }
#pragma GCC unroll 8
            for (uint32_t i = 0; i < VALUE_DIMS; i++) {
                const int16_t *values = v + i * KV_BLOCK + part;
#pragma GCC unroll 4
                for (uint32_t q = 0; q < count; q++) {
                    sum[q][i] = ints_madd_at(sum[q][i], values, coefficients[q]);
                }
            }
        }
        t += KV_BLOCK;
        v += block;
    } while (t < end);
}

/* Adds a chunk's values to out, or stores them if it is the first. */
static inline __attribute__((always_inline)) void chunk_values(const struct attention_head *head, uint32_t count,
                                                               const struct attention *shape, uint32_t first,
                                                               uint32_t end, const float *scale, bool add)
{
    for (uint32_t i = 0; i < shape->head_size; i += VALUE_DIMS) {
        const uint32_t left = shape->head_size - i;
        ints sum[VALUE_QUERIES][VALUE_DIMS];
        some_values(sum, head, count, shape, i, first, end);
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
#pragma GCC unroll 2
            for (uint32_t j = 0; j < VALUE_DIMS; j += 4) {
                const __m128i four = sum_four(sum[q][j], sum[q][j + 1], sum[q][j + 2], sum[q][j + 3]);
                store_first(head->out + q * shape->head_size + i + j,
                            _mm_mul_ps(_mm_cvtepi32_ps(four), _mm_set1_ps(scale[q])), left > j ? left - j : 0, add);
            }
        }
    }
}

/* The outputs of `count` heads of one KV head, a constant; scale as in the lanes. */
static inline __attribute__((always_inline)) void
heads_values(const struct passes *passes, const struct attention_head *head, uint32_t count, const float *scale)
{
    for (uint32_t t = passes->begin, end; t < passes->end; t = end, scale += passes->lanes.stride) {
        end = attention_chunk_end(t, passes->end);
        chunk_values(head, count, passes->shape, t, end, scale, t > passes->begin);
    }
}

static __attribute__((noinline)) void sum_values(const struct passes *passes)
{
    struct attention_head head = passes->head;
    const float *scale = passes->lanes.largest;
    for (uint32_t i = 0; i < passes->task->count; i++) {
        uint32_t left = passes->queries;
        for (; VALUE_QUERIES > 1 && left >= VALUE_QUERIES; left -= VALUE_QUERIES, scale += VALUE_QUERIES) {
            heads_values(passes, &head, VALUE_QUERIES, scale);
            attention_next(&head, passes->shape, VALUE_QUERIES);
        }
        for (; left > 0; left--, scale++) {
            heads_values(passes, &head, 1, scale);
            attention_next(&head, passes->shape, 1);
        }
        attention_next_kv(&head, passes->shape);
    }
}

#endif
