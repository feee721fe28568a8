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
    attention_layout(&transformer->scratch, model->heads, positions, arena);
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

/* The positions of one run, from `position` on. */
struct block {
    uint32_t position, count;
};

/* A step that treats each position of a block, or each KV head, on its own, so that processors can divide them. */
struct step {
    struct transformer *t;
    const struct model_layer *layer;
    struct block block;
    struct attention_task task; /* of the layer, at the block's first position */
    const int32_t *tokens;
};

/* Divides a step into `units` that pass once over this many elements each, with several operations for every one.
   Returns false if computing must stop; so do most of the following functions. */
static inline bool run_step(struct step *step, uint32_t units, uint32_t elements, team_work *work)
{
    struct transformer *t = step->t;
    if (units == 1) { /* small models have many of these */
        work(step, 0, 1);
        return compute_done(t->compute, elements / Q8_GROUP);
    }
    const struct team_job job = {units, (uint64_t)elements * sizeof(float), elements / Q8_GROUP, work, step};
    return team_split(t->team, t->compute, &job);
}

/* Some of a layer's KV heads. */
struct heads {
    uint32_t first, count;
};

/* Puts one position's keys, k [kv_heads][head_size], into a layer's cache. */
static void store_keys(const struct transformer *t, const struct kv_cache *cache, struct heads heads, const float *k,
                       uint32_t position)
{
    const struct model *model = t->model;
    const uint32_t size = model->head_size, context = t->context, end = heads.first + heads.count;
    const size_t first = (size_t)heads.first * size, block = (size_t)context * t->head_stride;
    const float *scale = t->new_scale;
    const int32_t *pairs = (const int32_t *)(t->new_kv + first);
    int16_t *head_out = cache->k + heads.first * block + kv_key_index(t->head_stride, position, 0);
    float *k_scale = cache->k_scale + (size_t)heads.first * context + position;
    model->kernel->heads_quantize(t->new_kv + first, t->new_scale + heads.first, k + first, heads.count, size,
                                  KV_KEY_RANGE);
    for (uint32_t head = heads.first; head < end; head++, head_out += block, k_scale += context) {
        int32_t *out = (int32_t *)head_out;
#pragma GCC unroll 4
        for (uint32_t i = 0; i < size; i += 2, out += KV_KEY_LANES) {
            *out = *pairs++;
        }
        *k_scale = scale[head];
    }
}

static void store_values(const struct transformer *t, const struct kv_cache *cache, struct heads heads, const float *v,
                         uint32_t position)
{
    const struct model *model = t->model;
    const uint32_t size = model->head_size, context = t->context, end = heads.first + heads.count;
    const size_t first = (size_t)heads.first * size, block = (size_t)context * t->head_stride;
    const float *scales = t->new_scale;
    const int16_t *values = t->new_kv + first;
    int16_t *head_out = cache->v + heads.first * block + kv_value_index(t->head_stride, position, 0);
    float *v_scale = cache->v_scale, *v_largest = cache->v_largest;
    size_t at = (size_t)heads.first * context + position;
    model->kernel->heads_quantize(t->new_kv + first, t->new_scale + heads.first, v + first, heads.count, size,
                                  KV_VALUE_RANGE);
    for (uint32_t head = heads.first; head < end; head++, head_out += block, at += context) {
        const float before = position > 0 ? v_largest[at - 1] : 0.0f, scale = scales[head];
        int16_t *out = head_out;
#pragma GCC unroll 4
        for (uint32_t i = 0; i < size; i++, out += KV_BLOCK) {
            *out = *values++;
        }
        v_largest[at] = scale != scale || scale > before ? scale : before; /* NaN persists */
        v_scale[at] = scale != scale ? 0.0f : scale;
    }
}

