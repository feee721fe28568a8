#include "base/exp2.h"
#include "base/memory.h"
#include "base/number.h"
#include "infer/rope.h"
#include "infer/transformer.h"

static void *take(struct arena *arena, uint64_t count, size_t size)
{
    return arena_take_array(arena, count, size, KERNEL_ALIGNMENT);
}

static float *take_floats(struct arena *arena, uint64_t count)
{
    return take(arena, count, sizeof(float));
}

/* Rows of a layer's stacked query, key and value matrices. */
static uint32_t qkv_rows(const struct model *model)
{
    return model->q_rows + 2 * model->kv_rows;
}

/* Puts the vectors of a block into four common arrays. */
static void layout_q8(struct q8_vector q8[TRANSFORMER_BLOCK], uint32_t n, uint32_t form_bytes, struct arena *arena)
{
    const size_t groups = n / Q8_GROUP;
    const uint64_t all = (uint64_t)TRANSFORMER_BLOCK * groups;
    int8_t *q = take(arena, all, Q8_GROUP * sizeof *q);
    uint8_t *form = form_bytes > 0 ? take(arena, all, form_bytes) : NULL;
    int32_t *sum = take(arena, all, sizeof *sum);
    float *scale = take(arena, all, sizeof *scale);
    for (uint32_t i = 0; scale != NULL && i < TRANSFORMER_BLOCK; i++) {
        const size_t first = i * groups;
        uint8_t *own_form = form != NULL ? form + first * form_bytes : NULL;
        q8[i] = (struct q8_vector){q + first * Q8_GROUP, own_form, sum + first, scale + first};
    }
}

/* The KV cache of all layers, one after the other. */
static void layout_cache(struct transformer *transformer, struct arena *arena)
{
    const struct model *model = transformer->model;
    const uint64_t positions = (uint64_t)model->layers * transformer->context;
    const uint64_t heads = positions * model->kv_heads, elements = heads * transformer->head_stride;
    struct kv_cache *cache = &transformer->cache;
    cache->k = take(arena, elements, sizeof *cache->k);
    cache->v = take(arena, elements, sizeof *cache->v);
    cache->k_scale = take_floats(arena, heads);
    cache->v_scale = take_floats(arena, heads);
    cache->v_largest = take_floats(arena, heads);
}

uint64_t transformer_cache_bytes(const struct transformer *transformer)
{
    struct transformer counted = *transformer;
    struct arena arena = {0};
    layout_cache(&counted, &arena);
    return arena.used;
}

/* The cache of one layer. */
static struct kv_cache layer_cache(const struct transformer *transformer, uint32_t layer)
{
    const struct kv_cache *all = &transformer->cache;
    const size_t head = (size_t)layer * transformer->context * transformer->model->kv_heads;
    const size_t element = head * transformer->head_stride;
    return (struct kv_cache){all->k + element, all->v + element, all->k_scale + head, all->v_scale + head,
                             all->v_largest + head};
}

