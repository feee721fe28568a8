/*
 * Attention of a vector kernel, by the definition in attention.h. All of its sums are of whole numbers, and the largest
 * of scores is the same in any order: nothing here depends on the length of a vector.
 *
 * A kernel's .c file includes this after defining, for its instruction set,
 *   VECTOR(name)                the intrinsic of that name for whole registers: VECTOR(add_ps)
 *   floats, ints                those registers
 *   ints_load, ints_store       aligned
 *   ints_madd(sum, x, y)        adds the products of int16, two neighbours to a sum of 32 bits
 *   ints_min(x, y)              of unsigned 16-bit numbers
 *   ints_shift(x, n)            x >> (n + 2), 16 bits, each by its own n <= 14
 *   ints_fold(x), floats_fold(x)  the sums, the largest of its quarters
 *   store_int16(out, x)         rounds to integers and stores them in order
 *   VALUE_DIMS                  dimensions, a multiple of 4, whose sums its registers hold
 */
#ifndef BOOTLLAMA_KERNEL_ATTENTION_H
#define BOOTLLAMA_KERNEL_ATTENTION_H

#include "kernel.h"

enum {
    WIDTH = sizeof(floats) / sizeof(float),           /* positions in a vector of scores */
    SHORTS = 2 * WIDTH,                               /* int16 in a vector */
    SCORE_VECTORS = WIDTH > 4 ? KV_BLOCK / WIDTH : 4, /* that are computed at once */
};

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

/* One vector of scores, those of positions after the current one made minus infinity (or left NaN, which counts as
   little). */
static inline floats without_future(floats scores, uint32_t first, uint32_t position)
{
    static const _Alignas(ALIGNMENT) float number[KEY_LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const floats last = VECTOR(set1_ps)((float)((int32_t)position - (int32_t)first) + 0.5f);
    const floats infinity = VECTOR(set1_ps)(float_from_bits(FLOAT_INFINITY));
    return VECTOR(min_ps)(VECTOR(mul_ps)(VECTOR(sub_ps)(last, VECTOR(load_ps)(number)), infinity), scores);
}

static float head_scores(float *scores, const int16_t *q, const int16_t *k, const float *k_scale,
                         const struct attention *shape)
{
    enum { STEP = SCORE_VECTORS * WIDTH };
    const size_t block = (size_t)shape->head_stride * KEY_LANES;
    const uint32_t n = attention_padded(shape);
    floats largest = VECTOR(set1_ps)(-float_from_bits(FLOAT_INFINITY)); /* never NaN: maxps gives its second operand */
    for (uint32_t t = 0; t < n; t += STEP) {
        ints dot[SCORE_VECTORS];
#pragma GCC unroll 4
        for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
            dot[i] = VECTOR(set1_epi32)(0);
        }
        const int16_t *key = k + t / KEY_LANES * block;
        for (uint32_t i = 0; i < shape->head_size; i += 2, key += 2 * KEY_LANES) {
            const ints pair = VECTOR(set1_epi32)(*(const int32_t *)(q + i));
#pragma GCC unroll 4
            for (uint32_t j = 0; j < SCORE_VECTORS; j++) {
                const uint32_t first = j * WIDTH;
                dot[j] = ints_madd(dot[j], ints_load(key + first / KEY_LANES * block + first % KEY_LANES * 2), pair);
            }
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
            const uint32_t first = t + i * WIDTH;
            floats score = VECTOR(mul_ps)(VECTOR(cvtepi32_ps)(dot[i]), VECTOR(load_ps)(k_scale + first));
            if (t + STEP > shape->position) {
                score = without_future(score, first, shape->position);
            }
            VECTOR(store_ps)(scores + first, score);
            largest = VECTOR(max_ps)(score, largest);
        }
    }
    return largest_float(largest);
}

/* Both halves' numbers rounded to integers, saturated, in the order of value_slot. */
static inline ints rounded(floats low, floats high)
{
    return VECTOR(packs_epi32)(VECTOR(cvtps_epi32)(low), VECTOR(cvtps_epi32)(high));
}

/* power_negative for every element. */
static inline ints powers(ints z)
{
    const ints t = VECTOR(slli_epi16)(z, 16 - POWER_BITS);
    ints inner = VECTOR(mulhi_epu16)(t, VECTOR(set1_epi16)(POWER_C3));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)(POWER_C2), inner));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)((int16_t)POWER_C1), inner));
    return ints_shift(VECTOR(sub_epi16)(VECTOR(set1_epi16)(-1), inner), VECTOR(srli_epi16)(z, POWER_BITS));
}

