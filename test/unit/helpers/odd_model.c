#include "odd_model.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"
#include "block_scales.h"
#include "gguf/blocks.h"
#include "gguf/gguf.h"
#include "sample_model.h"

enum { ALIGN = 32, BLOCK_BYTES_MAX = 210, NAME_BYTES = 70, OWN_PIECES = 12, TENSORS_MAX = 40, COLUMNS_MAX = 120 };

#define ROPE_FREQS "rope_freqs.weight"

struct shape {
    const struct gguf_architecture *architecture;
    uint32_t dim, hidden, layers, heads, kv_heads, head_size, rope_size, context, vocabulary;
    bool tied;
};

struct tensor {
    char name[NAME_BYTES];
    uint32_t rank, type, cols, rows;
};

struct file {
    const struct gguf_architecture *architecture;
    uint8_t *bytes;
    size_t used;
    uint64_t keys, data_bytes;
    struct tensor tensors[TENSORS_MAX];
    uint64_t tensor_count;
};

/* ---- What there is to choose ---- */

static struct shape choose_shape(struct choices *choices)
{
    static const char architectures[4][8] = {"llama", "qwen2", "qwen3", "gemma3"};
    struct shape shape = {.heads = 1 + choices_below(choices, 6)};
    do {
        shape.kv_heads = 1 + choices_below(choices, shape.heads);
    } while (shape.heads % shape.kv_heads != 0 && choices->left > 0);
    shape.kv_heads = shape.heads % shape.kv_heads == 0 ? shape.kv_heads : shape.heads;
    shape.head_size = 2 * (1 + choices_below(choices, COLUMNS_MAX / 2 / shape.heads));
    shape.rope_size =
        choices_one_in(choices, 3) ? 2 * (1 + choices_below(choices, shape.head_size / 2)) : shape.head_size;
    shape.dim = choices_one_in(choices, 3) ? 1 + choices_below(choices, 130) : shape.heads * shape.head_size;
    shape.hidden = 1 + choices_below(choices, 130);
    if (choices_one_in(choices, 16)) {
        shape.hidden = BLOCKS_ELEMENTS_MAX; /* the columns of the largest blocks */
    }
    shape.layers = 1 + choices_below(choices, 2);
    shape.context = 1 + choices_below(choices, ODD_CONTEXT_MAX);
    shape.vocabulary = OWN_PIECES + choices_below(choices, 90);
    shape.tied = choices_one_in(choices, 2);
    shape.architecture = gguf_find_architecture(architectures[choices_below(choices, 4)]);
    return shape;
}

static uint32_t choose_type(struct choices *choices, uint32_t cols)
{
    static const uint8_t types[] = {GGUF_TYPE_Q8_0, GGUF_TYPE_F32,   GGUF_TYPE_F16,    GGUF_TYPE_BF16,
                                    GGUF_TYPE_Q4_0, GGUF_TYPE_Q4_1,  GGUF_TYPE_Q5_0,   GGUF_TYPE_Q5_1,
                                    GGUF_TYPE_Q2_K, GGUF_TYPE_Q3_K,  GGUF_TYPE_Q4_K,   GGUF_TYPE_Q5_K,
                                    GGUF_TYPE_Q6_K, GGUF_TYPE_MXFP4, GGUF_TYPE_IQ4_NL, GGUF_TYPE_IQ4_XS};
    const uint32_t chosen = choices_below(choices, sizeof types);
    return cols % blocks_elements(types[chosen]) == 0 ? types[chosen] : types[1 + chosen % 3]; /* floats fit anywhere */
}

/* ---- The header ---- */

static void put(struct file *file, const void *bytes, size_t n)
{
    if (n > ODD_MODEL_MAX - file->used) {
        abort();
    }
    memcpy(file->bytes + file->used, bytes, n);
    file->used += n;
}

static void put_u32(struct file *file, uint32_t value)
{
    put(file, &value, sizeof value);
}

static void put_u64(struct file *file, uint64_t value)
{
    put(file, &value, sizeof value);
}

static void put_string(struct file *file, const char *text)
{
    put_u64(file, strlen(text));
    put(file, text, strlen(text));
}

