/*
 * The float part of a vector kernel, written once: RMSNorm, quantization, SwiGLU and attention over LANES lanes.
 *
 * A kernel's .c file includes this after defining, for its instruction set,
 *   lanes                                        LANES floats, lane 0 first in memory
 *   lanes_load, lanes_store, lanes_set, lanes_add, lanes_sub, lanes_mul, lanes_div
 *   lanes_max(a, b), lanes_min(a, b)             a > b ? a : b (a < b), so b where either is NaN: maxps, minps
 *   lanes_round(y)                               y rounded to the nearest integer, in a form of the kernel's own
 *   lanes_fraction(y, rounded)                   y less that integer
 *   lanes_scale(p, rounded, y)                   p * 2^rounded where y >= EXP2_LOWEST, else 0 (also for NaN)
 *   lanes_fold(a), lanes_fold_max(a)             first steps of the tree: lanes l + 8, then l + 4, as one __m128
 *   lanes_magnitude(a, b)                        the largest magnitude bits of both, as an integer
 *   store_group(out, group, a, b)                rounds to integers, to nearest even, and stores them as its matmul
 *                                                reads them
 *   HEADS_AT_ONCE, SCORE_BLOCKS, VALUE_DIMS      heads, blocks and dimensions (a multiple of 4) that its registers hold
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

/* The sums of four vectors, each by the tree of sum_lanes. */
static inline __m128 sum_four(lanes a, lanes b, lanes c, lanes d)
{
    const __m128 a4 = lanes_fold(a), b4 = lanes_fold(b), c4 = lanes_fold(c), d4 = lanes_fold(d);
    const __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a4, b4), _mm_unpackhi_ps(a4, b4));
    const __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c4, d4), _mm_unpackhi_ps(c4, d4));
    return _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
}

