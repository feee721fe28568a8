/* The transformer's blocks: however a text is cut into calls, on every kernel, the bits are those of one at a time. */
#include "kernel_input.h"

#include "base/number.h"
#include "infer/transformer.h"

enum { CONTEXT = 64, VOCABULARY = 45 };

/* Nothing about these shapes is a multiple of Q8_GROUP or KERNEL_LANES. */
static const struct gguf_architecture llama = {.name = "llama"};
static const struct gguf_architecture every = {
    .name = "all", .head_norms = true, .post_norms = true, .gelu = true, .scaled_embedding = true, .window_period = 2};

static const struct gguf small = {
    .architecture = &llama,
    .score_size = 6,
    .dim = 40,
    .hidden = 72,
    .layers = 2,
    .heads = 6,
    .kv_heads = 2,
    .head_size = 6,
    .rope_size = 4,
    .context = CONTEXT,
    .rope_base = 10000,
    .rope_factor = 1,
    .rope_attn_factor = 1,
    .norm_epsilon = 1e-5f,
    .vocabulary = VOCABULARY,
    .tensor[GGUF_TENSOR_OUTPUT] = {.type = GGUF_TYPE_ABSENT},
};

static void random_weights(struct q8_matrix *matrix, const struct kernel *kernel)
{
    for (uint32_t tile = 0; tile < matrix->row_tiles * matrix->groups; tile++) {
        const uint32_t first_row = tile / matrix->groups * Q8_GROUP, first_column = tile % matrix->groups * Q8_GROUP;
        struct q8_0_block block[Q8_GROUP];
        for (uint32_t row = 0; row < Q8_GROUP; row++) {
            for (uint32_t column = 0; column < Q8_GROUP; column++) {
                const bool inside = first_row + row < matrix->rows && first_column + column < matrix->cols;
                block[row].q[column] = inside ? (int8_t)(random_u32() % 255 - 127) : 0;
            }
            block[row].scale = half_from_float((float)(int32_t)(random_u32() % 64) * 0x1p-14f);
        }
        kernel->tile_pack(matrix->tiles + (size_t)tile * kernel->tile_bytes, block, 1);
    }
}

/* Fills whole tiles, padding too: what they are multiplied with is zero there. */
static void random_narrow_rows(const struct q8_matrix *matrix)
{
    const struct q8_matrix random = random_narrow_matrix(matrix->narrow, matrix->row_tiles, matrix->groups);
    memcpy(matrix->tiles, random.tiles, matrix->row_tiles * narrow_row_bytes(matrix->narrow, matrix->groups));
    free(random.tiles);
}

/* [n], padded with zeros. */
static void random_vector(const float *vector, uint32_t n, uint32_t padded)
{
    float *out = (float *)vector;
    for (uint32_t i = 0; i < padded; i++) {
        out[i] = i < n ? (float)(int32_t)(random_u32() % 1000) * 0x1p-9f : 0;
    }
}

static void random_norm(const float *weight)
{
    random_vector(weight, small.dim, number_round_up(small.dim, Q8_GROUP));
}

/* What the architecture `every` has besides. */
static void random_extras(const struct model *model, const struct model_layer *layer)
{
    random_vector(layer->q_norm, model->head_size, model->head_size);
    random_vector(layer->k_norm, model->head_size, model->head_size);
    random_norm(layer->attn_post_norm);
    random_norm(layer->ffn_post_norm);
    random_vector(layer->qkv_bias, small.heads * small.head_size, model->q_rows);
    random_vector(layer->qkv_bias + model->q_rows, small.kv_heads * small.head_size, model->kv_rows);
    random_vector(layer->qkv_bias + model->q_rows + model->kv_rows, small.kv_heads * small.head_size, model->kv_rows);
}

static bool has_everything, up_is_narrow; /* in the following networks */

struct network {
    uint8_t *memory;
    struct model model;
    struct transformer transformer;
};