int transformer_layout(struct transformer *transformer, const struct model *model, uint32_t context,
                       struct arena *arena)
{
    const uint32_t positions = number_round_up(context, KV_BLOCK);
    const uint32_t head_stride = number_round_up(model->head_size, KV_HEAD_STEP);
    const uint32_t widest = number_max(number_max(model->dim_padded, model->q_rows), model->hidden_padded);
    const uint64_t mark = arena->used;
    *transformer = (struct transformer){.model = model, .context = positions, .head_stride = head_stride};
    transformer->x = take_floats(arena, (uint64_t)TRANSFORMER_BLOCK * model->dim_padded);
    transformer->qkv = take_floats(arena, (uint64_t)TRANSFORMER_BLOCK * qkv_rows(model));
    transformer->attended = take_floats(arena, (uint64_t)TRANSFORMER_BLOCK * model->q_rows);
    transformer->hidden = take_floats(arena, 2ull * TRANSFORMER_BLOCK * model->hidden_padded);
    transformer->logits = take_floats(arena, model->vocabulary_padded);
    transformer->q = take(arena, (uint64_t)TRANSFORMER_BLOCK * model->q_rows, sizeof *transformer->q);
    transformer->q_scale = take_floats(arena, (uint64_t)TRANSFORMER_BLOCK * model->heads);
    transformer->new_kv = take(arena, model->kv_rows, sizeof *transformer->new_kv);
    transformer->new_scale = take_floats(arena, model->kv_heads);
    attention_layout(&transformer->scratch, model->heads, model->kv_heads, positions, arena);
    for (uint32_t i = 0; i < model_ropes(model); i++) {
        transformer->angles[i].cosine = take_floats(arena, (uint64_t)TRANSFORMER_BLOCK * model->q_rows);
        transformer->angles[i].sine = take_floats(arena, (uint64_t)TRANSFORMER_BLOCK * model->q_rows);
    }
    if (model->has_post_norms) {
        transformer->product = take_floats(arena, (uint64_t)TRANSFORMER_BLOCK * model->dim_padded);
    }
    layout_q8(transformer->q8, widest, model->kernel->form_bytes, arena);
    layout_cache(transformer, arena);
    if (arena->base == NULL) {
        return arena->used == UINT64_MAX ? -1 : 0;
    }
    if (transformer->cache.v_largest == NULL) {
        return -1; /* an arena that was once too small stays full */
    }
    memset(arena->base + mark, 0, (size_t)((uint8_t *)transformer->cache.k - (arena->base + mark)));
    return 0;
}

/* Clears a layer's cache for the block of positions from `position` on, which nothing has been stored in: gigabytes of
   a long context are not cleared before a text needs them. */
static void clear_block(const struct transformer *t, const struct kv_cache *cache, uint32_t position)
{
    const size_t bytes = (size_t)KV_BLOCK * t->head_stride * sizeof *cache->k;
    for (uint32_t head = 0; head < t->model->kv_heads; head++) {
        const size_t row = (size_t)head * t->context + position, first = row * t->head_stride;
        memset(cache->k + first, 0, bytes);
        memset(cache->v + first, 0, bytes);
        memset(cache->k_scale + row, 0, KV_BLOCK * sizeof *cache->k_scale);
        memset(cache->v_scale + row, 0, KV_BLOCK * sizeof *cache->v_scale);
        memset(cache->v_largest + row, 0, KV_BLOCK * sizeof *cache->v_largest);
    }
}

/* Puts one position's keys, k [kv_heads][head_size], into a layer's cache. */
static void store_keys(const struct transformer *t, const struct kv_cache *cache, const float *k, uint32_t position)
{
    const struct model *model = t->model;
    const int16_t *keys = t->new_kv;
    size_t at = position; /* in the scales of all heads */
    model->kernel->heads_quantize(t->new_kv, t->new_scale, k, model->kv_heads, model->head_size, KV_KEY_RANGE);
    for (uint32_t head = 0; head < model->kv_heads; head++, at += t->context) {
        int16_t *out = cache->k + (at - position) * t->head_stride + kv_key_index(t->head_stride, position, 0);
        for (uint32_t i = 0; i < model->head_size; i += 2, keys += 2, out += 2 * KV_KEY_LANES) {
            out[0] = keys[0];
            out[1] = keys[1];
        }
        cache->k_scale[at] = t->new_scale[head];
    }
}

static void store_values(const struct transformer *t, const struct kv_cache *cache, const float *v, uint32_t position)
{
    const struct model *model = t->model;
    const int16_t *values = t->new_kv;
    size_t at = position;
    model->kernel->heads_quantize(t->new_kv, t->new_scale, v, model->kv_heads, model->head_size, KV_VALUE_RANGE);
    for (uint32_t head = 0; head < model->kv_heads; head++, at += t->context) {
        int16_t *out = cache->v + (at - position) * t->head_stride + kv_value_index(t->head_stride, position, 0);
        const float before = position > 0 ? cache->v_largest[at - 1] : 0.0f, scale = t->new_scale[head];
        for (uint32_t i = 0; i < model->head_size; i++, out += KV_BLOCK) {
            *out = *values++;
        }
        cache->v_largest[at] = scale != scale || scale > before ? scale : before; /* NaN persists */
        cache->v_scale[at] = scale != scale ? 0.0f : scale;
    }
}

