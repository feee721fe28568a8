/*
 * Attention of the scalar kernel, the definition in attention_rules.h written out. scalar.c includes it after
 * round_to_int and largest_magnitude.
 */
#ifndef BOOTLLAMA_SCALAR_ATTENTION_H
#define BOOTLLAMA_SCALAR_ATTENTION_H

#include "base/exp2.h"
#include "base/memory.h"
#include "kernel/attention.h"

static __attribute__((cold)) float head_quantize(int16_t *out, const float *x, uint32_t n, float range, float step)
{
    const uint32_t largest = largest_magnitude(x, n);
    if (largest < KV_SMALLEST || largest >= Q8_LIMIT) {
        memset(out, 0, n * sizeof *out);
        return largest < KV_SMALLEST ? 0.0f : float_from_bits(FLOAT_NAN);
    }
    const float inverse = range / float_from_bits(largest);
    for (uint32_t i = 0; i < n; i++) {
        out[i] = (int16_t)round_to_int(x[i] * inverse);
    }
    return float_from_bits(largest) * step;
}

static __attribute__((cold)) void heads_quantize(int16_t *out, float *scale, const float *x, uint32_t heads,
                                                 uint32_t size, float range)
{
    for (uint32_t head = 0; head < heads; head++, out += size, x += size) {
        scale[head] = head_quantize(out, x, size, range, 1.0f / range);
    }
}

/* n as a float. x87 rounds a loaded integer to single precision only when it is stored. */
static float float_from_int(int32_t n)
{
    volatile float rounded = (float)n;
    return rounded;
}

/* Whole blocks of positions. */
struct span {
    uint32_t begin, end;
};

/* Stores the scores of a chunk; returns the largest, which is never NaN. */
static float chunk_scores(const struct attention_head *head, const struct attention *shape, struct span chunk)
{
    const float infinity = float_from_bits(FLOAT_INFINITY);
    const uint32_t attended = attention_first(shape);
    float largest = -infinity;
    for (uint32_t t = chunk.begin; t < chunk.end; t++) {
        const int16_t *key = head->k + kv_key_index(shape->head_stride, t, 0);
        int32_t dot = 0;
        if (t > shape->position || t < attended) {
            head->scores[t] = -infinity;
            continue;
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < shape->head_size; i += 2, key += 2 * KV_KEY_LANES) {
            dot += head->q[i] * key[0] + head->q[i + 1] * key[1];
        }
        const float score = float_from_int(dot) * head->k_scale[t];
        head->scores[t] = score;
        largest = score > largest ? score : largest;
    }
    return largest;
}

/* z of attention_rules.h. */
static uint32_t power_of_score(float distance, float factor)
{
    const float z = distance * factor;
    return z < (float)ATTENTION_POWER_LAST ? (uint32_t)round_to_int(z) : ATTENTION_POWER_LAST;
}

/* One block of coefficients, at t of (int16_t *)scores; returns the sum of p. */
static int32_t block_coefficients(const struct attention_head *head, uint32_t t, float largest, float factor)
{
    int16_t coefficient[KV_BLOCK];
    int32_t sum = 0;
    for (uint32_t i = 0; i < KV_BLOCK; i++) {
        const uint32_t p = attention_power(power_of_score(largest - head->scores[t + i], factor));
        const uint32_t slot = kv_value_slot(i);
        coefficient[slot] = (int16_t)attention_coefficient(p, (uint32_t)head->ratios[t + slot]);
        sum += (int32_t)p;
    }
    memcpy((int16_t *)head->scores + t, coefficient, sizeof coefficient);
    return sum;
}

/* Turns a chunk's scores into coefficients; returns the sum of p. */
static float chunk_coefficients(const struct attention_head *head, struct span chunk, float largest, float factor)
{
    int32_t sum = 0;
    for (uint32_t t = chunk.begin; t < chunk.end; t += KV_BLOCK) {
        sum += block_coefficients(head, t, largest, factor);
    }
    return (float)sum;
}