/* A name that begins with '.' follows the architecture's. */
static void key(struct file *file, const char *name, uint32_t type)
{
    char whole[NAME_BYTES] = "";
    strcat(strcpy(whole, name[0] == '.' ? file->architecture->name : ""), name);
    put_string(file, whole);
    put_u32(file, type);
    file->keys++;
}

static void number_key(struct file *file, const char *name, uint32_t value)
{
    key(file, name, U32);
    put_u32(file, value);
}

static void float_key(struct file *file, const char *name, float value)
{
    key(file, name, F32);
    put_u32(file, float_bits(value));
}

static void array_key(struct file *file, const char *name, uint32_t type, uint32_t count)
{
    key(file, name, ARRAY);
    put_u32(file, type);
    put_u64(file, count);
}

static void put_vocabulary(struct file *file, uint32_t vocabulary)
{
    static const int32_t own_types[OWN_PIECES] = {2, 3, 3, 1, 1, 1, 1, 1, 6, 6, 1, 1};
    key(file, "tokenizer.ggml.model", STRING);
    put_string(file, "llama");
    array_key(file, "tokenizer.ggml.tokens", STRING, vocabulary);
    for (uint32_t i = 0; i < vocabulary; i++) {
        char piece[8] = {(char)('a' + i % 26), (char)('A' + i / 26), 0};
        put_string(file, i < OWN_PIECES ? sample_pieces[i] : piece);
    }
    array_key(file, "tokenizer.ggml.scores", F32, vocabulary);
    for (uint32_t i = 0; i < vocabulary; i++) {
        put_u32(file, float_bits(-(float)i));
    }
    array_key(file, "tokenizer.ggml.token_type", I32, vocabulary);
    for (uint32_t i = 0; i < vocabulary; i++) {
        put_u32(file, i < OWN_PIECES ? (uint32_t)own_types[i] : 1);
    }
}

static void put_keys(struct file *file, const struct shape *shape, struct choices *choices)
{
    static const float bases[] = {10000, 500000, 1.5f, 1e9f}, epsilons[] = {1e-5f, 1e-6f, 1e-30f, 1.0f};
    static const float factors[] = {1, 1.25f, 8, 1000};
    key(file, "general.architecture", STRING);
    put_string(file, shape->architecture->name);
    number_key(file, ".context_length", shape->context);
    number_key(file, ".embedding_length", shape->dim);
    number_key(file, ".block_count", shape->layers);
    number_key(file, ".feed_forward_length", shape->hidden);
    number_key(file, ".attention.head_count", shape->heads);
    number_key(file, ".attention.head_count_kv", shape->kv_heads);
    number_key(file, ".attention.key_length", shape->head_size);
    number_key(file, ".attention.value_length", shape->head_size);
    number_key(file, ".rope.dimension_count", shape->rope_size);
    float_key(file, ".rope.freq_base", bases[choices_below(choices, 4)]);
    if (choices_one_in(choices, 3)) {
        key(file, ".rope.scaling.type", STRING);
        put_string(file, choices_one_in(choices, 2) ? "yarn" : "linear");
        float_key(file, ".rope.scaling.factor", factors[choices_below(choices, 4)]);
        float_key(file, ".rope.scaling.attn_factor", factors[choices_below(choices, 4)]);
        number_key(file, ".rope.scaling.original_context_length", 1 + choices_below(choices, ODD_CONTEXT_MAX));
    }
    if (shape->architecture->window_period > 0 && choices_one_in(choices, 2)) {
        number_key(file, ".attention.sliding_window", choices_below(choices, shape->context + 2));
        number_key(file, ".attention.sliding_window_pattern", choices_below(choices, 3));
        float_key(file, ".rope.freq_base_swa", bases[choices_below(choices, 4)]);
    }
    float_key(file, ".attention.layer_norm_rms_epsilon", epsilons[choices_below(choices, 4)]);
    put_vocabulary(file, shape->vocabulary);
}

static uint64_t tensor_bytes(const struct tensor *tensor)
{
    return (uint64_t)tensor->rows * tensor->cols / blocks_elements(tensor->type) * blocks_bytes(tensor->type);
}

