/*
 * The float part of a vector kernel, written once: RMSNorm, quantization, SwiGLU and attention over LANES lanes.
 *
 * A kernel's .c file includes this after defining, for its instruction set,
 *   lanes                                        LANES floats, lane 0 first in memory
 *   lanes_load, lanes_store, lanes_set, lanes_add, lanes_sub, lanes_mul, lanes_div
 *   lanes_max(a, b), lanes_min(a, b)             a > b ? a : b (a < b), so b where either is NaN: maxps, minps
 *   lanes_keep(y, limit, p)                      p where y >= limit, else 0 (also for NaN)
 *   lanes_scale(p, rounded)                      p's exponent plus the integer in the low bits of `rounded`
 *   lanes_fold(a), lanes_fold_max(a)             first steps of the tree: lanes l + 8, then l + 4, as one __m128
 *   lanes_magnitude(a, b)                        the largest magnitude bits of both, as an integer
 *   store_group(out, group, a, b)                rounds to integers, to nearest even, and stores them as its matmul reads
 *                                                them
 *   SCORE_BLOCKS, VALUE_DIMS                     blocks and dimensions that its registers hold at once
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

static inline float largest_lane(lanes a)
{
    const __m128 four = lanes_fold_max(a);
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

static inline lanes exp2_lanes(lanes y)
{
    const lanes rounder = lanes_set(EXP2_ROUNDER);
    const lanes limited = lanes_min(y, lanes_set(EXP2_HIGHEST));
    const lanes rounded = lanes_add(limited, rounder);
    const lanes f = lanes_sub(limited, lanes_sub(rounded, rounder));
    lanes p = lanes_add(lanes_mul(lanes_set(EXP2_C5), f), lanes_set(EXP2_C4));
    p = lanes_add(lanes_mul(p, f), lanes_set(EXP2_C3));
    p = lanes_add(lanes_mul(p, f), lanes_set(EXP2_C2));
    p = lanes_add(lanes_mul(p, f), lanes_set(EXP2_C1));
    p = lanes_add(lanes_mul(p, f), lanes_set(1.0f));
    return lanes_keep(y, lanes_set(EXP2_LOWEST), lanes_scale(p, rounded));
}

/* Quantizes one group, held in two vectors; returns its scale. */
static inline float quantize_group(struct q8_vector *out, uint32_t group, lanes low, lanes high)
{
    const uint32_t largest = lanes_magnitude(low, high);
    const bool usable = largest >= QUANTIZE_SMALLEST && largest < FLOAT_INFINITY;
    const lanes inverse = lanes_set(usable ? 127.0f / float_from_bits(largest) : 0.0f);
    if (largest >= FLOAT_INFINITY) {
        store_group(out, group, lanes_set(0.0f), lanes_set(0.0f));
        return float_from_bits(FLOAT_NAN);
    }
    store_group(out, group, lanes_mul(low, inverse), lanes_mul(high, inverse));
    return usable ? float_from_bits(largest) * QUANTIZE_STEP : 0.0f;
}

static void quantize(struct q8_vector *out, const float *x, uint32_t groups)
{
    for (uint32_t group = 0; group < groups; group++, x += GROUP) {
        out->scale[group] = quantize_group(out, group, lanes_load(x), lanes_load(x + LANES));
    }
}

static void norm_quantize(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon)
{
    lanes squares = lanes_set(0.0f);
    for (uint32_t i = 0; i < n; i += LANES) {
        const lanes part = lanes_load(x + i);
        squares = lanes_add(squares, lanes_mul(part, part));
    }
    const float mean = sum_lanes(squares) / (float)(int32_t)n;
    const float inverse_rms = 1.0f / __builtin_sqrtf(mean + epsilon);
    for (uint32_t group = 0; group * GROUP < n; group++, x += GROUP, weight += GROUP) {
        const lanes low = lanes_mul(lanes_load(x), lanes_load(weight));
        const lanes high = lanes_mul(lanes_load(x + LANES), lanes_load(weight + LANES));
        out->scale[group] = quantize_group(out, group, low, high) * inverse_rms;
    }
}

static void swiglu(float *out, const float *gate, const float *up, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += LANES) {
        const lanes g = lanes_load(gate + i);
        const lanes decay = exp2_lanes(lanes_mul(g, lanes_set(-LOG2_E)));
        const lanes silu = lanes_div(g, lanes_add(lanes_set(1.0f), decay));
        lanes_store(out + i, lanes_mul(silu, lanes_load(up + i)));
    }
}

