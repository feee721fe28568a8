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

/* n as a float. x87 rounds a loaded integer to single precision only when it is stored; up to 2^24 it is exact. */
static inline float float_from_int(int32_t n)
{
    if (__FLT_EVAL_METHOD__ == 0 || (uint32_t)n + (1u << 24) <= 1u << 25) {
        return (float)n;
    }
    volatile float rounded = (float)n;
    return rounded;
}

/* Whole blocks of positions. */
struct span {
    uint32_t begin, end;
};

/* The products of the query and KV_KEY_LANES positions' keys, from position t on; unsigned, because the key of a later
   position may be anything. */
static inline void some_products(uint32_t dot[KV_KEY_LANES], const struct attention_head *head,
                                 const struct attention *shape, uint32_t t)
{
    const int16_t *key = head->k + kv_key_index(shape->head_stride, t, 0);
    for (uint32_t lane = 0; lane < KV_KEY_LANES; lane++) {
        dot[lane] = 0;
    }
    for (uint32_t i = 0; i < shape->head_size; i += 2, key += 2 * KV_KEY_LANES) {
        const int16_t even = head->q[i], odd = head->q[i + 1];
        for (uint32_t lane = 0; lane < KV_KEY_LANES; lane++) {
            dot[lane] += (uint32_t)(even * key[2 * lane] + odd * key[2 * lane + 1]);
        }
    }
}

/* Stores the scores of a chunk; returns the largest, which is never NaN. As integers they compare faster where x87 is
   emulated. */
static __attribute__((noinline)) float chunk_scores(const struct attention_head *head, const struct attention *shape,
                                                    struct span chunk)
{
    const int32_t infinity = (int32_t)FLOAT_INFINITY, none = infinity | INT32_MIN;
    const uint32_t first = attention_first(shape), last = shape->position;
    int32_t largest = float_order(none), *score = (int32_t *)head->scores;
    for (uint32_t t = chunk.begin; t < chunk.end; t += KV_KEY_LANES) {
        uint32_t dot[KV_KEY_LANES];
        some_products(dot, head, shape, t);
        for (uint32_t lane = 0; lane < KV_KEY_LANES; lane++) {
            score[t + lane] = none;
            if (t + lane >= first && t + lane <= last) {
                score[t + lane] = (int32_t)float_bits(float_from_int((int32_t)dot[lane]) * head->k_scale[t + lane]);
                const int32_t order = float_order(score[t + lane]);
                largest = order > largest && order <= infinity ? order : largest;
            }
        }
    }
    return float_from_bits((uint32_t)float_order(largest));
}

/* Rounded to the nearest integer, ties to even; what is negative, larger than `most`, or not a number, is `most`. */
static uint32_t round_at_most(float value, uint32_t most)
{
    const unsigned long rounded = (unsigned long)__builtin_lrintf(value); /* LONG_MIN if it does not fit */
    return rounded < most ? (uint32_t)rounded : most;
}

/* One block of coefficients, at t of (int16_t *)scores; returns the sum of p. */
static int32_t block_coefficients(const struct attention_head *head, uint32_t t, float largest, float factor)
{
    const int16_t *ratios = head->ratios + t;
    int16_t coefficient[KV_BLOCK];
    int32_t sum = 0;
    for (uint32_t i = 0; i < KV_BLOCK; i += 4) {
        const float *score = head->scores + t + i;
        const uint32_t slot = kv_value_slot(i);
        for (uint32_t j = 0; j < 4; j++) {
            const uint32_t p = attention_power(round_at_most((largest - score[j]) * factor, ATTENTION_POWER_LAST));
            coefficient[slot + j] = (int16_t)attention_coefficient(p, (uint32_t)ratios[slot + j]);
            sum += (int32_t)p;
        }
    }
    memcpy((int16_t *)head->scores + t, coefficient, sizeof coefficient);
    return sum;
}

/* Turns a chunk's scores into coefficients; returns the sum of p. */
static __attribute__((noinline)) float chunk_coefficients(const struct attention_head *head, struct span chunk,
                                                          float largest, float factor)
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
static __attribute__((noinline)) void chunk_values(const struct attention_head *head, const struct attention *shape,
                                                   struct span chunk, float scale, bool add)
{
    for (uint32_t i = 0; i < shape->head_size; i++) {
        const int16_t *coefficient = (const int16_t *)head->scores + chunk.begin;
        const int16_t *value = head->v + kv_value_index(shape->head_stride, chunk.begin, i);
        int32_t sum = 0;
        for (uint32_t t = chunk.begin; t < chunk.end; t += KV_BLOCK) {
            for (uint32_t j = 0; j < KV_BLOCK; j++) {
                sum += coefficient[j] * value[j];
            }
            coefficient += KV_BLOCK;
            value += (size_t)shape->head_stride * KV_BLOCK;
        }
        const float part = float_from_int(sum) * scale;
        head->out[i] = add ? head->out[i] + part : part;
    }
}

/* The ratios of one KV head; the scale of a later position may be anything. */
static void value_ratios(const struct attention_head *head, float v_largest, struct span all)
{
    const float factor = attention_ratio_factor(v_largest);
    for (uint32_t t = all.begin; t < all.end; t++) {
        head->ratios[t / KV_BLOCK * KV_BLOCK + kv_value_slot(t)] =
            (int16_t)round_at_most(head->v_scale[t] * factor, ATTENTION_RATIO_MAX);
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