/* The same random weights for every kernel. */
static void build(struct network *network, const struct kernel *kernel)
{
    enum { MEMORY = 1 << 20 };
    struct gguf *gguf = malloc(sizeof *gguf);
    struct model *model = &network->model;
    *gguf = small;
    if (has_everything) {
        gguf->architecture = &every;
        gguf->window = 9;
        gguf->window_period = 2;
        gguf->rope_window_base = 100;
    }
    for (uint32_t l = 0; up_is_narrow && l < small.layers; l++) {
        gguf->tensor[GGUF_TENSOR_LAYERS + l * GGUF_LAYER_TENSORS + GGUF_LAYER_FFN_UP].type = GGUF_TYPE_Q4_0;
    }
    network->memory = aligned_alloc(KERNEL_ALIGNMENT, MEMORY);
    struct arena arena = {.base = network->memory, .size = MEMORY};
    memset(network->memory, 0xFF, MEMORY); /* NaN, wherever a float is read before it is written */
    assert_int_equal(model_layout(model, gguf, kernel, &arena), 0);
    random_begin();
    for (uint32_t l = 0; l < small.layers; l++) {
        struct model_layer *layer = &model->layer[l];
        random_norm(layer->attn_norm);
        random_norm(layer->ffn_norm);
        random_weights(&layer->qkv, kernel);
        random_weights(&layer->attn_output, kernel);
        random_weights(&layer->gate_up, kernel);
        assert_true((layer->gate_up.next != NULL) == up_is_narrow);
        if (up_is_narrow) {
            random_narrow_rows(layer->gate_up.next);
        }
        random_weights(&layer->down, kernel);
        if (has_everything) {
            random_extras(model, layer);
        }
    }
    free(gguf);
    random_norm(model->output_norm);
    random_weights(&model->embedding, kernel);
    assert_int_equal(transformer_layout(&network->transformer, model, CONTEXT, &arena), 0);
}

/* Logits after every position that ends a call; calls take `most` positions, the first one `first`. Every other call
   that takes several wants no logits, unless it is the last. */
static void run_text(struct network *network, uint32_t first, uint32_t most, float logits[CONTEXT][VOCABULARY])
{
    int32_t tokens[CONTEXT];
    for (int32_t i = 0; i < CONTEXT; i++) {
        tokens[i] = i * i % VOCABULARY;
    }
    for (uint32_t position = 0, count = first; position < CONTEXT; position += count, count = most) {
        count = count < CONTEXT - position ? count : CONTEXT - position;
        const bool want = count == 1 || position + count == CONTEXT || position / most % 2 == 0;
        const float *out = transformer_run(&network->transformer, tokens + position, count, position, want);
        assert_true((out != NULL) == want);
        if (want) {
            memcpy(logits[position + count - 1], out, sizeof *logits);
        }
    }
}

static float expected[CONTEXT][VOCABULARY]; /* one position at a time by the definition */

static void check_blocks(const struct kernel *kernel)
{
    struct network network;
    build(&network, kernel);
    for (uint32_t most = 1; most <= TRANSFORMER_BLOCK; most++) {
        static float logits[CONTEXT][VOCABULARY];
        const uint32_t first = most * 5 % TRANSFORMER_BLOCK + 1; /* calls begin and end anywhere in a cache block */
        memcpy(logits, expected, sizeof logits);
        run_text(&network, first, most, logits);
        assert_memory_equal(logits, expected, sizeof logits);
    }
    free(network.memory);
}

static void check_all_blocks(void)
{
    struct network network;
    build(&network, &kernel_scalar);
    run_text(&network, 1, 1, expected);
    free(network.memory);
    assert_true(expected[0][1] != expected[CONTEXT - 1][1] && (float_bits(expected[CONTEXT - 1][1]) & 0x7FFFFFFF) != 0);
    check_blocks(&kernel_scalar);
    for_each_kernel(check_blocks);
}

static void blocks_give_the_same_bits(void **state)
{
    (void)state;
    check_all_blocks();
}

static void blocks_of_other_architectures_do(void **state)
{
    (void)state;
    static float plain[VOCABULARY];
    memcpy(plain, expected[CONTEXT - 1], sizeof plain);
    has_everything = true;
    check_all_blocks();
    has_everything = false;
    assert_true(memcmp(plain, expected[CONTEXT - 1], sizeof plain) != 0);
}

/* Gate and up of different types are two matrices: not for matmul_swiglu. */
static void blocks_of_two_types_do(void **state)
{
    (void)state;
    up_is_narrow = true;
    check_all_blocks();
    up_is_narrow = false;
}