static inline floats scaled_distance(floats score, float largest, float factor)
{
    return VECTOR(mul_ps)(VECTOR(sub_ps)(VECTOR(set1_ps)(largest), score), VECTOR(set1_ps)(factor));
}

static float head_weights(float *scores, float largest, float factor, const int16_t *share,
                          const struct attention *shape)
{
    int16_t *weights = (int16_t *)scores;
    const uint32_t n = attention_padded(shape);
    const ints one = VECTOR(set1_epi16)(1);
    float sum = 0;
    for (uint32_t t = 0; t < n;) {
        ints chunk = VECTOR(set1_epi32)(0);
        for (const uint32_t end = n - t < CHUNK ? n : t + CHUNK; t < end; t += KV_BLOCK) {
#pragma GCC unroll 1
            for (uint32_t i = 0; i < KEY_LANES; i += WIDTH) {
                const floats *score = (const floats *)(scores + t + i);
                const ints z = rounded(scaled_distance(score[0], largest, factor),
                                       scaled_distance(score[KEY_LANES / WIDTH], largest, factor));
                const ints p = powers(ints_min(z, VECTOR(set1_epi16)(POWER_LAST)));
                const ints more = VECTOR(add_epi16)(VECTOR(add_epi16)(p, p), one); /* attention_weight */
                chunk = ints_madd(chunk, p, one);
                ints_store(weights + t + 2 * i, VECTOR(mulhi_epu16)(more, ints_load(share + t + 2 * i)));
            }
        }
        sum += _mm_cvtss_f32(sum_four(chunk, chunk, chunk, chunk));
    }
    return sum;
}

static void value_shares(int16_t *share, const float *v_scale, float inverse_largest, uint32_t n)
{
    const floats inverse = VECTOR(set1_ps)(inverse_largest);
    for (uint32_t t = 0; t < n; t += KV_BLOCK) {
        for (uint32_t i = 0; i < KEY_LANES; i += WIDTH) {
            const floats low = VECTOR(mul_ps)(VECTOR(load_ps)(v_scale + t + i), inverse);
            const floats high = VECTOR(mul_ps)(VECTOR(load_ps)(v_scale + t + KEY_LANES + i), inverse);
            ints_store(share + t + 2 * i, rounded(low, high));
        }
    }
}

static inline void store_first(float *out, __m128 four, uint32_t count)
{
    const union {
        __m128 vector;
        float element[4];
    } all = {four};
    if (count >= 4) {
        _mm_storeu_ps(out, four);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] = all.element[i];
    }
}

/* VALUE_DIMS of one head's dimensions. */
static inline void some_values(__m128 total[VALUE_DIMS / 4], const int16_t *weights, const int16_t *v,
                               const struct attention *shape)
{
    const uint32_t n = attention_padded(shape);
    for (uint32_t t = 0; t < n;) {
        ints sum[VALUE_DIMS];
#pragma GCC unroll 8
        for (uint32_t i = 0; i < VALUE_DIMS; i++) {
            sum[i] = VECTOR(set1_epi32)(0);
        }
        for (const uint32_t end = n - t < CHUNK ? n : t + CHUNK; t < end; t += KV_BLOCK) {
#pragma GCC unroll 1
            for (uint32_t part = 0; part < KV_BLOCK; part += SHORTS) {
                const ints weight = ints_load(weights + t + part);
#pragma GCC unroll 8
                for (uint32_t i = 0; i < VALUE_DIMS; i++) {
                    sum[i] = ints_madd(sum[i], ints_load(v + i * KV_BLOCK + part), weight);
                }
            }
            v += (size_t)shape->head_stride * KV_BLOCK;
        }
#pragma GCC unroll 2
        for (uint32_t i = 0; i < VALUE_DIMS / 4; i++) {
            const ints *s = &sum[4 * i];
            total[i] = _mm_add_ps(total[i], sum_four(s[0], s[1], s[2], s[3]));
        }
    }
}

static void head_values(float *out, const int16_t *weights, const int16_t *v, float scale,
                        const struct attention *shape)
{
    for (uint32_t first = 0; first < shape->head_size; first += VALUE_DIMS) {
        __m128 total[VALUE_DIMS / 4] = {0};
        some_values(total, weights, v + first * KV_BLOCK, shape);
        const uint32_t left = shape->head_size - first;
#pragma GCC unroll 2
        for (uint32_t i = 0; i < VALUE_DIMS; i += 4) {
            store_first(out + first + i, _mm_mul_ps(total[i / 4], _mm_set1_ps(scale)), left > i ? left - i : 0);
        }
    }
}

#endif
