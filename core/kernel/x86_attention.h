/*
 * Attention of a vector kernel, by the definition in attention_rules.h. All of its sums are integer sums, and the
 * largest score is the same in any order, so nothing here depends on the vector length.
 *
 * It goes through all heads three times - scores, coefficients, values - because each pass ends in a long chain of
 * dependent operations that the next head's work then hides. The heads that read one KV head are taken several at once,
 * and what is one number for each head is computed in lanes, a head in each.
 *
 * A kernel's .c file includes this after x86_vector.h and after defining, for its instruction set, besides what that
 * and x86_attention_products.h need,
 *   ints_least(z)               of unsigned 16-bit numbers and ATTENTION_POWER_LAST, unless ints_shift_each takes any
 *   ints_shift_each(x, n)       x >> (n + 1), 16 bits, each by its own n <= 31; the lowest bit may be anything
 * SSE2, with two ways of computing coefficients, defines HAS_WAYS and, instead of ints_shift_each,
 *   ints_nearest(x, way)        the nearest integers to x >= 0; any of more than 16 bits where those have more
 *   ints_shift(x, n, way)       ints_shift_each
 */
#ifndef BOOTLLAMA_X86_ATTENTION_H
#define BOOTLLAMA_X86_ATTENTION_H

#include "kernel/x86_attention_products.h"

static inline void ints_store(void *p, ints x)
{
    *(ints *)p = x;
}

#ifndef HAS_WAYS
static inline ints ints_nearest(floats x, uint32_t way)
{
    (void)way;
    return VECTOR(cvtps_epi32)(x);
}

static inline ints ints_shift(ints x, ints n, uint32_t way)
{
    (void)way;
    return ints_shift_each(x, n);
}
#endif

/* Both halves' numbers rounded to integers, saturated, in the order of kv_value_slot. */
static inline ints rounded(floats low, floats high, uint32_t way)
{
    return VECTOR(packs_epi32)(ints_nearest(low, way), ints_nearest(high, way));
}

/* The ratios of one KV head. */
static inline void value_ratios(const struct passes *passes, const struct attention_head *head, float v_largest,
                                uint32_t way)
{
    const floats factor = VECTOR(set1_ps)(attention_ratio_factor(v_largest));
    for (uint32_t t = passes->begin; t < passes->end; t += KV_BLOCK) {
        for (uint32_t i = 0; i < KV_KEY_LANES; i += WIDTH) {
            const floats low = VECTOR(mul_ps)(VECTOR(load_ps)(head->v_scale + t + i), factor);
            const floats high = VECTOR(mul_ps)(VECTOR(load_ps)(head->v_scale + t + KV_KEY_LANES + i), factor);
            ints_store(head->ratios + t + 2 * i, rounded(low, high, way));
        }
    }
}

/* 2 p + 1 for every element, where p = attention_power(z). */
static inline ints odd_powers(ints z, uint32_t way)
{
    const ints t = VECTOR(slli_epi16)(z, 16 - ATTENTION_POWER_BITS);
    ints inner = VECTOR(mulhi_epu16)(t, VECTOR(set1_epi16)(ATTENTION_POWER_C3));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)(ATTENTION_POWER_C2), inner));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)((int16_t)ATTENTION_POWER_C1), inner));
    const ints power = VECTOR(sub_epi16)(VECTOR(set1_epi16)(-1), inner);
    return ints_shift(power, VECTOR(srli_epi16)(z, ATTENTION_POWER_BITS), way) | VECTOR(set1_epi16)(1);
}

static inline floats scaled_distance(floats score, floats largest, floats factor)
{
    return VECTOR(mul_ps)(VECTOR(sub_ps)(largest, score), factor);
}

/* The sums of p of one or two heads, where `odd` are sums of `positions` numbers 2 p + 1. */
static inline __m128 sum_powers(const ints odd[QUERIES], uint32_t count, uint32_t positions)
{
    const ints first = odd[0], second = odd[count - 1];
    const __m128i four =
        ints_fold(VECTOR(add_epi32)(VECTOR(unpacklo_epi32)(first, second), VECTOR(unpackhi_epi32)(first, second)));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtepi32_ps(_mm_srli_epi32(_mm_sub_epi32(two, _mm_set1_epi32((int32_t)positions)), 1));
}