/* Stores one position's keys and values in a layer's cache. */
static void cache_store(const struct transformer *t, const struct kv_cache *cache, const float *k, const float *v,
                        uint32_t position)
{
    if (position % KV_BLOCK == 0) {
        clear_block(t, cache, position);
    }
    store_keys(t, cache, k, position);
    store_values(t, cache, v, position);
}

/* The positions of one run, from `position` on. */
struct block {
    uint32_t position, count;
};

/* The work, for compute_done, of a loop that passes once over this many elements with several operations each. */
static bool elements_done(struct transformer *t, uint32_t elements)
{
    return compute_done(t->compute, elements / Q8_GROUP);
}

/* The following return false if computing must stop. */

/* The norm of each head of x [heads * head_size], in place. */
static void normalize_heads(const struct model *model, float *x, const float *weight, uint32_t heads)
{
    for (uint32_t head = 0; weight != NULL && head < heads; head++, x += model->head_size) {
        model->kernel->norm(x, x, weight, model->head_size, model->norm_epsilon, false);
    }
}

/* The attention of a layer at the first position of a block. */
static struct attention_task first_task(const struct transformer *t, uint32_t index, uint32_t position)
{
    const struct model *model = t->model;
    return (struct attention_task){
        .shape =
            {
                .heads = model->heads,
                .kv_heads = model->kv_heads,
                .head_size = model->head_size,
                .head_stride = t->head_stride,
                .context = t->context,
                .position = position,
                .window = model->layer[index].windowed ? model->window : 0,
                .score_factor = model->score_factor,
            },
        .cache = layer_cache(t, index),
        .scratch = t->scratch,
        .q = t->q,
        .q_scale = t->q_scale,
        .out = t->attended,
        .count = model->kv_heads,
    };
}

/* Norms of heads, RoPE, KV cache and attention. */
static bool attend(struct transformer *t, uint32_t index, const struct block *block)
{
    const struct model *model = t->model;
    const struct model_layer *layer = &model->layer[index];
    const struct angles *angles = &t->angles[layer->windowed];
    const struct attention_task task = first_task(t, index, block->position);
    for (uint32_t i = 0; i < block->count; i++) {
        float *q = t->qkv + (size_t)i * qkv_rows(model), *k = q + model->q_rows, *v = k + model->kv_rows;
        const size_t row = (size_t)i * model->q_rows;
        for (uint32_t j = 0; layer->balance != NULL && j < model->q_rows + model->kv_rows; j++) {
            q[j] *= layer->balance[j]; /* keys follow queries */
        }
        normalize_heads(model, q, layer->q_norm, model->heads);
        normalize_heads(model, k, layer->k_norm, model->kv_heads);
        model->kernel->rotate(q, angles->cosine + row, angles->sine + row, model->q_rows);
        model->kernel->rotate(k, angles->cosine + row, angles->sine + row, model->kv_rows);
        model->kernel->heads_quantize(t->q + row, t->q_scale + (size_t)i * model->heads, q, model->heads,
                                      model->head_size, KV_KEY_RANGE);
        cache_store(t, &task.cache, k, v, block->position + i);
        if (!elements_done(t, qkv_rows(model))) {
            return false;
        }
    }
    return team_attention(t->team, t->compute, model->kernel, &task, model->q_rows, block->count);
}

/* Norm and quantization of the residual stream into q8. */
static bool normalize(struct transformer *t, const float *weight, uint32_t count)
{
    const struct model *model = t->model;
    for (uint32_t i = 0; i < count; i++) {
        const float *x = t->x + (size_t)i * model->dim_padded;
        model->kernel->norm_quantize(&t->q8[i], x, weight, model->dim, model->norm_epsilon);
        if (!elements_done(t, model->dim)) {
            return false;
        }
    }
    return true;
}

/* Adds the product of a matrix and q8 to the residual stream, or its norm where post_norm is not NULL. */
static bool add_product(struct transformer *t, const struct q8_matrix *matrix, const float *post_norm, uint32_t count)
{
    const struct model *model = t->model;
    const uint32_t row = model->dim_padded;
    float *out = post_norm != NULL ? t->product : t->x;
    if (!team_matmul(t->team, t->compute, model->kernel, out, row, matrix, t->q8, count, post_norm == NULL)) {
        return false;
    }
    for (size_t i = 0; post_norm != NULL && i < count; i++) {
        model->kernel->norm(t->x + i * row, out + i * row, post_norm, model->dim, model->norm_epsilon, true);
    }
    return true;
}