/* Turns the largest scores of one head's chunks, a row of lanes apart, into the scales of their sums. */
static void weigh_chunks(const struct attention_lanes *lanes, uint32_t lane, uint32_t chunks)
{
    const float exponent_factor = lanes->factor[lane] * (1.0f / (1 << ATTENTION_POWER_BITS));
    float *chunk = lanes->largest + lane, *sum = lanes->sum + lane;
    float largest = chunk[0], total = 0;
    for (uint32_t i = 1; i < chunks; i++) {
        largest = chunk[i * lanes->stride] > largest ? chunk[i * lanes->stride] : largest;
    }
    for (uint32_t i = 0; i < chunks; i++) {
        const float power = exp2_single((chunk[i * lanes->stride] - largest) * exponent_factor);
        total += sum[i * lanes->stride] * power;
        chunk[i * lanes->stride] = power;
    }
    const float share = lanes->v_largest[lane] / total;
    for (uint32_t i = 0; i < chunks; i++) {
        chunk[i * lanes->stride] *= share;
    }
}

/* Adds a chunk's values to out, or stores them if it is the first. */
static void chunk_values(const struct attention_head *head, const struct attention *shape, struct span chunk,
                         float scale, bool add)
{
    const int16_t *coefficients = (const int16_t *)head->scores;
    for (uint32_t i = 0; i < shape->head_size; i++) {
        const int16_t *value = head->v + kv_value_index(shape->head_stride, chunk.begin, i);
        int32_t sum = 0;
        for (uint32_t t = chunk.begin; t < chunk.end; t += KV_BLOCK, value += (size_t)shape->head_stride * KV_BLOCK) {
#pragma GCC unroll 16
            for (uint32_t j = 0; j < KV_BLOCK; j++) {
                sum += coefficients[t + j] * value[j];
            }
        }
        const float part = float_from_int(sum) * scale;
        head->out[i] = add ? head->out[i] + part : part;
    }
}

/* The ratios of one KV head. */
static void value_ratios(const struct attention_head *head, float v_largest, struct span all)
{
    const float factor = attention_ratio_factor(v_largest);
    for (uint32_t t = all.begin; t < all.end; t++) {
        const float part = head->v_scale[t] * factor; /* may be anything for a later position */
        head->ratios[t / KV_BLOCK * KV_BLOCK + kv_value_slot(t)] =
            part < ATTENTION_RATIO_MAX ? (int16_t)round_to_int(part) : ATTENTION_RATIO_MAX;
    }
}

static void attend_head(const struct attention_head *head, const struct attention *shape,
                        const struct attention_lanes *lanes, uint32_t lane, struct span all)
{
    struct span chunk = {all.begin, all.begin};
    uint32_t chunks = 0;
    for (; chunk.begin < all.end; chunk.begin = chunk.end, chunks++) {
        const uint32_t i = chunks * lanes->stride + lane;
        chunk.end = attention_chunk_end(chunk.begin, all.end);
        lanes->largest[i] = chunk_scores(head, shape, chunk);
        lanes->sum[i] = chunk_coefficients(head, chunk, lanes->largest[i], lanes->factor[lane]);
    }
    weigh_chunks(lanes, lane, chunks);
    const float *scale = lanes->largest + lane;
    for (chunk.begin = all.begin; chunk.begin < all.end; chunk.begin = chunk.end, scale += lanes->stride) {
        chunk.end = attention_chunk_end(chunk.begin, all.end);
        chunk_values(head, shape, chunk, *scale, chunk.begin > all.begin);
    }
}

static void attention(const struct attention_task *task)
{
    const struct attention *shape = &task->shape;
    const struct span all = {attention_begin(shape), attention_padded(shape)};
    const struct attention_lanes lanes = attention_prepare(task);
    struct attention_head head = attention_head(task);
    uint32_t lane = 0;
    for (uint32_t i = 0; i < task->count; i++) {
        value_ratios(&head, lanes.v_largest[lane], all);
        for (uint32_t j = 0; j < attention_queries(shape); j++, lane++) {
            attend_head(&head, shape, &lanes, lane, all);
            attention_next(&head, shape, 1);
        }
        attention_next_kv(&head, shape);
    }
}

#endif
