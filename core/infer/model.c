#include "base/number.h"
#include "infer/model.h"
#include "infer/rope.h"

static void *take(struct arena *arena, uint64_t count, size_t size)
{
    return arena_take_array(arena, count, size, KERNEL_ALIGNMENT);
}

static struct q8_matrix take_matrix(struct arena *arena, const struct kernel *kernel, uint32_t rows, uint32_t cols)
{
    struct q8_matrix matrix = {
        .rows = rows,
        .cols = cols,
        .row_tiles = (uint32_t)(((uint64_t)rows + Q8_GROUP - 1) / Q8_GROUP),
        .groups = (uint32_t)(((uint64_t)cols + Q8_GROUP - 1) / Q8_GROUP),
    };
    matrix.tiles = take(arena, (uint64_t)matrix.row_tiles * matrix.groups, kernel->tile_bytes);
    return matrix;
}

static void set_shape(struct model *model, const struct gguf *gguf, const struct kernel *kernel)
{
    *model = (struct model){
        .kernel = kernel,
        .dim = gguf->dim,
        .dim_padded = number_round_up(gguf->dim, Q8_GROUP),
        .hidden = gguf->hidden,
        .hidden_padded = number_round_up(gguf->hidden, Q8_GROUP),
        .heads = gguf->heads,
        .kv_heads = gguf->kv_heads,
        .head_size = gguf->head_size,
        .q_rows = number_round_up(gguf->heads * gguf->head_size, Q8_GROUP),
        .kv_rows = number_round_up(gguf->kv_heads * gguf->head_size, Q8_GROUP),
        .rope_pairs = gguf->rope_size / 2,
        .rope_magnitude = rope_magnitude(gguf),
        .vocabulary = gguf->vocabulary,
        .vocabulary_padded = number_round_up(gguf->vocabulary, Q8_GROUP),
        .layers = gguf->layers,
        .norm_epsilon = gguf->norm_epsilon < Q8_EPSILON_SMALLEST ? Q8_EPSILON_SMALLEST : gguf->norm_epsilon,
    };
}

static void layout_layer(struct model *model, struct model_layer *layer, struct arena *arena)
{
    const struct kernel *kernel = model->kernel;
    const uint32_t dim = model->dim;
    *layer = (struct model_layer){
        .attn_norm = take(arena, model->dim_padded, sizeof(float)),
        .ffn_norm = take(arena, model->dim_padded, sizeof(float)),
        .qkv = take_matrix(arena, kernel, model->q_rows + 2 * model->kv_rows, dim),
        .attn_output = take_matrix(arena, kernel, dim, model->heads * model->head_size),
        .gate_up = take_matrix(arena, kernel, 2 * model->hidden_padded, dim),
        .down = take_matrix(arena, kernel, dim, model->hidden),
    };
}

int model_layout(struct model *model, const struct gguf *gguf, const struct kernel *kernel, struct arena *arena)
{
    const bool counting = arena->base == NULL;
    set_shape(model, gguf, kernel);
    uint64_t *frequency = take(arena, model->rope_pairs, sizeof *frequency);
    model->rope_frequency = frequency;
    model->layer = take(arena, model->layers, sizeof *model->layer);
    for (uint32_t l = 0; l < model->layers; l++) {
        struct model_layer counted;
        layout_layer(model, model->layer != NULL ? &model->layer[l] : &counted, arena);
    }
    model->output_norm = take(arena, model->dim_padded, sizeof(float));
    model->embedding = take_matrix(arena, kernel, model->vocabulary, model->dim);
    model->output = model->embedding;
    if (gguf->tensor[GGUF_TENSOR_OUTPUT].type != GGUF_TYPE_ABSENT) {
        model->output = take_matrix(arena, kernel, model->vocabulary, model->dim);
    }
    if (counting) {
        return arena->used == UINT64_MAX ? -1 : 0;
    }
    if (model->output.tiles == NULL) {
        return -1; /* the last take: see arena_take */
    }
    rope_frequencies(frequency, 2 * model->rope_pairs, gguf->rope_base);
    rope_stretch(frequency, gguf);
    return 0;
}

void model_embed(const struct model *model, float *x, uint32_t token)
{
    const struct q8_matrix *table = &model->embedding;
    const size_t row_tile = token / Q8_GROUP;
    const uint8_t *tile = table->tiles + row_tile * table->groups * model->kernel->tile_bytes;
    for (uint32_t group = 0; group < table->groups; group++, tile += model->kernel->tile_bytes) {
        int8_t q[Q8_GROUP];
        float scale;
        model->kernel->tile_row(tile, token % Q8_GROUP, q, &scale);
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            x[group * Q8_GROUP + i] = (float)q[i] * scale;
        }
    }
}
