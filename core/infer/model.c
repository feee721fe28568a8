#include "base/exp2.h"
#include "base/memory.h"
#include "base/number.h"
#include "gguf/blocks.h"
#include "infer/model.h"
#include "infer/rope.h"

static void *take(struct arena *arena, uint64_t count, size_t size)
{
    return arena_take_array(arena, count, size, KERNEL_ALIGNMENT);
}

/* A matrix of the file's tensor `id`. */
struct source {
    uint32_t id, rows;
};

/* Takes a stack of matrices of so many rows each, of one tensor type or of several. */
static struct q8_matrix take_stack(struct arena *arena, const struct kernel *kernel, const struct gguf *gguf,
                                   const struct source *source, uint32_t count, uint32_t cols)
{
    struct q8_matrix matrix = {.cols = cols, .groups = (uint32_t)(((uint64_t)cols + Q8_GROUP - 1) / Q8_GROUP)};
    uint32_t i = 0;
    matrix.narrow = blocks_narrow_kind(gguf->tensor[source->id].type);
    for (; i < count && blocks_narrow_kind(gguf->tensor[source[i].id].type) == matrix.narrow; i++) {
        matrix.row_tiles += (uint32_t)(((uint64_t)source[i].rows + Q8_GROUP - 1) / Q8_GROUP);
        matrix.rows += source[i].rows;
    }
    matrix.tiles = take(arena, matrix.row_tiles, kernel_row_bytes(kernel, matrix.narrow, matrix.groups));
    if (i < count) {
        const struct q8_matrix next = take_stack(arena, kernel, gguf, source + i, count - i, cols);
        struct q8_matrix *kept = take(arena, 1, sizeof *kept);
        if (kept != NULL) {
            *kept = next;
        }
        matrix.next = kept;
    }
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
        .window = gguf->window,
        .score_factor = (1 << ATTENTION_POWER_BITS) * (LOG2_E / __builtin_sqrtf((float)(int32_t)gguf->score_size)),
        .has_post_norms = gguf->architecture->post_norms,
        .embedding_scale = gguf->architecture->scaled_embedding ? __builtin_sqrtf((float)(int32_t)gguf->dim) : 1.0f,
        .vocabulary = gguf->vocabulary,
        .vocabulary_padded = number_round_up(gguf->vocabulary, Q8_GROUP),
        .layers = gguf->layers,
        .gate = gguf->architecture->gelu ? kernel->geglu : kernel->swiglu,
        .norm_epsilon = gguf->norm_epsilon < Q8_EPSILON_SMALLEST ? Q8_EPSILON_SMALLEST : gguf->norm_epsilon,
    };
}

static bool has(const struct gguf *gguf, uint32_t layer, enum gguf_layer_tensor tensor)
{
    return gguf->tensor[GGUF_TENSOR_LAYERS + layer * GGUF_LAYER_TENSORS + tensor].type != GGUF_TYPE_ABSENT;
}

/* A file may have some of the three. */
static bool has_biases(const struct gguf *gguf, uint32_t layer)
{
    return has(gguf, layer, GGUF_LAYER_ATTN_Q_BIAS) || has(gguf, layer, GGUF_LAYER_ATTN_K_BIAS) ||
           has(gguf, layer, GGUF_LAYER_ATTN_V_BIAS);
}

static float *take_biases(struct arena *arena, const struct model *model, const struct gguf *gguf, uint32_t layer)
{
    if (!has_biases(gguf, layer)) {
        return NULL;
    }
    const uint32_t rows = model->q_rows + 2 * model->kv_rows;
    float *biases = take(arena, rows, sizeof *biases);
    if (biases != NULL) {
        memset(biases, 0, rows * sizeof *biases);
    }
    return biases;
}

