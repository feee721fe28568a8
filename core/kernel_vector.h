/*
 * The float part of a vector kernel, written once: RMSNorm, quantization, SwiGLU and exponentials over LANES lanes.
 *
 * A kernel's .c file includes this after defining, for its instruction set,
 *   lanes                                        LANES floats, lane 0 first in memory
 *   lanes_load, lanes_store, lanes_set, lanes_add, lanes_sub, lanes_mul, lanes_div
 *   lanes_max(a, b), lanes_min(a, b)             a > b ? a : b (a < b), so b where either is NaN: maxps, minps
 *   lanes_round(y)                               y rounded to the nearest integer, in a form of the kernel's own
 *   lanes_fraction(y, rounded)                   y less that integer
 *   lanes_scale(p, rounded, y)                   p * 2^rounded where y >= EXP2_LOWEST, else 0 (also for NaN)
 *   lanes_fold(a)                                first steps of the tree: lanes l + 8, then l + 4, as one __m128
 *   lanes_largest(a)                             the largest of them
 *   lanes_magnitude(a, b)                        the largest magnitude bits of both, as an integer
 *   store_group(out, group, a, b)                rounds to integers, to nearest even, and stores them as its matmul
 *                                                reads them
 * Every function does the operations of its namesake in kernel_scalar.c in the same order, a lane being a lane.
 */
#ifndef BOOTLLAMA_KERNEL_VECTOR_H
#define BOOTLLAMA_KERNEL_VECTOR_H

#include <immintrin.h>

#include "exp2.h"
#include "kernel.h"

static inline float sum_lanes(lanes a)
{
    const __m128 four = lanes_fold(a);
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

/* exp2_single of y <= EXP2_HIGHEST or NaN. */
static inline lanes exp2_lanes(lanes y)
{
    const lanes power = lanes_round(y);
    const lanes f = lanes_fraction(y, power);
    lanes p = lanes_add(lanes_mul(lanes_set(EXP2_C5), f), lanes_set(EXP2_C4));
    p = lanes_add(lanes_mul(p, f), lanes_set(EXP2_C3));
    p = lanes_add(lanes_mul(p, f), lanes_set(EXP2_C2));
    p = lanes_add(lanes_mul(p, f), lanes_set(EXP2_C1));
    p = lanes_add(lanes_mul(p, f), lanes_set(1.0f));
    return lanes_scale(p, power, y);
}

/* Quantizes one group, held in two vectors; returns its scale. */
static inline float quantize_group(struct q8_vector *out, uint32_t group, lanes low, lanes high)
{
    const uint32_t largest = lanes_magnitude(low, high);
    const bool usable = largest >= QUANTIZE_SMALLEST && largest < QUANTIZE_LIMIT;
    const lanes inverse = lanes_set(usable ? 127.0f / float_from_bits(largest) : 0.0f);
    if (largest >= QUANTIZE_LIMIT) {
        store_group(out, group, lanes_set(0.0f), lanes_set(0.0f));
        return float_from_bits(FLOAT_NAN);
    }
    store_group(out, group, lanes_mul(low, inverse), lanes_mul(high, inverse));
    return usable ? float_from_bits(largest) * QUANTIZE_STEP : 0.0f;
}

/* Quantizes x * weight, or x where that is NULL: one copy of quantize_group's code for both. */
static __attribute__((noinline)) void quantize_groups(struct q8_vector *out, const float *x, const float *weight,
                                                      uint32_t groups)
{
    for (uint32_t group = 0; group < groups; group++, x += GROUP) {
        lanes low = lanes_load(x), high = lanes_load(x + LANES);
        if (weight != NULL) {
            low = lanes_mul(low, lanes_load(weight + group * GROUP));
            high = lanes_mul(high, lanes_load(weight + group * GROUP + LANES));
        }
        out->scale[group] = quantize_group(out, group, low, high);
    }
}

static void quantize(struct q8_vector *out, const float *x, uint32_t groups)
{
    quantize_groups(out, x, NULL, groups);
}

static void norm_quantize(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon)
{
    lanes squares = lanes_set(0.0f);
    for (uint32_t i = 0; i < n; i += LANES) {
        const lanes part = lanes_load(x + i);
        squares = lanes_add(squares, lanes_mul(part, part));
    }
    const float inverse = inverse_rms(sum_lanes(squares) / (float)(int32_t)n, epsilon);
    quantize_groups(out, x, weight, (n + GROUP - 1) / GROUP);
    for (uint32_t group = 0; group * GROUP < n; group++) {
        out->scale[group] = normalized_scale(out->scale[group], inverse);
    }
}

static void swiglu(float *out, const float *gate, const float *up, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += LANES) {
        const lanes g = lanes_load(gate + i);
        const lanes decay = exp2_lanes(lanes_min(lanes_set(EXP2_HIGHEST), lanes_mul(g, lanes_set(-LOG2_E))));
        const lanes silu = lanes_div(g, lanes_add(lanes_set(1.0f), decay));
        lanes_store(out + i, lanes_mul(silu, lanes_load(up + i)));
    }
}

static float exponentials(float *x, uint32_t n, float factor)
{
    lanes largest = lanes_load(x), sum = lanes_set(0.0f);
    for (uint32_t i = LANES; i < n; i += LANES) {
        largest = lanes_max(lanes_load(x + i), largest);
    }
    largest = lanes_set(lanes_largest(largest));
    for (uint32_t i = 0; i < n; i += LANES) {
        const lanes p = exp2_lanes(lanes_mul(lanes_sub(lanes_load(x + i), largest), lanes_set(factor)));
        lanes_store(x + i, p);
        sum = lanes_add(sum, p);
    }
    return sum_lanes(sum);
}

#endif