static void add_tensor(struct file *file, const char *name, uint32_t rank, uint32_t rows, uint32_t cols, uint32_t type)
{
    struct tensor *tensor = &file->tensors[file->tensor_count++];
    *tensor = (struct tensor){.rank = rank, .type = type, .cols = cols, .rows = rows};
    strcpy(tensor->name, name);
}

static void add_matrix(struct file *file, const char *name, uint32_t rows, uint32_t cols, struct choices *choices)
{
    add_tensor(file, name, 2, rows, cols, choose_type(choices, cols));
}

/* The vectors of the layer that `name` begins with; where biases may be absent, any of them may. */
static void add_vectors(struct file *file, const struct shape *shape, char name[NAME_BYTES], struct choices *choices)
{
    const struct gguf_architecture *has = shape->architecture;
    const uint32_t dim = shape->dim, q = shape->heads * shape->head_size, kv = shape->kv_heads * shape->head_size;
    const uint32_t biases = has->biases ? 7 : choices_below(choices, 8);
    const struct {
        const char *name;
        uint32_t cols;
        bool present;
    } vectors[] = {{"attn_norm.weight", dim, true},
                   {"ffn_norm.weight", dim, true},
                   {"attn_q.bias", q, (biases & 1) != 0},
                   {"attn_k.bias", kv, (biases & 2) != 0},
                   {"attn_v.bias", kv, (biases & 4) != 0},
                   {"attn_q_norm.weight", shape->head_size, has->head_norms},
                   {"attn_k_norm.weight", shape->head_size, has->head_norms},
                   {"post_attention_norm.weight", dim, has->post_norms},
                   {"post_ffw_norm.weight", dim, has->post_norms}};
    for (uint32_t i = 0; i < sizeof vectors / sizeof *vectors; i++) {
        strcpy(name + 6, vectors[i].name);
        if (vectors[i].present) {
            add_tensor(file, name, 1, 1, vectors[i].cols, GGUF_TYPE_F32);
        }
    }
}

static void add_layer(struct file *file, const struct shape *shape, uint32_t layer, struct choices *choices)
{
    const uint32_t dim = shape->dim, q = shape->heads * shape->head_size, kv = shape->kv_heads * shape->head_size;
    const struct {
        const char *name;
        uint32_t rows, cols;
    } matrices[] = {{"attn_q", q, dim},
                    {"attn_k", kv, dim},
                    {"attn_v", kv, dim},
                    {"attn_output", dim, q},
                    {"ffn_gate", shape->hidden, dim},
                    {"ffn_up", shape->hidden, dim},
                    {"ffn_down", dim, shape->hidden}};
    char name[NAME_BYTES] = "blk.0.";
    name[4] = (char)('0' + layer);
    for (uint32_t i = 0; i < sizeof matrices / sizeof *matrices; i++) {
        strcat(strcpy(name + 6, matrices[i].name), ".weight");
        add_matrix(file, name, matrices[i].rows, matrices[i].cols, choices);
    }
    add_vectors(file, shape, name, choices);
}

static void put_tensors(struct file *file)
{
    uint64_t offset = 0;
    for (uint64_t i = 0; i < file->tensor_count; i++) {
        const struct tensor *tensor = &file->tensors[i];
        put_string(file, tensor->name);
        put_u32(file, tensor->rank);
        put_u64(file, tensor->cols);
        if (tensor->rank == 2) {
            put_u64(file, tensor->rows);
        }
        put_u32(file, tensor->type);
        put_u64(file, offset);
        offset += (tensor_bytes(tensor) + ALIGN - 1) / ALIGN * ALIGN;
    }
    while (file->used % ALIGN != 0) {
        put(file, "", 1);
    }
}

/* ---- The weights ---- */

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* A number of about 2^exponent; one in 64 is zero. */
static float random_weight(uint32_t *state, int32_t exponent)
{
    const uint32_t random = next_random(state);
    const float one = float_from_bits((random & 0x807FFFFF) | 0x3F800000);
    return random >> 25 == 0 ? 0.0f : one * float_from_bits((uint32_t)(exponent + 127) << 23);
}