/* Makes column 0 of the embedding count in this token alone, and too much in it for the first layer's norm. */
static void spoil_token(struct network *network, uint32_t token)
{
    const struct model *model = &network->model;
    for (uint32_t tile = 0; tile < model->embedding.row_tiles; tile++) {
        uint8_t *bytes = model->embedding.tiles + (size_t)tile * model->embedding.groups * model->kernel->tile_bytes;
        struct q8_0_block block[Q8_GROUP];
        for (uint32_t row = 0; row < Q8_GROUP; row++) {
            float scale;
            model->kernel->tile_row(bytes, row, block[row].q, &scale);
            block[row].q[0] = tile * Q8_GROUP + row == token ? 127 : 0;
            block[row].scale = half_from_float(scale);
        }
        model->kernel->tile_pack(bytes, block, 1);
    }
    ((float *)model->layer[0].attn_norm)[0] = 1e8f;
}

/* A position depends on those before it alone; a value that is not a number is never forgotten. */
static void the_largest_scale_of_values_is_kept(void **state)
{
    enum { SPOILT = 7, AT = 20 };
    (void)state;
    struct network network;
    const struct kv_cache *cache = &network.transformer.cache; /* the first layer's comes first */
    float plain[CONTEXT][VOCABULARY];
    build(&network, &kernel_scalar);
    run_text(&network, 1, 1, plain);
    float largest = 0;
    uint32_t grown = 0;
    for (uint32_t t = 0; t < CONTEXT; t++) {
        grown += cache->v_scale[t] > largest;
        largest = cache->v_scale[t] > largest ? cache->v_scale[t] : largest;
        assert_true(largest > 0 && cache->v_largest[t] == largest);
    }
    assert_true(grown > 1 && cache->v_scale[CONTEXT - 1] < largest);
    spoil_token(&network, SPOILT);
    for (uint32_t t = 0; t < CONTEXT; t++) {
        const int32_t token = t == AT ? SPOILT : 1;
        const float *logits = transformer_run(&network.transformer, &token, 1, t, true);
        assert_true((cache->v_largest[t] != cache->v_largest[t]) == (t >= AT));
        assert_true((cache->v_scale[t] == 0) == (t == AT));
        assert_true((logits[0] != logits[0]) == (t >= AT));
    }
    free(network.memory);
}

/* With NaN; the smallest integers and numbers; large ones; anything. */
static void fill_cache(const struct transformer *t, uint32_t way)
{
    uint8_t *memory = (uint8_t *)t->cache.k;
    for (uint64_t i = 0; i < transformer_cache_bytes(t); i++) {
        const uint8_t bytes[] = {0xFF, 0x80, 0x7F, (uint8_t)random_u32()};
        memory[i] = bytes[way];
    }
}

/* Nothing clears the cache, so attention must not see what lies behind the current position. */
static void later_positions_may_hold_anything(const struct kernel *kernel)
{
    static float clean[CONTEXT][VOCABULARY], logits[CONTEXT][VOCABULARY];
    struct network network;
    build(&network, &kernel_scalar);
    memset(network.transformer.cache.k, 0, (size_t)transformer_cache_bytes(&network.transformer));
    run_text(&network, 1, 1, clean);
    free(network.memory);
    for (uint32_t way = 0; way < 4; way++) {
        build(&network, kernel);
        fill_cache(&network.transformer, way);
        run_text(&network, 1, 1, logits);
        assert_memory_equal(logits, clean, sizeof logits);
        free(network.memory);
    }
}

static void the_cache_needs_no_clearing(void **state)
{
    (void)state;
    for (int everything = 0; everything < 2; everything++) {
        has_everything = everything;
        later_positions_may_hold_anything(&kernel_scalar);
        for_each_kernel(later_positions_may_hold_anything);
    }
    has_everything = false;
}

static void no_logits_unless_wanted(void **state)
{
    (void)state;
    struct network network;
    const int32_t tokens[2] = {1, 2};
    build(&network, &kernel_scalar);
    assert_null(transformer_run(&network.transformer, tokens, 2, 0, false));
    assert_non_null(transformer_run(&network.transformer, tokens, 2, 2, true));
    free(network.memory);
}

/* What layout counts is what layout takes: one byte less is too small. */
static void layout_counts_what_it_takes(void **state)
{
    (void)state;
    struct network network;
    struct transformer transformer;
    build(&network, &kernel_scalar);
    struct arena count = {0};
    assert_int_equal(transformer_layout(&transformer, &network.model, CONTEXT, &count), 0);
    struct arena exact = {.base = network.memory, .size = count.used};
    struct arena small_arena = {network.memory, count.used - 1, 0};
    assert_int_equal(transformer_layout(&transformer, &network.model, CONTEXT, &exact), 0);
    assert_int_equal(exact.used, count.used);
    assert_int_equal(transformer_layout(&transformer, &network.model, CONTEXT, &small_arena), -1);
    free(network.memory);
}

