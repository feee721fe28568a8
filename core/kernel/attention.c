#include "kernel/attention.h"

#include "base/exp2.h"
#include "kernel/kernel.h"

/* The scores of one head. largest [chunks] gets that of each chunk; returns the largest of all. */
static float score_head(const struct kernel *kernel, float *scores, float *largest, const int16_t *q, const int16_t *k,
                        const float *k_scale, const struct attention *shape)
{
    const uint32_t n = attention_padded(shape);
    float of_all = -float_from_bits(FLOAT_INFINITY);
    for (uint32_t t = 0; t < n; t = chunk_end(t, n)) {
        *largest = kernel->head_scores(scores, q, k, k_scale, shape, t, chunk_end(t, n));
        of_all = *largest > of_all ? *largest : of_all;
        largest++;
    }
    return of_all;
}

/* Turns one head's scores into weights, and its chunks' largest scores into what their sums count. */
static void weight_head(const struct kernel *kernel, float *scores, float *chunk, float largest, float factor,
                        float v_largest, const int16_t *share, uint32_t n)
{
    float total = 0;
    uint32_t chunks = 0;
    for (uint32_t t = 0; t < n; t = chunk_end(t, n)) {
        const float distance = chunk[chunks] - largest; /* 0 or less; NaN where there is no number at all */
        const float power = distance == 0 ? 1.0f : exp2_single(distance * (factor * (1.0f / (1 << POWER_BITS))));
        total += kernel->weights(scores, chunk[chunks], factor, share, t, chunk_end(t, n)) * power;
        chunk[chunks++] = power;
    }
    for (uint32_t i = 0; i < chunks; i++) {
        chunk[i] *= v_largest / total;
    }
}

/* out [head_size] of one head. */
static void sum_head(const struct kernel *kernel, float *out, const int16_t *weights, const float *chunk,
                     const int16_t *v, const struct attention *shape)
{
    const uint32_t n = attention_padded(shape);
    for (uint32_t t = 0; t < n; t = chunk_end(t, n)) {
        kernel->head_values(out, weights, v, *chunk++, shape, t, chunk_end(t, n));
    }
}

/*
 * Goes through all heads three times - scores, weights, values - because each pass ends in a long chain of dependent
 * operations that the next head's work then hides.
 */
void attention_compute(const struct kernel *kernel, float *out, const int16_t *q, float q_scale,
                       const struct kv_cache *cache, const struct attention *shape, float *scratch)
{
    const uint32_t heads = shape->heads, size = shape->head_size, group = heads / shape->kv_heads;
    const uint32_t n = attention_padded(shape);
    const size_t row = shape->context, head_cache = row * shape->head_stride; /* of one KV head */
    const size_t chunks = row / CHUNK + 2;                                    /* of a head at most */
    const float v_largest = cache->v_largest[shape->position], factor = q_scale * shape->score_factor;
    int16_t *share = (int16_t *)(scratch + heads * row);               /* [row] */
    float *largest = (float *)(share + row), *chunk = largest + heads; /* [heads], [heads][chunks] */
    kernel->value_shares(share, cache->v_scale, v_largest > 0 ? (SHARE_MAX + 1) / v_largest : 0.0f, n);
    for (uint32_t head = 0; head < heads; head++) {
        largest[head] = score_head(kernel, scratch + head * row, chunk + head * chunks, q + head * size,
                                   cache->k + head / group * head_cache, cache->k_scale, shape);
    }
    for (uint32_t head = 0; head < heads; head++) {
        weight_head(kernel, scratch + head * row, chunk + head * chunks, largest[head], factor, v_largest, share, n);
    }
    for (uint32_t head = 0; head < heads; head++) {
        sum_head(kernel, out + head * size, (const int16_t *)(scratch + head * row), chunk + head * chunks,
                 cache->v + head / group * head_cache, shape);
    }
}