/* Turns the scores of `count` heads of one KV head, a constant, into coefficients. */
static inline __attribute__((always_inline)) void heads_coefficients(const struct passes *passes,
                                                                     const struct attention_head *head, uint32_t count,
                                                                     uint32_t lane, uint32_t way)
{
    const struct attention_lanes *lanes = &passes->lanes;
    const size_t context = passes->shape->context;
    const uint32_t end = passes->end;
    const float *factor = lanes->factor + lane, *largest = lanes->largest + lane;
    float *sum = lanes->sum + lane;
    for (uint32_t t = passes->begin; t < end; largest += lanes->stride, sum += lanes->stride) {
        const uint32_t chunk = t, chunk_end = attention_chunk_end(t, end);
        ints total[QUERIES];
        floats most[QUERIES], by[QUERIES];
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
            total[q] = VECTOR(set1_epi32)(0);
            most[q] = VECTOR(set1_ps)(largest[q]);
            by[q] = VECTOR(set1_ps)(factor[q]);
        }
        do {
#pragma GCC unroll UNROLLED
            for (uint32_t i = 0; i < KV_KEY_LANES; i += WIDTH) {
                const ints ratios = ints_load(head->ratios + t + 2 * i);
#pragma GCC unroll 4
                for (uint32_t q = 0; q < count; q++) {
                    float *scores = head->scores + q * context;
                    const floats *score = (const floats *)(scores + t + i);
                    const ints z = rounded(scaled_distance(score[0], most[q], by[q]),
                                           scaled_distance(score[KV_KEY_LANES / WIDTH], most[q], by[q]), way);
                    const ints odd = odd_powers(ints_least(z), way); /* as attention_coefficient takes it */
                    total[q] = ints_madd(total[q], odd, VECTOR(set1_epi16)(1));
                    ints_store((int16_t *)scores + t + 2 * i, VECTOR(mulhi_epu16)(odd, ratios));
                }
            }
            t += KV_BLOCK;
        } while (t < chunk_end);
        store_lanes(sum, sum_powers(total, count, chunk_end - chunk), count);
    }
}

static inline __attribute__((always_inline)) void all_coefficients(const struct passes *passes, uint32_t way)
{
    const struct attention_lanes *lanes = &passes->lanes;
    struct attention_head head = passes->head;
    uint32_t lane = 0;
    for (uint32_t i = 0; i < passes->task->count; i++) {
        value_ratios(passes, &head, lanes->v_largest[lane], way);
        uint32_t left = passes->queries;
        for (; QUERIES > 1 && left >= QUERIES; left -= QUERIES, lane += QUERIES) {
            heads_coefficients(passes, &head, QUERIES, lane, way);
            attention_next(&head, passes->shape, QUERIES);
        }
        for (; left > 0; left--, lane++) {
            heads_coefficients(passes, &head, 1, lane, way);
            attention_next(&head, passes->shape, 1);
        }
        attention_next_kv(&head, passes->shape);
    }
}

static __attribute__((noinline)) void compute_coefficients(const struct passes *passes)
{
    all_coefficients(passes, 0);
}

/* Turns the largest scores of the chunks of WIDTH heads into the scales of their sums. */
static inline void weigh_lanes(const struct attention_lanes *lanes, uint32_t lane, uint32_t chunks)
{
    const floats unit = VECTOR(set1_ps)(1.0f / (1 << ATTENTION_POWER_BITS));
    const floats factor = VECTOR(mul_ps)(VECTOR(load_ps)(lanes->factor + lane), unit);
    float *chunk = lanes->largest + lane, *sum = lanes->sum + lane;
    floats largest = VECTOR(load_ps)(chunk), total = VECTOR(set1_ps)(0);
    for (uint32_t i = 1; i < chunks; i++) {
        largest = VECTOR(max_ps)(VECTOR(load_ps)(chunk + i * lanes->stride), largest);
    }
    for (uint32_t i = 0; i < chunks; i++) {
        const floats distance = VECTOR(sub_ps)(VECTOR(load_ps)(chunk + i * lanes->stride), largest);
        const floats power = exp2_floats(VECTOR(mul_ps)(distance, factor));
        total = VECTOR(add_ps)(total, VECTOR(mul_ps)(VECTOR(load_ps)(sum + i * lanes->stride), power));
        VECTOR(store_ps)(chunk + i * lanes->stride, power);
    }
    const floats share = VECTOR(div_ps)(VECTOR(load_ps)(lanes->v_largest + lane), total);
    for (uint32_t i = 0; i < chunks; i++) {
        const floats power = VECTOR(load_ps)(chunk + i * lanes->stride);
        VECTOR(store_ps)(chunk + i * lanes->stride, VECTOR(mul_ps)(power, share));
    }
}

static __attribute__((noinline)) void weigh_chunks(const struct passes *passes)
{
    uint32_t chunks = 0;
    for (uint32_t t = passes->begin; t < passes->end; t = attention_chunk_end(t, passes->end)) {
        chunks++;
    }
    for (uint32_t lane = 0; lane < passes->task->count * passes->queries; lane += WIDTH) {
        weigh_lanes(&passes->lanes, lane, chunks);
    }
}

/* The passes whose code a kernel chooses. */
typedef void attention_pass(const struct passes *passes);

static inline void attention_by(const struct attention_task *task, attention_pass *scores, attention_pass *coefficients,
                                attention_pass *values)
{
    const struct attention *shape = &task->shape;
    const uint32_t begin = attention_begin(shape), end = attention_padded(shape);
    const struct passes passes = {
        .task = task,
        .shape = shape,
        .head = attention_head(task),
        .lanes = attention_prepare(task),
        .begin = begin,
        .end = end,
        .first_whole = number_round_up(attention_first(shape), KV_BLOCK),
        .last = end - KV_BLOCK,
        .queries = attention_queries(shape),
    };
    scores(&passes);
    coefficients(&passes);
    weigh_chunks(&passes);
    values(&passes);
}

static void attention(const struct attention_task *task)
{
    attention_by(task, score_heads, compute_coefficients, sum_values);
}

#endif
