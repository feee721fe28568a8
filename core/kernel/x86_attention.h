/*
 * Attention of a vector kernel, by the definition in attention_rules.h. All of its sums are integer sums, and the
 * largest score is the same in any order, so nothing here depends on the vector length.
 *
 * A kernel's .c file includes this after defining, for its instruction set,
 *   VECTOR(name)                the intrinsic of that name for whole registers: VECTOR(add_ps)
 *   floats, ints                those registers
 *   ints_madd(sum, x, y)        adds the products of int16, each two neighbours to a 32-bit sum
 *   ints_min(x, y)              of unsigned 16-bit numbers
 *   ints_shift(x, n)            x >> (n + 2), 16 bits, each by its own n <= 14
 *   ints_fold(x), floats_fold(x)  the sums, the largest of its quarters
 *   store_int16(out, x)         rounds to integers and stores them in order
 *   VALUE_DIMS                  dimensions, a multiple of 4, whose sums its registers hold
 */
#ifndef BOOTLLAMA_X86_ATTENTION_H
#define BOOTLLAMA_X86_ATTENTION_H

#include "kernel/kernel.h"

enum {
    WIDTH = sizeof(floats) / sizeof(float),           /* positions in a vector of scores */
    SHORTS = 2 * WIDTH,                               /* int16 in a vector */
    SCORE_VECTORS = WIDTH > 4 ? KV_BLOCK / WIDTH : 4, /* computed at once */
};

static inline ints ints_load(const void *p)
{
    return *(const ints *)p;
}

static inline void ints_store(void *p, ints x)
{
    *(ints *)p = x;
}

static inline float largest_float(floats x)
{
    const __m128 four = floats_fold(x);
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

/* The sums of four vectors. */
static inline __m128 sum_four(ints a, ints b, ints c, ints d)
{
    const ints ab = VECTOR(add_epi32)(VECTOR(unpacklo_epi32)(a, b), VECTOR(unpackhi_epi32)(a, b));
    const ints cd = VECTOR(add_epi32)(VECTOR(unpacklo_epi32)(c, d), VECTOR(unpackhi_epi32)(c, d));
    const ints all = VECTOR(add_epi32)(VECTOR(unpacklo_epi64)(ab, cd), VECTOR(unpackhi_epi64)(ab, cd));
    return _mm_cvtepi32_ps(ints_fold(all));
}

/* The places in a vector of scores. */
static const _Alignas(KERNEL_ALIGNMENT) float places[KV_KEY_LANES] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                                      8, 9, 10, 11, 12, 13, 14, 15};

/* A vector of scores, which begins with position `at`, with minus infinity for positions after the current one (or NaN,
   which counts as small). */
static inline floats without_future(floats scores, uint32_t at, uint32_t position)
{
    const floats last = VECTOR(set1_ps)((float)((int32_t)position - (int32_t)at) + 0.5f);
    const floats infinity = VECTOR(set1_ps)(float_from_bits(FLOAT_INFINITY));
    return VECTOR(min_ps)(VECTOR(mul_ps)(VECTOR(sub_ps)(last, VECTOR(load_ps)(places)), infinity), scores);
}

/* The same for positions before the first one that is attended to. */
static inline floats without_past(floats scores, uint32_t at, uint32_t attended)
{
    const floats first = VECTOR(set1_ps)((float)((int32_t)attended - (int32_t)at) - 0.5f);
    const floats infinity = VECTOR(set1_ps)(float_from_bits(FLOAT_INFINITY));
    return VECTOR(min_ps)(VECTOR(mul_ps)(VECTOR(sub_ps)(VECTOR(load_ps)(places), first), infinity), scores);
}

/* head_scores where some of the positions lie before `attended`, or none do. */
static inline __attribute__((always_inline)) float chunk_scores(float *scores, const int16_t *q, const int16_t *k,
                                                                const float *k_scale, const struct attention *shape,
                                                                uint32_t first, uint32_t end, bool has_past,
                                                                uint32_t attended)
{
    enum { STEP = SCORE_VECTORS * WIDTH };
    const size_t block = (size_t)shape->head_stride * KV_KEY_LANES;
    floats largest = VECTOR(set1_ps)(-float_from_bits(FLOAT_INFINITY)); /* never NaN: maxps' second operand */
    for (uint32_t t = first; t < end; t += STEP) {
        ints dot[SCORE_VECTORS];
#pragma GCC unroll 4
        for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
            dot[i] = VECTOR(set1_epi32)(0);
        }
        const int16_t *key = k + t / KV_KEY_LANES * block;
        for (uint32_t i = 0; i < shape->head_size; i += 2, key += 2 * KV_KEY_LANES) {
            const ints pair = VECTOR(set1_epi32)(*(const int32_t *)(q + i));
#pragma GCC unroll 4
            for (uint32_t j = 0; j < SCORE_VECTORS; j++) {
                const uint32_t at = j * WIDTH;
                dot[j] = ints_madd(dot[j], ints_load(key + at / KV_KEY_LANES * block + at % KV_KEY_LANES * 2), pair);
            }
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
            const uint32_t at = t + i * WIDTH;
            floats score = VECTOR(mul_ps)(VECTOR(cvtepi32_ps)(dot[i]), VECTOR(load_ps)(k_scale + at));
            if (t + STEP > shape->position) {
                score = without_future(score, at, shape->position);
            }
            if (has_past) {
                score = without_past(score, at, attended);
            }
            VECTOR(store_ps)(scores + at, score);
            largest = VECTOR(max_ps)(score, largest);
        }
    }
    return largest_float(largest);
}