/* What some architectures have besides. */
static void layout_extras(struct model *model, const struct gguf *gguf, uint32_t index, struct model_layer *layer,
                          struct arena *arena)
{
    const struct gguf_architecture *architecture = gguf->architecture;
    const uint32_t period = gguf->window_period;
    layer->windowed = gguf->window > 0 && (period == 0 || index % period != period - 1);
    layer->qkv_bias = take_biases(arena, model, gguf, index);
    if (has_biases(gguf, index) && !architecture->head_norms) {
        layer->balance = take(arena, model->q_rows + model->kv_rows, sizeof(float));
        for (uint32_t i = 0; layer->balance != NULL && i < model->q_rows + model->kv_rows; i++) {
            layer->balance[i] = 1.0f;
        }
    }
    if (architecture->head_norms) {
        layer->q_norm = take(arena, model->head_size, sizeof(float));
        layer->k_norm = take(arena, model->head_size, sizeof(float));
    }
    if (architecture->post_norms) {
        layer->attn_post_norm = take(arena, model->dim_padded, sizeof(float));
        layer->ffn_post_norm = take(arena, model->dim_padded, sizeof(float));
    }
}

static void layout_rope(struct model *model, const struct gguf *gguf, struct arena *arena)
{
    for (uint32_t i = 0; i < model_ropes(model); i++) {
        uint64_t *frequency = take(arena, model->rope_pairs, sizeof *frequency);
        if (frequency != NULL) {
            rope_frequencies(frequency, gguf->rope_size, i == 0 ? gguf->rope_base : gguf->rope_window_base);
        }
        model->rope[i] = (struct model_rope){frequency, i == 0 ? rope_magnitude(gguf) : gguf->rope_attn_factor};
    }
    if (model->rope[0].frequency != NULL) {
        rope_stretch(model->rope[0].frequency, gguf); /* windows are as in training */
    }
}

static struct q8_matrix take_matrix(struct arena *arena, const struct kernel *kernel, const struct gguf *gguf,
                                    uint32_t id, uint32_t rows, uint32_t cols)
{
    const struct source source = {id, rows};
    return take_stack(arena, kernel, gguf, &source, 1, cols);
}

static void layout_layer(struct model *model, const struct gguf *gguf, uint32_t index, struct model_layer *layer,
                         struct arena *arena)
{
    const struct kernel *kernel = model->kernel;
    const uint32_t dim = model->dim, id = GGUF_TENSOR_LAYERS + index * GGUF_LAYER_TENSORS;
    const struct source qkv[] = {{id + GGUF_LAYER_ATTN_Q, model->q_rows},
                                 {id + GGUF_LAYER_ATTN_K, model->kv_rows},
                                 {id + GGUF_LAYER_ATTN_V, model->kv_rows}};
    const struct source gate_up[] = {{id + GGUF_LAYER_FFN_GATE, model->hidden_padded},
                                     {id + GGUF_LAYER_FFN_UP, model->hidden_padded}};
    *layer = (struct model_layer){
        .attn_norm = take(arena, model->dim_padded, sizeof(float)),
        .ffn_norm = take(arena, model->dim_padded, sizeof(float)),
        .qkv = take_stack(arena, kernel, gguf, qkv, 3, dim),
        .attn_output =
            take_matrix(arena, kernel, gguf, id + GGUF_LAYER_ATTN_OUTPUT, dim, model->heads * model->head_size),
        .gate_up = take_stack(arena, kernel, gguf, gate_up, 2, dim),
        .down = take_matrix(arena, kernel, gguf, id + GGUF_LAYER_FFN_DOWN, dim, model->hidden),
    };
}