/* Stores keys and values of some KV heads, for all positions of the block, in a layer's cache. */
static void store_heads(void *context, uint32_t first, uint32_t count)
{
    const struct step *step = context;
    const struct transformer *t = step->t;
    const struct heads heads = {first, count};
    for (uint32_t i = 0; i < step->block.count; i++) {
        const float *k = t->qkv + (size_t)i * qkv_rows(t->model) + t->model->q_rows, *v = k + t->model->kv_rows;
        const uint32_t position = step->block.position + i;
        store_keys(t, &step->task.cache, heads, k, position);
        store_values(t, &step->task.cache, heads, v, position);
    }
}

/* The norm of each head of x [heads * head_size], in place. */
static void normalize_heads(const struct model *model, float *x, const float *weight, uint32_t heads)
{
    for (uint32_t head = 0; weight != NULL && head < heads; head++, x += model->head_size) {
        model->kernel->norm(x, x, weight, model->head_size, model->norm_epsilon, false);
    }
}

/* Norms of heads, RoPE and the quantization of queries, for some positions. */
static void place_positions(void *context, uint32_t first, uint32_t count)
{
    const struct step *step = context;
    const struct transformer *t = step->t;
    const struct model *model = t->model;
    const struct model_layer *layer = step->layer;
    const struct angles *angles = &t->angles[layer->windowed];
    for (uint32_t i = first; i < first + count; i++) {
        float *q = t->qkv + (size_t)i * qkv_rows(model), *k = q + model->q_rows;
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

/* Norm and quantization of the residual stream into q8: too little to divide. */
static bool normalize(struct transformer *t, const float *weight, uint32_t count)
{
    const struct model *model = t->model;
    for (uint32_t i = 0; i < count; i++) {
        const float *x = t->x + (size_t)i * model->dim_padded;
        model->kernel->norm_quantize(&t->q8[i], x, weight, model->dim, model->norm_epsilon);
        if (!compute_done(t->compute, model->dim / Q8_GROUP)) {
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

/* A layer's queries, and its keys and values in the cache. */
static bool store_layer(struct step *step)
{
    struct transformer *t = step->t;
    const struct model *model = t->model;
    const uint32_t count = step->block.count;
    if (!normalize(t, step->layer->attn_norm, count) || !multiply_qkv(t, step->layer, count) ||
        !run_step(step, count, qkv_rows(model), place_positions)) {
        return false;
    }
    if (count == 1) {
        store_heads(step, 0, model->kv_heads);
        return true;
    }
    return run_step(step, model->kv_heads, 2 * model->head_size * count, store_heads);
}

/* Goes on with a block's last position alone. */
static void keep_last(struct step *step)
{
    struct transformer *t = step->t;
    const struct model *model = t->model;
    const size_t last = step->block.count - 1;
    memcpy(t->x, t->x + last * model->dim_padded, model->dim_padded * sizeof *t->x);
    memcpy(t->q, t->q + last * model->q_rows, model->q_rows * sizeof *t->q);
    memcpy(t->q_scale, t->q_scale + last * model->heads, model->heads * sizeof *t->q_scale);
    step->block = (struct block){step->block.position + (uint32_t)last, 1};
    step->task.shape.position = step->block.position;
}

static bool attention_layer(struct step *step)
{
    struct transformer *t = step->t;
    const struct model *model = t->model;
    const struct model_layer *layer = step->layer;
    const uint32_t count = step->block.count;
    if (!team_attention(t->team, t->compute, model->kernel, &step->task, model->q_rows, count)) {
        return false;
    }
    for (uint32_t i = 0; i < count; i++) {
        model->kernel->quantize(&t->q8[i], t->attended + (size_t)i * model->q_rows, layer->attn_output.groups);
    }
    return add_product(t, &layer->attn_output, layer->attn_post_norm, count);
}

/* The gate of the feed-forward network and the quantization of its output, for some positions. */
static void gate_positions(void *context, uint32_t first, uint32_t count)
{
    const struct step *step = context;
    struct transformer *t = step->t;
    const uint32_t n = t->model->hidden_padded;
    for (uint32_t i = first; i < first + count; i++) {
        float *gate = t->hidden + i * 2 * (size_t)n;
        t->model->gate(gate, gate, gate + n, n);
        t->model->kernel->quantize(&t->q8[i], gate, step->layer->down.groups);
    }
}

/* The product with gate and up, the gate and the quantization of its output, for one position. The first two vectors
   change places: matmul_swiglu does not write to its input. */
static bool gate_at_once(struct transformer *t, const struct q8_matrix *gate_up)
{
    const struct q8_vector x = t->q8[0];
    t->q8[0] = t->q8[1];
    t->q8[1] = x;
    t->model->kernel->matmul_swiglu(&t->q8[0], gate_up, &x);
    return compute_done(t->compute, (uint64_t)gate_up->groups * gate_up->row_tiles);
}

static bool multiply_gate(struct step *step)
{
    struct transformer *t = step->t;
    const struct kernel *kernel = t->model->kernel;
    const struct q8_matrix *gate_up = &step->layer->gate_up;
    const uint32_t n = t->model->hidden_padded, count = step->block.count;
    if (count == 1 && kernel->matmul_swiglu != NULL && t->model->gate == kernel->swiglu &&
        gate_up->narrow == NARROW_NONE && gate_up->next == NULL &&
        team_multiplies_at_once(t->team, t->compute, gate_up, 1)) {
        return gate_at_once(t, gate_up);
    }
    return team_matmul(t->team, t->compute, kernel, t->hidden, 2 * (size_t)n, gate_up, t->q8, count, false) &&
           run_step(step, count, 2 * n, gate_positions);
}

static bool feed_forward_layer(struct step *step)
{
    struct transformer *t = step->t;
    const struct model_layer *layer = step->layer;
    const uint32_t count = step->block.count;
    return normalize(t, layer->ffn_norm, count) && multiply_gate(step) &&
           add_product(t, &layer->down, layer->ffn_post_norm, count);
}

/* Embeddings and angles of some positions. */
static void embed_positions(void *context, uint32_t first, uint32_t count)
{
    const struct step *step = context;
    const struct transformer *t = step->t;
    const struct model *model = t->model;
    for (uint32_t i = first; i < first + count; i++) {
        const size_t row = (size_t)i * model->q_rows;
        model_embed(model, t->x + (size_t)i * model->dim_padded, (uint32_t)step->tokens[i]);
        for (uint32_t j = 0; j < model_ropes(model); j++) {
            rope_angles(t->angles[j].cosine + row, t->angles[j].sine + row, model->q_rows, model->rope[j].frequency,
                        model->rope_pairs, model->head_size, model->rope[j].magnitude, step->block.position + i);
        }
    }
}

/* All layers. Of several positions, nobody reads what the last layer makes of them but for keys and values, and for the
   last position where `want_last` is set: t->x begins with that one. */
static bool run_block(struct transformer *t, const int32_t *tokens, const struct block *block, bool want_last)
{
    const uint32_t layers = t->model->layers;
    struct step step = {.t = t, .block = *block, .tokens = tokens};
    bool going = run_step(&step, block->count, t->model->dim + t->model->q_rows, embed_positions);
    for (uint32_t l = 0; going && l < layers; l++) {
        step.layer = &t->model->layer[l];
        step.task = first_task(t, l, block->position);
        going = store_layer(&step);
        if (l + 1 == layers && block->count > 1) {
            if (!want_last) {
                break;
            }
            keep_last(&step);
        }
        going = going && attention_layer(&step) && feed_forward_layer(&step);
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
        going = run_block(transformer, tokens, &block, want_logits);
    } while (team_lost(transformer->team));
    if (!going || !want_logits) {
        return NULL;
    }
    model->kernel->norm_quantize(transformer->q8, transformer->x, model->output_norm, model->dim, model->norm_epsilon);
    going = team_matmul(transformer->team, transformer->compute, model->kernel, transformer->logits, 0, &model->output,
                        transformer->q8, 1, false);
    return going ? transformer->logits : NULL;
}
