/*
 * The definition of the model's arithmetic, and what a 486 runs. Every other kernel gives the same bits.
 *
 * A tile is int8 [row][column], then a scale for each row as f32.
 */
#include "exp2.h"
#include "kernel.h"
#include "memory.h"

struct tile {
    int8_t q[GROUP][GROUP];
    float scale[GROUP];
};

static __attribute__((cold)) void tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct tile *tile = (struct tile *)bytes;
    for (uint32_t row = 0; row < GROUP; row++, block += stride) {
        for (uint32_t column = 0; column < GROUP; column += 4) {
            *(uint32_t *)&tile->q[row][column] = q8_0_four(block->q + column);
        }
        tile->scale[row] = half_to_float(block->scale);
    }
}

static void tile_row(const uint8_t *bytes, uint32_t row, int8_t q[GROUP], float *scale)
{
    const struct tile *tile = (const struct tile *)bytes;
    memcpy(q, tile->q[row], GROUP);
    *scale = tile->scale[row];
}

static int32_t dot_group(const int8_t *w, const int32_t *x)
{
    int32_t dot = 0;
#pragma GCC unroll 16
    for (uint32_t i = 0; i < GROUP; i++) {
        dot += w[i] * x[i];
    }
    return dot;
}

/* One row tile by one vector. */
static void multiply(float *out, const struct tile *tile, uint32_t groups, const struct q8_vector *x, bool add)
{
    float sum[GROUP] = {0};
    for (uint32_t group = 0; group < groups; group++, tile++) {
        for (uint32_t row = 0; row < GROUP; row++) {
            const int32_t dot = dot_group(tile->q[row], x->wide + group * GROUP);
            sum[row] += (float)dot * (tile->scale[row] * x->scale[group]);
        }
    }
    for (uint32_t row = 0; row < GROUP; row++) {
        out[row] = add ? out[row] + sum[row] : sum[row];
    }
}

/* Rounds to the nearest integer, ties to even; |value| < 2^22. */
static int32_t round_to_int(float value)
{
    const float rounded = value + EXP2_ROUNDER;
    return (int32_t)(float_bits(rounded) - float_bits(EXP2_ROUNDER));
}

/* Quantizes one group, x [GROUP]; returns its scale. */
static float quantize_group(struct q8_vector *out, uint32_t group, const float *x)
{
    int8_t *q = out->q + group * GROUP;
    int32_t *wide = out->wide + group * GROUP;
    uint32_t largest = 0; /* magnitudes order like their bits, infinity and NaN on top */
    for (uint32_t i = 0; i < GROUP; i++) {
        const uint32_t magnitude = float_bits(x[i]) & 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    if (largest < QUANTIZE_SMALLEST || largest >= QUANTIZE_LIMIT) {
        memset(q, 0, GROUP);
        memset(wide, 0, GROUP * sizeof *wide);
        return largest < QUANTIZE_SMALLEST ? 0.0f : float_from_bits(FLOAT_NAN);
    }
    const float inverse = 127.0f / float_from_bits(largest);
    for (uint32_t i = 0; i < GROUP; i++) {
        wide[i] = round_to_int(x[i] * inverse);
        q[i] = (int8_t)wide[i];
    }
    return float_from_bits(largest) * QUANTIZE_STEP;
}

static void quantize(struct q8_vector *out, const float *x, uint32_t groups)
{
    for (uint32_t group = 0; group < groups; group++) {
        out->scale[group] = quantize_group(out, group, x + group * GROUP);
    }
}

/* The tree that joins partial sums. */
static float sum_lanes(float lane[LANES])
{
    for (uint32_t half = LANES / 2; half > 0; half /= 2) {
        for (uint32_t i = 0; i < half; i++) {
            lane[i] += lane[i + half];
        }
    }
    return lane[0];
}

static void norm_quantize(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon)
{
    float lane[LANES] = {0};
    for (uint32_t i = 0; i < n; i++) {
        lane[i % LANES] += x[i] * x[i];
    }
    const float mean = sum_lanes(lane) / (float)(int32_t)n;
    const float inverse = inverse_rms(mean, epsilon);
    for (uint32_t group = 0; group * GROUP < n; group++) {
        float weighted[GROUP];
        for (uint32_t i = 0; i < GROUP; i++) {
            weighted[i] = x[group * GROUP + i] * weight[group * GROUP + i];
        }
        const float scale = quantize_group(out, group, weighted);
        out->scale[group] = normalized_scale(scale, inverse);
    }
}

static void swiglu(float *out, const float *gate, const float *up, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const float decay = exp2_single(gate[i] * -LOG2_E);
        out[i] = gate[i] / (1.0f + decay) * up[i];
    }
}

/* Positions of block number `block` that are attended to: LANES but in the last one. */
static uint32_t lanes_used(const struct attention *shape, uint32_t block)
{
    const uint32_t left = shape->position + 1 - block * LANES;
    return left < LANES ? left : LANES;
}

/* Scores of one head, q . k for positions 0..position, and the largest of them. */
static float head_scores(float *scores, const float *q, const float *k, const struct attention *shape)
{
    float largest = -float_from_bits(FLOAT_INFINITY);
    for (uint32_t block = 0; block * LANES <= shape->position; block++, k += shape->head_stride * LANES) {
        const uint32_t used = lanes_used(shape, block);
        for (uint32_t lane = 0; lane < used; lane++) {
            float dot = 0;
#pragma GCC unroll 4
            for (uint32_t i = 0; i < shape->head_size; i++) {
                dot += q[i] * k[i * LANES + lane];
            }
            *scores++ = dot;
            largest = dot > largest ? dot : largest;
        }
    }
    return largest;
}

/* Dimension `i` of one head's values, weighted by the scores and summed. */
static float head_value(const float *scores, const float *v, const struct attention *shape, uint32_t i)
{
    float weighted[LANES] = {0};
    v += i * LANES;
    for (uint32_t block = 0; block * LANES <= shape->position; block++, v += shape->head_stride * LANES) {
        const uint32_t used = lanes_used(shape, block);
#pragma GCC unroll 4
        for (uint32_t lane = 0; lane < used; lane++) {
            weighted[lane] += *scores++ * v[lane];
        }
    }
    return sum_lanes(weighted);
}

/* Turns `count` scores into 2^((score - largest) * factor); returns their sum. */
static float to_exponentials(float *scores, uint32_t count, float largest, float factor)
{
    float lane[LANES] = {0};
    for (uint32_t t = 0; t < count; t++) {
        scores[t] = exp2_single((scores[t] - largest) * factor);
        lane[t % LANES] += scores[t];
    }
    return sum_lanes(lane);
}

static float exponentials(float *x, uint32_t n, float factor)
{
    float largest = x[0];
    for (uint32_t i = 1; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    return to_exponentials(x, n, largest, factor);
}

static void head_attention(float *out, const float *q, const float *k, const float *v, const struct attention *shape,
                           float *scores)
{
    const float largest = head_scores(scores, q, k, shape);
    const float inverse_sum = 1.0f / to_exponentials(scores, shape->position + 1, largest, shape->score_factor);
    for (uint32_t i = 0; i < shape->head_size; i++) {
        out[i] = head_value(scores, v, shape, i) * inverse_sum;
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

static void matmul(float *out, size_t out_stride, const struct matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add)
{
    const struct tile *tile = (const struct tile *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += GROUP, tile += w->groups) {
        for (uint32_t i = 0; i < count; i++) {
            multiply(out + i * out_stride, tile, w->groups, x + i, add);
        }
    }
}

DEFINE_KERNEL(scalar, struct tile, matmul);
