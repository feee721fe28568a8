#include "attention.h"

#include "kernel.h"

/*
 * Goes through all heads three times - scores, weights, values - because each pass ends in a long chain of dependent
 * operations that the next head's work then hides.
 */
void attention_compute(const struct kernel *kernel, float *out, const int16_t *q, float q_scale,
                       const struct kv_cache *cache, const struct attention *shape, float *scratch)
{
    const uint32_t heads = shape->heads, size = shape->head_size, group = heads / shape->kv_heads;
    const size_t row = shape->context, head_cache = row * shape->head_stride; /* of one KV head */
    const float v_largest = cache->v_largest[shape->position], factor = q_scale * shape->score_factor;
    int16_t *share = (int16_t *)(scratch + heads * row); /* [row] */
    float *scale = (float *)(share + row);               /* [heads], at first the largest scores */
    kernel->value_shares(share, cache->v_scale, v_largest > 0 ? (SHARE_MAX + 1) / v_largest : 0.0f,
                         attention_padded(shape));
    for (uint32_t head = 0; head < heads; head++) {
        scale[head] = kernel->head_scores(scratch + head * row, q + head * size, cache->k + head / group * head_cache,
                                          cache->k_scale, shape);
    }
    for (uint32_t head = 0; head < heads; head++) {
        scale[head] = v_largest / kernel->head_weights(scratch + head * row, scale[head], factor, share, shape);
    }
    for (uint32_t head = 0; head < heads; head++) {
        kernel->head_values(out + head * size, (const int16_t *)(scratch + head * row),
                            cache->v + head / group * head_cache, scale[head], shape);
    }
}
