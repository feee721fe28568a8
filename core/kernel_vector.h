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
        out->scale[group] = usable_scale(quantize_group(out, group, low, high) * inverse_rms);
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

/*
 * Attention goes through all heads three times - scores, exponentials, values - because each pass ends in a long chain of
 * dependent operations that the next head's work then hides. In the passes over the cache, two heads that share keys and
 * values share their loads.
 */

/* Scores of `blocks` blocks for `heads` query heads, both constants: one chain of additions each. `scores` and `q` of the
   second head follow at score_stride and q_stride. *largest gets the largest of each lane for each head. */
static inline __attribute__((always_inline)) void block_scores(float *scores, const float *q, const float *k,
                                                               const struct attention *shape, uint32_t blocks,
                                                               uint32_t heads, lanes largest[2])
{
    const size_t block = (size_t)shape->head_stride * LANES;
    lanes dot[2][SCORE_BLOCKS];
#pragma GCC unroll 8
    for (uint32_t b = 0; b < blocks; b++) {
        dot[0][b] = lanes_set(0.0f);
        dot[1][b] = lanes_set(0.0f);
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
#pragma GCC unroll 2
    for (uint32_t h = 0; h < heads; h++) {
#pragma GCC unroll 8
        for (uint32_t b = 0; b < blocks; b++) {
            lanes_store(scores + (size_t)h * shape->context + b * LANES, dot[h][b]);
            largest[h] = lanes_max(dot[h][b], largest[h]);
        }
    }
}

/* Scores of the last block where it is not whole: minus infinity beyond the position. */
static inline void last_block_scores(float *scores, const float *q, const float *k, const struct attention *shape,
                                     uint32_t heads, lanes largest[2])
{
    lanes unused[2] = {largest[0], largest[1]};
    block_scores(scores, q, k, shape, 1, heads, unused);
    for (uint32_t h = 0; h < heads; h++) {
        float *head = scores + (size_t)h * shape->context;
        for (uint32_t t = shape->position % LANES + 1; t < LANES; t++) {
            head[t] = -float_from_bits(FLOAT_INFINITY);
        }
        largest[h] = lanes_max(lanes_load(head), largest[h]);
    }
}

/* Scores of one or two heads for all blocks; the largest of each goes to largest_score. */
static inline __attribute__((always_inline)) void head_scores(float *scores, const float *q, const float *k,
                                                              const struct attention *shape, uint32_t heads,
                                                              float *largest_score)
{
    const size_t block = (size_t)shape->head_stride * LANES;
    const uint32_t whole = (shape->position + 1) / LANES; /* blocks without a position beyond */
    lanes largest[2] = {lanes_set(-float_from_bits(FLOAT_INFINITY)), lanes_set(-float_from_bits(FLOAT_INFINITY))};
    uint32_t b = 0;
    for (; b + SCORE_BLOCKS <= whole; b += SCORE_BLOCKS) {
        block_scores(scores + b * LANES, q, k + b * block, shape, SCORE_BLOCKS, heads, largest);
    }
    for (; b < whole; b++) {
        block_scores(scores + b * LANES, q, k + b * block, shape, 1, heads, largest);
    }
    if ((shape->position + 1) % LANES != 0) {
        last_block_scores(scores + b * LANES, q, k + b * block, shape, heads, largest);
    }
    for (uint32_t h = 0; h < heads; h++) {
        largest_score[h] = largest_lane(largest[h]);
    }
}

/* Turns n scores into 2^((score - largest) * factor); returns their sum. */
static inline float to_exponentials(float *scores, uint32_t n, float largest, float factor)
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

/* VALUE_DIMS dimensions of the output of one or two heads. */
static inline __attribute__((always_inline)) void head_values(float *out, const float *scores, const float *v,
                                                              const struct attention *shape, uint32_t first,
                                                              uint32_t heads, const float *inverse_sum)
{
    lanes weighted[2][VALUE_DIMS];
#pragma GCC unroll 8
    for (uint32_t i = 0; i < VALUE_DIMS; i++) {
        weighted[0][i] = lanes_set(0.0f);
        weighted[1][i] = lanes_set(0.0f);
    }
    v += (size_t)first * LANES;
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
#pragma GCC unroll 2
    for (uint32_t h = 0; h < heads; h++) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < VALUE_DIMS; i++) {
            if (first + i < shape->head_size) {
                out[h * shape->head_size + first + i] = sum_lanes(weighted[h][i]) * inverse_sum[h];
            }
        }
    }
}

/* The heads of one KV head, two at a time: scores, then exponentials. */
static void group_scores(float *scores, const float *q, const float *k, const struct attention *shape, uint32_t group,
                         float *largest)
{
    uint32_t head = 0;
    for (; head + 2 <= group; head += 2) {
        head_scores(scores + (size_t)head * shape->context, q + head * shape->head_size, k, shape, 2, largest + head);
    }
    if (head < group) {
        head_scores(scores + (size_t)head * shape->context, q + head * shape->head_size, k, shape, 1, largest + head);
    }
}

static void group_values(float *out, const float *scores, const float *v, const struct attention *shape, uint32_t group,
                         const float *inverse_sum)
{
    for (uint32_t head = 0; head < group; head += 2) {
        const float *head_score = scores + (size_t)head * shape->context;
        float *head_out = out + head * shape->head_size;
        for (uint32_t i = 0; i < shape->head_size; i += VALUE_DIMS) {
            if (head + 2 <= group) {
                head_values(head_out, head_score, v, shape, i, 2, inverse_sum + head);
            } else {
                head_values(head_out, head_score, v, shape, i, 1, inverse_sum + head);
            }
        }
    }
}

static void attention(float *out, const float *q, const float *k, const float *v, const struct attention *shape,
                      float *scores)
{
    const uint32_t group = shape->heads / shape->kv_heads, used = round_up(shape->position + 1, LANES);
    const size_t cache = (size_t)shape->context * shape->head_stride; /* floats of one KV head */
    float *per_head = scores + (size_t)shape->heads * shape->context; /* the largest score, then 1 / sum */
    for (uint32_t kv = 0; kv < shape->kv_heads; kv++) {
        const uint32_t first = kv * group;
        group_scores(scores + (size_t)first * shape->context, q + first * shape->head_size, k + kv * cache, shape,
                     group, per_head + first);
    }
    for (uint32_t head = 0; head < shape->heads; head++) {
        float *head_score = scores + (size_t)head * shape->context;
        per_head[head] = 1.0f / to_exponentials(head_score, used, per_head[head], shape->score_factor);
    }
    for (uint32_t kv = 0; kv < shape->kv_heads; kv++) {
        const uint32_t first = kv * group;
        group_values(out + first * shape->head_size, scores + (size_t)first * shape->context, v + kv * cache, shape,
                     group, per_head + first);
    }
}

#endif