/* Any bytes, with scales that make weights of about 2^exponent. */
static void put_block(struct file *file, uint32_t type, uint32_t *state, int32_t exponent)
{
    const struct block_scales scales = block_scales(type);
    uint8_t block[BLOCK_BYTES_MAX];
    for (uint32_t i = 0; i < blocks_bytes(type); i++) {
        block[i] = (uint8_t)next_random(state);
    }
    if (type == GGUF_TYPE_MXFP4) {
        block[0] = (uint8_t)(exponent + 124);
    }
    for (uint32_t i = 0; i < scales.count; i++) {
        const uint16_t scale = half_from_float(random_weight(state, exponent) / 127);
        memcpy(block + scales.at[i], &scale, sizeof scale);
    }
    put(file, block, blocks_bytes(type));
}

/* From a 512th to 32, as a model has them and beyond. */
static void put_rope_factors(struct file *file, uint32_t count, uint32_t *state)
{
    for (uint32_t i = 0; i < count; i++) {
        const int32_t exponent = (int32_t)(next_random(state) % 14) - 9;
        put_u32(file, (next_random(state) & 0x7FFFFF) | (uint32_t)(exponent + 127) << 23);
    }
}

static void put_weights(struct file *file, const struct tensor *tensor, uint32_t *state, int32_t exponent)
{
    const bool are_factors = strcmp(tensor->name, ROPE_FREQS) == 0;
    if (are_factors) {
        put_rope_factors(file, tensor->cols, state);
    }
    for (uint64_t i = 0; i < (uint64_t)tensor->rows * tensor->cols && !are_factors; i++) {
        if (blocks_elements(tensor->type) > 1) {
            put_block(file, tensor->type, state, exponent);
            i += blocks_elements(tensor->type) - 1;
            continue;
        }
        const float weight = random_weight(state, exponent);
        const uint32_t bits = float_bits(weight);
        const uint16_t half = tensor->type == GGUF_TYPE_F16 ? half_from_float(weight) : (uint16_t)(bits >> 16);
        put(file, tensor->type == GGUF_TYPE_F32 ? (const void *)&bits : &half, tensor->type == GGUF_TYPE_F32 ? 4 : 2);
    }
    while (file->used % ALIGN != 0) {
        put(file, "", 1);
    }
}

/* Mostly of a size that keeps a text going; one tensor in sixteen is far larger or smaller. */
static int32_t choose_exponent(const struct tensor *tensor, struct choices *choices)
{
    const int32_t usual = tensor->rank == 1 ? 0 : -3;
    return choices_one_in(choices, 16) ? usual + (int32_t)choices_below(choices, 31) - 16 : usual;
}

uint8_t *odd_model(struct choices *choices, size_t *size)
{
    static struct file file;
    const struct shape shape = choose_shape(choices);
    uint32_t state = 1 + choices_below(choices, 1 << 24);
    file = (struct file){.architecture = shape.architecture, .bytes = malloc(ODD_MODEL_MAX)};
    add_matrix(&file, "token_embd.weight", shape.vocabulary, shape.dim, choices);
    for (uint32_t layer = 0; layer < shape.layers; layer++) {
        add_layer(&file, &shape, layer, choices);
    }
    add_tensor(&file, "output_norm.weight", 1, 1, shape.dim, GGUF_TYPE_F32);
    if (!shape.tied) {
        add_matrix(&file, "output.weight", shape.vocabulary, shape.dim, choices);
    }
    if (shape.architecture->rope_freqs && choices_one_in(choices, 3)) {
        add_tensor(&file, ROPE_FREQS, 1, 1, shape.rope_size / 2, GGUF_TYPE_F32);
    }
    put(&file, "GGUF", 4);
    put_u32(&file, 3);
    put_u64(&file, file.tensor_count);
    const size_t key_count = file.used;
    put_u64(&file, 0);
    put_keys(&file, &shape, choices);
    memcpy(file.bytes + key_count, &file.keys, sizeof file.keys);
    put_tensors(&file);
    for (uint64_t i = 0; i < file.tensor_count; i++) {
        put_weights(&file, &file.tensors[i], &state, choose_exponent(&file.tensors[i], choices));
    }
    *size = file.used;
    return realloc(file.bytes, file.used); /* exactly as long, so that a sanitizer sees a step beyond */
}