/* Scores of many heads over a long context: more bytes than a 32-bit machine has addresses are counted, not wrapped. */
static void scores_beyond_the_address_space(void **state)
{
    const struct gguf many = {
        .architecture = &llama,
        .dim = 32,
        .hidden = 32,
        .layers = 1,
        .heads = 65536,
        .kv_heads = 1,
        .head_size = 2,
        .rope_size = 2,
        .context = 65536,
        .rope_base = 10000,
        .rope_factor = 1,
        .rope_attn_factor = 1,
        .norm_epsilon = 1e-5f,
        .vocabulary = VOCABULARY,
        .tensor[GGUF_TENSOR_OUTPUT] = {.type = GGUF_TYPE_ABSENT},
    };
    struct model model;
    struct transformer transformer;
    struct arena weights = {0}, count = {0};
    (void)state;
    assert_int_equal(model_layout(&model, &many, &kernel_scalar, &weights), 0);
    assert_int_equal(transformer_layout(&transformer, &model, many.context, &count), 0);
    assert_true(count.used > (uint64_t)65536 * 65536 * 4);
}

/* ---- A processor that stops in the middle of a piece ---- */

static struct team team;
static struct kernel kernel_of_a_team;
static uint32_t stops;  /* products that add to their output, until the other processor stops in one */
static uint32_t resets; /* of that processor */

static uint32_t one_other(struct platform *platform)
{
    (void)platform;
    return 1;
}

static uint32_t start_one(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    (void)platform, (void)work, (void)context;
    return 1;
}

static void stop_one(struct platform *platform)
{
    (void)platform;
}

/* A second passes at every look. */
static uint64_t hurried(struct platform *platform)
{
    (void)platform;
    static uint64_t now;
    return now += 1000000;
}

static bool reset_one(struct platform *platform, uint32_t index)
{
    (void)platform;
    resets++;
    return index == 1;
}

/* The scalar kernel's. While the first processor is at its own share, it also does what the other one does: computes a
   piece, and stops before it says so. */
static void matmul_and_stop(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                            uint32_t count, bool add)
{
    enum { FREE = 0xFF }; /* in team.c */
    struct team_share *other = &team.share[1];
    kernel_scalar.matmul(out, out_stride, w, x, count, add);
    if (add && other->piece[0] == FREE && stops > 0 && --stops == 0) {
        other->piece[0] = 1;
        team.work(team.context, other->first, other->step);
    }
}

static void a_piece_is_not_added_twice(void **state)
{
    struct platform platform = {.other_processors = one_other,
                                .start_processors = start_one,
                                .stop_processors = stop_one,
                                .reset_processor = reset_one,
                                .microseconds = hurried};
    struct network network;
    (void)state;
    build(&network, &kernel_scalar);
    run_text(&network, TRANSFORMER_BLOCK, TRANSFORMER_BLOCK, expected);
    free(network.memory);
    for (uint32_t product = 1; product <= 4; product++) {
        kernel_of_a_team = kernel_scalar;
        kernel_of_a_team.matmul = matmul_and_stop;
        build(&network, &kernel_of_a_team);
        team_init(&team, &platform);
        team_use(&team, 2);
        network.transformer.team = &team;
        team_begin(&team, &kernel_of_a_team);
        stops = product;
        resets = 0;
        float logits[CONTEXT][VOCABULARY];
        memcpy(logits, expected, sizeof logits); /* positions within blocks have none */
        run_text(&network, TRANSFORMER_BLOCK, TRANSFORMER_BLOCK, logits);
        assert_int_equal(stops, 0);
        assert_int_equal(resets, 1);
        team_end(&team);
        assert_memory_equal(logits, expected, sizeof logits);
        free(network.memory);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(blocks_give_the_same_bits),       cmocka_unit_test(blocks_of_other_architectures_do),
        cmocka_unit_test(blocks_of_two_types_do),          cmocka_unit_test(the_largest_scale_of_values_is_kept),
        cmocka_unit_test(the_cache_needs_no_clearing),     cmocka_unit_test(no_logits_unless_wanted),
        cmocka_unit_test(a_piece_is_not_added_twice),      cmocka_unit_test(layout_counts_what_it_takes),
        cmocka_unit_test(scores_beyond_the_address_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
