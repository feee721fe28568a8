#include "kernel/attention.h"

#include "base/exp2.h"

/* The most chunks of a text that fills the context. */
static uint32_t chunks_max(uint32_t context)
{
    return context / ATTENTION_CHUNK + 2;
}

void attention_layout(struct attention_scratch *scratch, uint32_t heads, uint32_t kv_heads, uint32_t context,
                      struct arena *arena)
{
    const uint64_t scores = (uint64_t)heads * context, ratios = (uint64_t)kv_heads * context;
    const uint64_t chunks = (uint64_t)heads * chunks_max(context);
    scratch->scores = arena_take_array(arena, scores, sizeof *scratch->scores, KERNEL_ALIGNMENT);
    scratch->ratios = arena_take_array(arena, ratios, sizeof *scratch->ratios, KERNEL_ALIGNMENT);
    scratch->largest = arena_take_array(arena, heads, sizeof *scratch->largest, KERNEL_ALIGNMENT);
    scratch->chunks = arena_take_array(arena, chunks, sizeof *scratch->chunks, KERNEL_ALIGNMENT);
}

/* Whole blocks of positions. */
struct span {
    uint32_t begin, end;
};

/* Computes the scores of one head. Stores each chunk's largest score in largest [chunks]; returns the largest of
   all. */
static float score_head(const struct kernel *kernel, float *scores, float *largest, const int16_t *q, const int16_t *k,
                        const float *k_scale, const struct attention *shape, struct span all)
{
    float of_all = -float_from_bits(FLOAT_INFINITY);
    for (uint32_t t = all.begin, end; t < all.end; t = end) {
        end = attention_chunk_end(t, all.end);
        *largest = kernel->head_scores(scores, q, k, k_scale, shape, t, end);
        of_all = *largest > of_all ? *largest : of_all;
        largest++;
    }
    return of_all;
}

/* Turns one head's scores into coefficients, and its chunks' largest scores into the scales of their sums. */
static void weigh_head(const struct kernel *kernel, float *scores, float *chunk, float largest, float factor,
                       float v_largest, const int16_t *ratios, struct span all)
{
    float total = 0;
    uint32_t chunks = 0;
    for (uint32_t t = all.begin, end; t < all.end; t = end) {
        const float distance = chunk[chunks] - largest; /* 0 or less; NaN if all scores are NaN */
        const float exponent = distance * (factor * (1.0f / (1 << ATTENTION_POWER_BITS)));
        const float power = distance == 0 ? 1.0f : exp2_single(exponent);
        end = attention_chunk_end(t, all.end);
        total += kernel->head_coefficients(scores, chunk[chunks], factor, ratios, t, end) * power;
        chunk[chunks++] = power;
    }
    for (uint32_t i = 0; i < chunks; i++) {
        chunk[i] *= v_largest / total;
    }
}

/* out [head_size] of one head. */
static void sum_head(const struct kernel *kernel, float *out, const int16_t *coefficients, const float *chunk,
                     const int16_t *v, const struct attention *shape, struct span all)
{
    for (uint32_t t = all.begin, end; t < all.end; t = end) {
        end = attention_chunk_end(t, all.end);
        kernel->head_values(out, coefficients, v, *chunk++, shape, t, end, t > all.begin);
    }
}

/* The largest scale of the values that are attended to; NaN if a value of the text so far is NaN. */
static float largest_value(const struct kv_cache *cache, const struct attention *shape)
{
    float largest = cache->v_largest[shape->position];
    uint32_t t = attention_first(shape);
    if (t > 0 && largest == largest) {
        largest = 0;
        for (; t <= shape->position; t++) {
            largest = cache->v_scale[t] > largest ? cache->v_scale[t] : largest;
        }
    }
    return largest;
}

/*
 * Goes through all heads three times - scores, coefficients, values - because each pass ends in a long chain of
 * dependent operations that the next head's work then hides.
 */
void attention_compute(const struct kernel *kernel, float *out, const int16_t *q, float q_scale,
                       const struct kv_cache *cache, const struct attention *shape,
                       const struct attention_scratch *scratch, uint32_t first, uint32_t count)
{
    const uint32_t queries = shape->heads / shape->kv_heads; /* heads that read one KV head */
    const uint32_t begin = first * queries, end = begin + count * queries;
    const struct span all = {attention_begin(shape), attention_padded(shape)};
    const size_t row = shape->context, chunks = chunks_max(shape->context), size = shape->head_size;
    const size_t kv_head = row * shape->head_stride; /* elements of the cache */
    const float v_largest = largest_value(cache, shape), factor = q_scale * shape->score_factor;
    int16_t *ratios = scratch->ratios + first * row;
    kernel->value_ratios(ratios + all.begin, cache->v_scale + all.begin,
                         v_largest > 0 ? (ATTENTION_RATIO_MAX + 1) / v_largest : 0.0f, all.end - all.begin);
    const int16_t *k = cache->k + first * kv_head, *v = cache->v + first * kv_head;
    for (uint32_t head = begin; head < end; k += kv_head) {
        for (uint32_t i = 0; i < queries; i++, head++) {
            scratch->largest[head] = score_head(kernel, scratch->scores + head * row, scratch->chunks + head * chunks,
                                                q + head * size, k, cache->k_scale, shape, all);
        }
    }
    for (uint32_t head = begin; head < end; head++) {
        weigh_head(kernel, scratch->scores + head * row, scratch->chunks + head * chunks, scratch->largest[head],
                   factor, v_largest, ratios, all);
    }
    for (uint32_t head = begin; head < end; v += kv_head) {
        for (uint32_t i = 0; i < queries; i++, head++) {
            sum_head(kernel, out + head * size, (const int16_t *)(scratch->scores + head * row),
                     scratch->chunks + head * chunks, v, shape, all);
        }
    }
}
