#include "transformer.h"
#include "exp2.h"
#include "memory.h"
#include "rope.h"

static float *take_floats(struct arena *arena, uint64_t count)
{
    const uint64_t bytes = count > SIZE_MAX / sizeof(float) ? SIZE_MAX : count * sizeof(float);
    float *floats = arena_take(arena, (size_t)bytes, ALIGNMENT);
    if (floats != NULL) {
        memset(floats, 0, (size_t)bytes);
    }
    return floats;
}

static uint32_t max_u32(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

int transformer_layout(struct transformer *transformer, const struct model *model, uint32_t context,
                       struct arena *arena)
{
    const uint32_t positions = round_up(context, LANES);
    const uint32_t head_stride = round_up(model->head_size, HEAD_STEP);
    const uint32_t widest = max_u32(max_u32(model->dim_padded, model->q_rows), model->hidden_padded);
    const uint64_t cache = (uint64_t)model->layers * model->kv_heads * head_stride * positions;
    *transformer = (struct transformer){
        .model = model,
        .context = positions,
        .head_stride = head_stride,
        .x = take_floats(arena, model->dim_padded),
        .qkv = take_floats(arena, model->q_rows + 2ull * model->kv_rows),
        .attended = take_floats(arena, model->q_rows),
        .hidden = take_floats(arena, 2ull * model->hidden_padded),
        .logits = take_floats(arena, model->vocabulary_padded),
        .scores = take_floats(arena, model->heads * (positions + 1ull)),
        .cosine = take_floats(arena, model->rope_pairs),
        .sine = take_floats(arena, model->rope_pairs),
        .q8 =
            {
                .q = arena_take(arena, widest, ALIGNMENT),
                .wide = arena_take(arena, widest * sizeof(int32_t), ALIGNMENT),
                .sum = arena_take(arena, widest / GROUP * sizeof(int32_t), ALIGNMENT),
                .scale = arena_take(arena, widest / GROUP * sizeof(float), ALIGNMENT),
            },
        .k = take_floats(arena, cache),
        .v = take_floats(arena, cache),
    };
    if (arena->base == NULL) {
        return arena->used == SIZE_MAX ? -1 : 0;
    }
    return transformer->v != NULL ? 0 : -1; /* the last taken: too small for anything before it is too small for it */
}

/* Puts one position's keys or values, x [kv_heads * head_size], into a layer's cache. A block starts out as zeros, so
   that its positions to come count nothing. */
static void cache_store(const struct transformer *transformer, float *cache, const float *x, uint32_t position)
{
    const struct model *model = transformer->model;
    const size_t head_floats = (size_t)transformer->context * transformer->head_stride;
    const size_t block_floats = (size_t)LANES * transformer->head_stride;
    cache += position / LANES * block_floats;
    for (uint32_t head = 0; head < model->kv_heads; head++, cache += head_floats) {
        if (position % LANES == 0) {
            memset(cache, 0, block_floats * sizeof *cache);
        }
        for (uint32_t i = 0; i < model->head_size; i++) {
            cache[i * LANES + position % LANES] = *x++;
        }
    }
}

static void attention_block(struct transformer *t, const struct layer *layer, uint32_t index, uint32_t position)
{
    const struct model *model = t->model;
    const struct kernel *kernel = model->kernel;
    const struct attention shape = {
        .heads = model->heads,
        .kv_heads = model->kv_heads,
        .head_size = model->head_size,
        .head_stride = t->head_stride,
        .context = t->context,
        .position = position,
        .score_factor = LOG2_E / __builtin_sqrtf((float)(int32_t)model->head_size),
    };
    const size_t layer_floats = (size_t)model->kv_heads * t->context * t->head_stride;
    float *k = t->k + index * layer_floats, *v = t->v + index * layer_floats;
    float *new_k = t->qkv + model->q_rows, *new_v = new_k + model->kv_rows;

    kernel->norm_quantize(&t->q8, t->x, layer->attn_norm, model->dim, model->norm_epsilon);
    kernel->matmul(t->qkv, &layer->qkv, &t->q8, false);
    rope_rotate(t->qkv, model->heads, model->head_size, t->cosine, t->sine, model->rope_pairs);
    rope_rotate(new_k, model->kv_heads, model->head_size, t->cosine, t->sine, model->rope_pairs);
    cache_store(t, k, new_k, position);
    cache_store(t, v, new_v, position);
    kernel->attention(t->attended, t->qkv, k, v, &shape, t->scores);
    kernel->quantize(&t->q8, t->attended, layer->attn_output.groups);
    kernel->matmul(t->x, &layer->attn_output, &t->q8, true);
}

static void feed_forward_block(struct transformer *t, const struct layer *layer)
{
    const struct model *model = t->model;
    const struct kernel *kernel = model->kernel;
    kernel->norm_quantize(&t->q8, t->x, layer->ffn_norm, model->dim, model->norm_epsilon);
    kernel->matmul(t->hidden, &layer->gate_up, &t->q8, false);
    kernel->swiglu(t->hidden, t->hidden, t->hidden + model->hidden_padded, model->hidden_padded);
    kernel->quantize(&t->q8, t->hidden, layer->down.groups);
    kernel->matmul(t->x, &layer->down, &t->q8, true);
}

static void run_one(struct transformer *transformer, uint32_t token, uint32_t position)
{
    const struct model *model = transformer->model;
    model_embed(model, transformer->x, token);
    rope_angles(transformer->cosine, transformer->sine, model->rope_frequency, model->rope_pairs, position);
    for (uint32_t l = 0; l < model->layers; l++) {
        attention_block(transformer, &model->layer[l], l, position);
        feed_forward_block(transformer, &model->layer[l]);
    }
}

float *transformer_run(struct transformer *transformer, const int32_t *tokens, uint32_t count, uint32_t position,
                       bool want_logits)
{
    const struct model *model = transformer->model;
    for (uint32_t i = 0; i < count; i++) {
        run_one(transformer, (uint32_t)tokens[i], position + i);
    }
    if (!want_logits) {
        return NULL;
    }
    model->kernel->norm_quantize(&transformer->q8, transformer->x, model->output_norm, model->dim, model->norm_epsilon);
    model->kernel->matmul(transformer->logits, &model->output, &transformer->q8, false);
    return transformer->logits;
}
