/*
 * The float part of a vector kernel, written once: RMSNorm, quantization, RoPE, SwiGLU and exponentials.
 *
 * A kernel's .c file includes this after defining, for its instruction set,
 *   VECTOR(name)                   the intrinsic of that name for whole registers: VECTOR(add_ps)
 *   floats                         those registers
 *   floats_fold(x)                 the largest of its quarters
 *   floats_round(y)                y rounded to the nearest integer, in a form of the kernel's own
 *   floats_fraction(y, rounded)    y minus that integer
 *   floats_scale(p, rounded, y)    p * 2^rounded where y >= EXP2_LOWEST, else 0 (also for NaN)
 *   lanes_fold(sum)                the first steps of the tree over KERNEL_LANES partial sums, floats [PARTS]: lanes
 *                                  l + 8, then l + 4, as one __m128
 *   group_magnitude(x)             the bits of the largest magnitude of a group, floats [Q8_GROUP / WIDTH]
 *   store_group(out, group, x)     rounds such a group to integers, to nearest even, and stores them as its matmul
 *                                  reads them
 * Every function does the operations of its namesake in scalar.c in the same order, lane by lane. minps and maxps
 * return their second operand if either is NaN.
 */
#ifndef BOOTLLAMA_X86_VECTOR_H
#define BOOTLLAMA_X86_VECTOR_H

#include <immintrin.h>

#include "base/exp2.h"
#include "kernel/kernel.h"
#include "kernel/x86_width.h"

static inline float sum_lanes(const floats sum[PARTS])
{
    const __m128 four = lanes_fold(sum);
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_shuffle_ps(two, two, 1)));
}

/* exp2_single of y <= EXP2_HIGHEST or NaN. */
static inline floats exp2_floats(floats y)
{
    static const float coefficients[] = {EXP2_C4, EXP2_C3, EXP2_C2, EXP2_C1, 1.0f};
    const floats power = floats_round(y), f = floats_fraction(y, power);
    floats p = VECTOR(set1_ps)(EXP2_C5);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < sizeof coefficients / sizeof *coefficients; i++) {
        p = VECTOR(add_ps)(VECTOR(mul_ps)(p, f), VECTOR(set1_ps)(coefficients[i]));
    }
    return floats_scale(p, power, y);
}

/* Quantizes one group of x, or of x * weight if weight is not NULL; returns its scale. */
static inline float quantize_group(struct q8_vector *out, uint32_t group, const float *x, const float *weight)
{
    floats part[Q8_GROUP / WIDTH];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < Q8_GROUP / WIDTH; i++) {
        part[i] = VECTOR(load_ps)(x + i * WIDTH);
        if (weight != NULL) {
            part[i] = VECTOR(mul_ps)(part[i], VECTOR(load_ps)(weight + i * WIDTH));
        }
    }
    const uint32_t largest = group_magnitude(part);
    const bool usable = largest >= Q8_SMALLEST && largest < Q8_LIMIT;
    const floats inverse = VECTOR(set1_ps)(usable ? 127.0f / float_from_bits(largest) : 0.0f);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < Q8_GROUP / WIDTH; i++) {
        part[i] = largest < Q8_LIMIT ? VECTOR(mul_ps)(part[i], inverse) : inverse;
    }
    store_group(out, group, part);
    return largest >= Q8_LIMIT ? float_from_bits(FLOAT_NAN) : usable ? float_from_bits(largest) * Q8_STEP : 0.0f;
}

static __attribute__((noinline)) void quantize_groups(struct q8_vector *out, const float *x, const float *weight,
                                                      uint32_t groups)
{
    for (uint32_t group = 0; group < groups; group++) {
        const size_t first = group * Q8_GROUP;
        out->scale[group] = quantize_group(out, group, x + first, weight != NULL ? weight + first : NULL);
    }
}

static void quantize(struct q8_vector *out, const float *x, uint32_t groups)
{
    quantize_groups(out, x, NULL, groups);
}

static void norm_quantize(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon)
{
    floats squares[PARTS] = {0};
    for (uint32_t i = 0; i < n; i += KERNEL_LANES) {
#pragma GCC unroll 4
        for (uint32_t j = 0; j < PARTS; j++) {
            const floats part = VECTOR(load_ps)(x + i + j * WIDTH);
            squares[j] = VECTOR(add_ps)(squares[j], VECTOR(mul_ps)(part, part));
        }
    }
    const float inverse = q8_inverse_rms(sum_lanes(squares) / (float)(int32_t)n, epsilon);
    quantize_groups(out, x, weight, (n + Q8_GROUP - 1) / Q8_GROUP);
    for (uint32_t group = 0; group * Q8_GROUP < n; group++) {
        out->scale[group] = q8_normalized_scale(out->scale[group], inverse);
    }
}