static float head_scores(float *scores, const int16_t *q, const int16_t *k, const float *k_scale,
                         const struct attention *shape, uint32_t first, uint32_t end)
{
    const uint32_t attended = attention_first(shape);
    if (first < attended) {
        return chunk_scores(scores, q, k, k_scale, shape, first, end, true, attended);
    }
    return chunk_scores(scores, q, k, k_scale, shape, first, end, false, attended);
}

/* Both halves' numbers rounded to integers, saturated, in the order of kv_value_slot. */
static inline ints rounded(floats low, floats high)
{
    return VECTOR(packs_epi32)(VECTOR(cvtps_epi32)(low), VECTOR(cvtps_epi32)(high));
}

/* attention_power for every element. */
static inline ints powers(ints z)
{
    const ints t = VECTOR(slli_epi16)(z, 16 - ATTENTION_POWER_BITS);
    ints inner = VECTOR(mulhi_epu16)(t, VECTOR(set1_epi16)(ATTENTION_POWER_C3));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)(ATTENTION_POWER_C2), inner));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)((int16_t)ATTENTION_POWER_C1), inner));
    return ints_shift(VECTOR(sub_epi16)(VECTOR(set1_epi16)(-1), inner), VECTOR(srli_epi16)(z, ATTENTION_POWER_BITS));
}

static inline floats scaled_distance(floats score, float largest, float factor)
{
    return VECTOR(mul_ps)(VECTOR(sub_ps)(VECTOR(set1_ps)(largest), score), VECTOR(set1_ps)(factor));
}

static float head_coefficients(float *scores, float largest, float factor, const int16_t *ratios, uint32_t first,
                               uint32_t end)
{
    int16_t *out = (int16_t *)scores;
    const ints one = VECTOR(set1_epi16)(1);
    ints sum = VECTOR(set1_epi32)(0);
    for (uint32_t t = first; t < end; t += KV_BLOCK) {
#pragma GCC unroll 1
        for (uint32_t i = 0; i < KV_KEY_LANES; i += WIDTH) {
            const floats *score = (const floats *)(scores + t + i);
            const ints z = rounded(scaled_distance(score[0], largest, factor),
                                   scaled_distance(score[KV_KEY_LANES / WIDTH], largest, factor));
            const ints p = powers(ints_min(z, VECTOR(set1_epi16)(ATTENTION_POWER_LAST)));
            const ints more = VECTOR(add_epi16)(VECTOR(add_epi16)(p, p), one); /* attention_coefficient */
            sum = ints_madd(sum, p, one);
            ints_store(out + t + 2 * i, VECTOR(mulhi_epu16)(more, ints_load(ratios + t + 2 * i)));
        }
    }
    return _mm_cvtss_f32(sum_four(sum, sum, sum, sum));
}

static void value_ratios(int16_t *ratios, const float *v_scale, float inverse_largest, uint32_t n)
{
    const floats inverse = VECTOR(set1_ps)(inverse_largest);
    for (uint32_t t = 0; t < n; t += KV_BLOCK) {
        for (uint32_t i = 0; i < KV_KEY_LANES; i += WIDTH) {
            const floats low = VECTOR(mul_ps)(VECTOR(load_ps)(v_scale + t + i), inverse);
            const floats high = VECTOR(mul_ps)(VECTOR(load_ps)(v_scale + t + KV_KEY_LANES + i), inverse);
            ints_store(ratios + t + 2 * i, rounded(low, high));
        }
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

/* The sums of VALUE_DIMS dimensions over n positions. */
static inline void some_values(ints sum[VALUE_DIMS], const int16_t *coefficients, const int16_t *v,
                               const struct attention *shape, uint32_t n)
{
#pragma GCC unroll 8
    for (uint32_t i = 0; i < VALUE_DIMS; i++) {
        sum[i] = VECTOR(set1_epi32)(0);
    }
    for (uint32_t t = 0; t < n; t += KV_BLOCK, v += (size_t)shape->head_stride * KV_BLOCK) {
#pragma GCC unroll 1
        for (uint32_t part = 0; part < KV_BLOCK; part += SHORTS) {
            const ints coefficient = ints_load(coefficients + t + part);
#pragma GCC unroll 8
            for (uint32_t i = 0; i < VALUE_DIMS; i++) {
                sum[i] = ints_madd(sum[i], ints_load(v + i * KV_BLOCK + part), coefficient);
            }
        }
    }
}

static void head_values(float *out, const int16_t *coefficients, const int16_t *v, float scale,
                        const struct attention *shape, uint32_t first, uint32_t end, bool add)
{
    for (uint32_t i = 0; i < shape->head_size; i += VALUE_DIMS) {
        const uint32_t left = shape->head_size - i;
        ints sum[VALUE_DIMS];
        some_values(sum, coefficients + first, v + kv_value_index(shape->head_stride, first, i), shape, end - first);
#pragma GCC unroll 2
        for (uint32_t j = 0; j < VALUE_DIMS; j += 4) {
            const __m128 four = sum_four(sum[j], sum[j + 1], sum[j + 2], sum[j + 3]);
            store_first(out + i + j, _mm_mul_ps(four, _mm_set1_ps(scale)), left > j ? left - j : 0, add);
        }
    }
}

#endif