static inline float largest_lane(lanes a)
{
    const __m128 four = lanes_fold_max(a);
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
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

/*
 * Attention goes through all heads three times - scores, exponentials, values - because each pass ends in a long chain
 * of dependent operations that the next head's work then hides. Where registers allow, HEADS_AT_ONCE heads with the
 * same keys and values share their loads.
 */

/* Scores of `heads` heads for `blocks` blocks, both constants: one chain of additions each. */
static inline __attribute__((always_inline)) void block_scores(float *scores, const float *q, const float *k,
                                                               const struct attention *shape, uint32_t heads,
                                                               uint32_t blocks)
{
    const size_t block = (size_t)shape->head_stride * LANES;
    lanes dot[HEADS_AT_ONCE][SCORE_BLOCKS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < heads * blocks; i++) {
        dot[i / blocks][i % blocks] = lanes_set(0.0f);
    }
    for (uint32_t i = 0; i < shape->head_size; i++, k += LANES) {
#pragma GCC unroll 8
        for (uint32_t b = 0; b < blocks; b++) {
            const lanes key = lanes_load(k + b * block);
#pragma GCC unroll 2
            for (uint32_t h = 0; h < heads; h++) {
                dot[h][b] = lanes_add(dot[h][b], lanes_mul(lanes_set(q[h * shape->head_size + i]), key));
            }
        }
    }
#pragma GCC unroll 8
    for (uint32_t i = 0; i < heads * blocks; i++) {
        lanes_store(scores + (size_t)(i / blocks) * shape->context + i % blocks * LANES, dot[i / blocks][i % blocks]);
    }
}

/* Scores of `heads` heads for all blocks, also for the positions of the last one that are still to come. */
static inline __attribute__((always_inline)) void head_scores(float *scores, const float *q, const float *k,
                                                              const struct attention *shape, uint32_t heads)
{
    const size_t block = (size_t)shape->head_stride * LANES;
    const uint32_t blocks = shape->position / LANES + 1;
    uint32_t b = 0;
    for (; SCORE_BLOCKS > 1 && b + SCORE_BLOCKS <= blocks; b += SCORE_BLOCKS) {
        block_scores(scores + b * LANES, q, k + b * block, shape, heads, SCORE_BLOCKS);
    }
    for (; b < blocks; b++) {
        block_scores(scores + b * LANES, q, k + b * block, shape, heads, 1);
    }
}

/* The largest of one head's scores. Those of positions to come are made minus infinity (or stay NaN, which counts as
   little) by whole vectors: a vector load right after stores of single floats would have to wait for them. */
static inline float largest_score(float *scores, uint32_t position)
{
    static const _Alignas(ALIGNMENT) float number[LANES] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
    const lanes infinity = lanes_set(float_from_bits(FLOAT_INFINITY));
    const lanes ahead = lanes_sub(lanes_set((float)(int32_t)(position % LANES) + 0.5f), lanes_load(number));
    float *last = scores + position / LANES * LANES;
    lanes largest = lanes_set(-float_from_bits(FLOAT_INFINITY)); /* and never NaN: see lanes_max */
    lanes_store(last, lanes_min(lanes_mul(ahead, infinity), lanes_load(last)));
    for (; scores <= last; scores += LANES) {
        largest = lanes_max(lanes_load(scores), largest);
    }
    return largest_lane(largest);
}

/* Turns n scores into 2^((score - largest) * factor); returns their sum. */
static __attribute__((noinline)) float to_exponentials(float *scores, uint32_t n, float largest, float factor)
{
    lanes sum = lanes_set(0.0f);
    for (uint32_t t = 0; t < n; t += LANES) {
        const lanes distance = lanes_sub(lanes_load(scores + t), lanes_set(largest));
        const lanes p = exp2_lanes(lanes_mul(distance, lanes_set(factor)));
        lanes_store(scores + t, p);
        sum = lanes_add(sum, p);
    }
    return sum_lanes(sum);
}

static float exponentials(float *x, uint32_t n, float factor)
{
    lanes largest = lanes_load(x);
    for (uint32_t i = LANES; i < n; i += LANES) {
        largest = lanes_max(lanes_load(x + i), largest);
    }
    return to_exponentials(x, n, largest_lane(largest), factor);
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

/* Up to VALUE_DIMS of the `dims` dimensions that are left of the output of `heads` heads, a constant. */
static inline __attribute__((always_inline)) void head_values(float *out, const float *scores, const float *v,
                                                              const struct attention *shape, uint32_t heads,
                                                              uint32_t dims, const float *inverse_sum)
{
    lanes weighted[HEADS_AT_ONCE][VALUE_DIMS];
#pragma GCC unroll 16
    for (uint32_t i = 0; i < heads * VALUE_DIMS; i++) {
        weighted[i / VALUE_DIMS][i % VALUE_DIMS] = lanes_set(0.0f);
    }
    for (uint32_t t = 0; t <= shape->position; t += LANES, v += (size_t)shape->head_stride * LANES) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < VALUE_DIMS; i++) {
            const lanes value = lanes_load(v + i * LANES);
#pragma GCC unroll 2
            for (uint32_t h = 0; h < heads; h++) {
                const lanes p = lanes_load(scores + (size_t)h * shape->context + t);
                weighted[h][i] = lanes_add(weighted[h][i], lanes_mul(p, value));
            }
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < heads * VALUE_DIMS; i += 4) {
        const uint32_t h = i / VALUE_DIMS, first = i % VALUE_DIMS;
        const lanes *w = &weighted[h][first];
        const __m128 four = _mm_mul_ps(sum_four(w[0], w[1], w[2], w[3]), _mm_set1_ps(inverse_sum[h]));
        store_first(out + h * shape->head_size + first, four, dims > first ? dims - first : 0);
    }
}

/* Heads from `head` on that are taken together, since they share keys and values. */
static inline uint32_t heads_together(const struct attention *shape, uint32_t head)
{
    const uint32_t group = shape->heads / shape->kv_heads;
    return group - head % group >= HEADS_AT_ONCE ? HEADS_AT_ONCE : 1;
}

static void all_scores(float *scores, const float *q, const float *k, const struct attention *shape)
{
    const uint32_t group = shape->heads / shape->kv_heads;
    const size_t cache = (size_t)shape->context * shape->head_stride; /* floats of one KV head */
    for (uint32_t head = 0, n; head < shape->heads; head += n, scores += n * (size_t)shape->context) {
        const float *head_q = q + head * shape->head_size, *head_k = k + head / group * cache;
        n = heads_together(shape, head);
        if (n == HEADS_AT_ONCE) {
            head_scores(scores, head_q, head_k, shape, HEADS_AT_ONCE);
        } else {
            head_scores(scores, head_q, head_k, shape, 1);
        }
    }
}

static void all_values(float *out, const float *scores, const float *v, const struct attention *shape,
                       const float *inverse_sum)
{
    const uint32_t group = shape->heads / shape->kv_heads, size = shape->head_size;
    const size_t cache = (size_t)shape->context * shape->head_stride;
    for (uint32_t head = 0, n; head < shape->heads; head += n, scores += n * (size_t)shape->context) {
        n = heads_together(shape, head);
        for (uint32_t i = 0; i < size; i += VALUE_DIMS) {
            const float *head_v = v + head / group * cache + i * LANES;
            if (n == HEADS_AT_ONCE) {
                head_values(out + head * size + i, scores, head_v, shape, HEADS_AT_ONCE, size - i, inverse_sum + head);
            } else {
                head_values(out + head * size + i, scores, head_v, shape, 1, size - i, inverse_sum + head);
            }
        }
    }
}

static void attention(float *out, const float *q, const float *k, const float *v, const struct attention *shape,
                      float *scores)
{
    const uint32_t used = round_up(shape->position + 1, LANES);
    float *inverse_sum = scores + (size_t)shape->heads * shape->context;
    all_scores(scores, q, k, shape);
    for (uint32_t head = 0; head < shape->heads; head++) {
        float *head_score = scores + (size_t)head * shape->context;
        const float largest = largest_score(head_score, shape->position);
        inverse_sum[head] = 1.0f / to_exponentials(head_score, used, largest, shape->score_factor);
    }
    all_values(out, scores, v, shape, inverse_sum);
}

#endif