/* The last elements, and x and weight where no vector begins, are why this is not norm_quantize's loop. */
static float inverse_rms(const float *x, uint32_t n, float epsilon)
{
    union {
        floats part[PARTS];
        float lane[KERNEL_LANES];
    } squares = {.lane = {0}};
    const uint32_t whole = n / KERNEL_LANES * KERNEL_LANES;
    for (uint32_t i = 0; i < whole; i += KERNEL_LANES) {
#pragma GCC unroll 4
        for (uint32_t j = 0; j < PARTS; j++) {
            const floats part = VECTOR(loadu_ps)(x + i + j * WIDTH);
            squares.part[j] = VECTOR(add_ps)(squares.part[j], VECTOR(mul_ps)(part, part));
        }
    }
#pragma GCC unroll 1
    for (uint32_t i = whole; i < n; i++) {
        squares.lane[i - whole] += x[i] * x[i];
    }
    return q8_inverse_rms(sum_lanes(squares.part) / (float)(int32_t)n, epsilon);
}

static void norm(float *out, const float *x, const float *weight, uint32_t n, float epsilon, bool add)
{
    const float inverse = inverse_rms(x, n, epsilon);
    uint32_t i = 0;
    for (; i + WIDTH <= n; i += WIDTH) {
        const floats scaled = VECTOR(mul_ps)(VECTOR(loadu_ps)(x + i), VECTOR(set1_ps)(inverse));
        const floats normal = VECTOR(mul_ps)(scaled, VECTOR(loadu_ps)(weight + i));
        VECTOR(storeu_ps)(out + i, add ? VECTOR(add_ps)(VECTOR(loadu_ps)(out + i), normal) : normal);
    }
#pragma GCC unroll 1
    for (; i < n; i++) {
        const float normal = x[i] * inverse * weight[i];
        out[i] = add ? out[i] + normal : normal;
    }
}

/* gate / (1 + 2^exponent) * up, an exponent above EXP2_HIGHEST counting as that. */
static inline floats gated(floats gate, floats exponent, floats up)
{
    const floats decay = exp2_floats(VECTOR(min_ps)(VECTOR(set1_ps)(EXP2_HIGHEST), exponent));
    return VECTOR(mul_ps)(VECTOR(div_ps)(gate, VECTOR(add_ps)(VECTOR(set1_ps)(1.0f), decay)), up);
}

static void swiglu(float *out, const float *gate, const float *up, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += WIDTH) {
        const floats g = VECTOR(load_ps)(gate + i), y = VECTOR(mul_ps)(g, VECTOR(set1_ps)(-LOG2_E));
        VECTOR(store_ps)(out + i, gated(g, y, VECTOR(load_ps)(up + i)));
    }
}

static void geglu(float *out, const float *gate, const float *up, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += WIDTH) {
        const floats g = VECTOR(load_ps)(gate + i);
        const floats cubic = VECTOR(mul_ps)(VECTOR(mul_ps)(g, g), VECTOR(set1_ps)(KERNEL_GELU_CUBIC));
        const floats y = VECTOR(mul_ps)(g, VECTOR(add_ps)(cubic, VECTOR(set1_ps)(KERNEL_GELU_LINEAR)));
        VECTOR(store_ps)(out + i, gated(g, y, VECTOR(load_ps)(up + i)));
    }
}

static float exponentials(float *x, uint32_t n, float factor)
{
    floats largest = VECTOR(load_ps)(x), sum[PARTS] = {0};
    for (uint32_t i = WIDTH; i < n; i += WIDTH) {
        largest = VECTOR(max_ps)(VECTOR(load_ps)(x + i), largest);
    }
    largest = VECTOR(set1_ps)(largest_float(largest));
    for (uint32_t i = 0; i < n; i += KERNEL_LANES) {
#pragma GCC unroll 1
        for (uint32_t j = 0; j < PARTS; j++) {
            const floats distance = VECTOR(sub_ps)(VECTOR(load_ps)(x + i + j * WIDTH), largest);
            const floats p = exp2_floats(VECTOR(mul_ps)(distance, VECTOR(set1_ps)(factor)));
            VECTOR(store_ps)(x + i + j * WIDTH, p);
            sum[j] = VECTOR(add_ps)(sum[j], p);
        }
    }
    return sum_lanes(sum);
}

static void rotate(float *x, const float *cosine, const float *sine, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += WIDTH) {
        const floats part = VECTOR(load_ps)(x + i), partners = VECTOR(shuffle_ps)(part, part, _MM_SHUFFLE(2, 3, 0, 1));
        const floats turned = VECTOR(mul_ps)(partners, VECTOR(load_ps)(sine + i));
        VECTOR(store_ps)(x + i, VECTOR(add_ps)(VECTOR(mul_ps)(part, VECTOR(load_ps)(cosine + i)), turned));
    }
}

#endif