int model_layout(struct model *model, const struct gguf *gguf, const struct kernel *kernel, struct arena *arena)
{
    const bool counting = arena->base == NULL;
    set_shape(model, gguf, kernel);
    layout_rope(model, gguf, arena);
    model->layer = take(arena, model->layers, sizeof *model->layer);
    for (uint32_t l = 0; l < model->layers; l++) {
        struct model_layer counted, *layer = model->layer != NULL ? &model->layer[l] : &counted;
        layout_layer(model, gguf, l, layer, arena);
        layout_extras(model, gguf, l, layer, arena);
    }
    model->output_norm = take(arena, model->dim_padded, sizeof(float));
    model->embedding = take_matrix(arena, kernel, gguf, GGUF_TENSOR_TOKEN_EMBD, model->vocabulary, model->dim);
    model->output = model->embedding;
    if (gguf->tensor[GGUF_TENSOR_OUTPUT].type != GGUF_TYPE_ABSENT) {
        model->output = take_matrix(arena, kernel, gguf, GGUF_TENSOR_OUTPUT, model->vocabulary, model->dim);
    }
    if (counting) {
        return arena->used == UINT64_MAX ? -1 : 0;
    }
    return model->output.tiles != NULL ? 0 : -1; /* the last take: see arena_take */
}

/* A row of int8 tiles. */
static void embed_int8(const struct kernel *kernel, float *restrict x, const uint8_t *tile, uint32_t groups,
                       uint32_t row)
{
    for (uint32_t group = 0; group < groups; group++, tile += kernel->tile_bytes, x += Q8_GROUP) {
        int8_t q[Q8_GROUP];
        float scale;
        kernel->tile_row(tile, row, q, &scale);
        const float row_scale = scale;
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            x[i] = (float)q[i] * row_scale;
        }
    }
}

static float larger(float a, float magnitude_of)
{
    const float magnitude = magnitude_of < 0 ? -magnitude_of : magnitude_of;
    return magnitude > a ? magnitude : a;
}

/* Balances a pair of neighbours, which RoPE turns together, of a KV head: elements i and i + 1 of all heads that share
   it. A query has other parts than its bias; they are taken to be about 1. */
static void balance_pair(const struct model *model, struct model_layer *layer, uint32_t kv_head, uint32_t i)
{
    const uint32_t queries = model->heads / model->kv_heads, size = model->head_size;
    const float *q = layer->qkv_bias, *k = q + model->q_rows + kv_head * size + i;
    float k_largest = larger(larger(0, k[0]), k[1]), q_largest = 1.0f, factor = 1.0f;
    for (uint32_t head = kv_head * queries; head < (kv_head + 1) * queries; head++) {
        q_largest = larger(larger(q_largest, q[head * size + i]), q[head * size + i + 1]);
    }
    while (k_largest >= 4 * q_largest) {
        k_largest *= 0.5f;
        q_largest *= 2.0f;
        factor *= 2.0f;
    }
    for (uint32_t j = i; j < i + 2; j++) {
        layer->balance[model->q_rows + kv_head * size + j] = 1.0f / factor;
        for (uint32_t head = kv_head * queries; head < (kv_head + 1) * queries; head++) {
            layer->balance[head * size + j] = factor;
        }
    }
}

void model_balance(struct model *model)
{
    for (uint32_t l = 0; l < model->layers; l++) {
        for (uint32_t head = 0; model->layer[l].balance != NULL && head < model->kv_heads; head++) {
            for (uint32_t i = 0; i < model->head_size; i += 2) {
                balance_pair(model, &model->layer[l], head, i);
            }
        }
    }
}

void model_embed(const struct model *model, float *x, uint32_t token)
{
    const struct q8_matrix *table = &model->embedding;
    const size_t row_tile = token / Q8_GROUP;
    const uint8_t *tiles = table->tiles + row_tile * kernel_row_bytes(model->kernel, table->narrow, table->groups);
    if (table->narrow != NARROW_NONE) {
        narrow_row(x, tiles, table->narrow, table->groups, token % Q8_GROUP);
    } else {
        embed_int8(model->kernel, x, tiles, table->groups, token % Q8_GROUP);
    }
    for (uint32_t i = 0; model->embedding_scale != 1.0f && i < model->dim_padded; i++) {
        x[i] *= model->embedding_scale;
    }
}