/* Queries, keys and values. */
static bool multiply_qkv(struct transformer *t, const struct model_layer *layer, uint32_t count)
{
    const uint32_t row = qkv_rows(t->model);
    const float *bias = layer->qkv_bias;
    for (size_t i = 0; bias != NULL && i < count; i++) {
        memcpy(t->qkv + i * row, bias, row * sizeof *bias);
    }
    return team_matmul(t->team, t->compute, t->model->kernel, t->qkv, row, &layer->qkv, t->q8, count, bias != NULL);
}

static bool attention_layer(struct transformer *t, uint32_t index, const struct block *block)
{
    const struct model *model = t->model;
    const struct kernel *kernel = model->kernel;
    const struct model_layer *layer = &model->layer[index];
    if (!normalize(t, layer->attn_norm, block->count) || !multiply_qkv(t, layer, block->count) ||
        !attend(t, index, block)) {
        return false;
    }
    for (uint32_t i = 0; i < block->count; i++) {
        kernel->quantize(&t->q8[i], t->attended + (size_t)i * model->q_rows, layer->attn_output.groups);
    }
    return add_product(t, &layer->attn_output, layer->attn_post_norm, block->count);
}

static bool feed_forward_layer(struct transformer *t, const struct model_layer *layer, uint32_t count)
{
    const struct model *model = t->model;
    const struct kernel *kernel = model->kernel;
    const uint32_t n = model->hidden_padded;
    if (!normalize(t, layer->ffn_norm, count) ||
        !team_matmul(t->team, t->compute, kernel, t->hidden, 2 * (size_t)n, &layer->gate_up, t->q8, count, false)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        float *gate = t->hidden + i * 2 * (size_t)n;
        model->gate(gate, gate, gate + n, n);
        kernel->quantize(&t->q8[i], gate, layer->down.groups);
        if (!elements_done(t, n)) {
            return false;
        }
    }
    return add_product(t, &layer->down, layer->ffn_post_norm, count);
}

/* Embeddings and angles of a block. */
static bool embed(struct transformer *t, const int32_t *tokens, const struct block *block)
{
    const struct model *model = t->model;
    for (uint32_t i = 0; i < block->count; i++) {
        const size_t row = (size_t)i * model->q_rows;
        model_embed(model, t->x + (size_t)i * model->dim_padded, (uint32_t)tokens[i]);
        for (uint32_t j = 0; j < model_ropes(model); j++) {
            rope_angles(t->angles[j].cosine + row, t->angles[j].sine + row, model->q_rows, model->rope[j].frequency,
                        model->rope_pairs, model->head_size, model->rope[j].magnitude, block->position + i);
        }
        if (!elements_done(t, model->dim + model->q_rows)) {
            return false;
        }
    }
    return true;
}

/* All layers. */
static bool run_block(struct transformer *t, const int32_t *tokens, const struct block *block)
{
    bool going = embed(t, tokens, block);
    for (uint32_t l = 0; going && l < t->model->layers; l++) {
        going = attention_layer(t, l, block) && feed_forward_layer(t, &t->model->layer[l], block->count);
    }
    return going;
}

float *transformer_run(struct transformer *transformer, const int32_t *tokens, uint32_t count, uint32_t position,
                       bool want_logits)
{
    const struct model *model = transformer->model;
    const struct block block = {position, count};
    bool going;
    do {
        going = run_block(transformer, tokens, &block);
    } while (team_lost(transformer->team));
    if (!going || !want_logits) {
        return NULL;
    }
    const float *last = transformer->x + (count - 1) * (size_t)model->dim_padded;
    model->kernel->norm_quantize(transformer->q8, last, model->output_norm, model->dim, model->norm_epsilon);
    going = team_matmul(transformer->team, transformer->compute, model->kernel, transformer->logits, 0, &model->output,
                        transformer->q8, 1, false);
    return going ? transformer->logits : NULL;
}