/* Scores of `count` blocks, a constant: one chain of additions a block. Returns the largest of each lane. */
static inline __attribute__((always_inline)) lanes block_scores(float *scores, const float *q, const float *k,
                                                                const struct attention *shape, uint32_t count)
{
    const size_t block = (size_t)shape->head_stride * LANES;
    lanes dot[SCORE_BLOCKS];
#pragma GCC unroll 8
    for (uint32_t b = 0; b < count; b++) {
        dot[b] = lanes_set(0.0f);
    }
    for (uint32_t i = 0; i < shape->head_size; i++, k += LANES) {
        const lanes factor = lanes_set(q[i]);
#pragma GCC unroll 8
        for (uint32_t b = 0; b < count; b++) {
            dot[b] = lanes_add(dot[b], lanes_mul(factor, lanes_load(k + b * block)));
        }
    }
    lanes largest = dot[0];
#pragma GCC unroll 8
    for (uint32_t b = 0; b < count; b++) {
        lanes_store(scores + b * LANES, dot[b]);
        largest = lanes_max(dot[b], largest);
    }
    return largest;
}

/* Scores of one head for all blocks, minus infinity beyond the position; returns the largest. */
static float head_scores(float *scores, const float *q, const float *k, const struct attention *shape)
{
    static const uint32_t INFINITE = FLOAT_INFINITY | 1u << 31;
    const lanes lowest = lanes_set(float_from_bits(INFINITE));
    const size_t block = (size_t)shape->head_stride * LANES;
    const uint32_t whole = (shape->position + 1) / LANES; /* blocks without a position beyond */
    lanes largest = lowest;
    uint32_t b = 0;
    for (; b + SCORE_BLOCKS <= whole; b += SCORE_BLOCKS) {
        largest = lanes_max(block_scores(scores + b * LANES, q, k + b * block, shape, SCORE_BLOCKS), largest);
    }
    for (; b < whole; b++) {
        largest = lanes_max(block_scores(scores + b * LANES, q, k + b * block, shape, 1), largest);
    }
    if ((shape->position + 1) % LANES != 0) {
        block_scores(scores + b * LANES, q, k + b * block, shape, 1);
        for (uint32_t t = shape->position + 1; t % LANES != 0; t++) {
            scores[t] = float_from_bits(INFINITE);
        }
        largest = lanes_max(lanes_load(scores + b * LANES), largest);
    }
    return largest_lane(largest);
}

/* VALUE_DIMS dimensions of one head's output, from dimension `first` on. */
static inline void head_values(float *out, const float *scores, const float *v, const struct attention *shape,
                               uint32_t first, float inverse_sum)
{
    const uint32_t blocks = shape->position / LANES + 1;
    lanes weighted[VALUE_DIMS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < VALUE_DIMS; i++) {
        weighted[i] = lanes_set(0.0f);
    }
    v += (size_t)first * LANES;
    for (uint32_t b = 0; b < blocks; b++, v += (size_t)shape->head_stride * LANES) {
        const lanes p = lanes_load(scores + b * LANES);
#pragma GCC unroll 8
        for (uint32_t i = 0; i < VALUE_DIMS; i++) {
            weighted[i] = lanes_add(weighted[i], lanes_mul(p, lanes_load(v + i * LANES)));
        }
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < VALUE_DIMS; i++) {
        if (first + i < shape->head_size) {
            out[first + i] = sum_lanes(weighted[i]) * inverse_sum;
        }
    }
}

static void head_attention(float *out, const float *q, const float *k, const float *v, const struct attention *shape,
                           float *scores)
{
    const lanes largest = lanes_set(head_scores(scores, q, k, shape));
    const lanes factor = lanes_set(shape->score_factor);
    lanes sum = lanes_set(0.0f);
    for (uint32_t t = 0; t <= shape->position; t += LANES) {
        const lanes p = exp2_lanes(lanes_mul(lanes_sub(lanes_load(scores + t), largest), factor));
        lanes_store(scores + t, p);
        sum = lanes_add(sum, p);
    }
    const float inverse_sum = 1.0f / sum_lanes(sum);
    for (uint32_t i = 0; i < shape->head_size; i += VALUE_DIMS) {
        head_values(out, scores, v, shape, i, inverse_sum);
    }
}

static void attention(float *out, const float *q, const float *k, const float *v, const struct attention *shape,
                      float *scores)
{
    const uint32_t group = shape->heads / shape->kv_heads;
    const size_t cache = (size_t)shape->context * shape->head_stride; /* floats of one KV head */
    for (uint32_t head = 0; head < shape->heads; head++) {
        const uint32_t offset = head * shape->head_size;
        const size_t kv = head / group * cache;
        head_attention(out + offset, q + offset, k + kv, v + kv, shape, scores);
    }
}

#endif
