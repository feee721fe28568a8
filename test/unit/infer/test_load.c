/* load.h: the checksum of the weights, and strips that do not lie in the reader's window as a whole. */
#include "unit.h"

#include <math.h>

#include "base/error.h"
#include "base/float.h"
#include "gguf/blocks.h"
#include "gguf/checksum.h"
#include "gguf/header.h"
#include "infer/load.h"
#include "infer/rope.h"
#include "kernel/kernel.h"
#include "memory_platform.h"
#include "sample_model.h"

enum { WINDOW = 4096, MEMORY = 1 << 20 };

static struct fixture {
    uint8_t *bytes;
    size_t size;
    struct gguf gguf;
    struct model model;
    struct error error;
    struct memory_platform memory;
    struct memory_file file;
} f;

static _Alignas(4096) uint8_t arena_bytes[MEMORY], window[WINDOW];

static struct {
    uint32_t count;
    uint64_t last, total;
} reports;

static bool step(void *context, uint64_t done, uint64_t total)
{
    (void)context;
    assert_true(reports.count == 0 ? done == 0 : done > reports.last);
    reports.count++;
    reports.last = done;
    reports.total = total;
    return false;
}

/* Reads header and weights through a window of that many bytes; what load_weights returns. */
static int load(uint32_t window_bytes)
{
    const struct load_progress progress = {step, NULL};
    struct arena arena = {arena_bytes, sizeof arena_bytes, 0};
    struct reader reader;
    f.file = (struct memory_file){"/M.GGUF", f.bytes, f.size};
    memory_platform_init(&f.memory, &f.file, 1);
    memset(arena_bytes, 0xA5, sizeof arena_bytes);
    assert_int_equal(reader_open(&reader, &f.memory.platform, "/M.GGUF", window, window_bytes, &f.error), 0);
    if (gguf_read(&f.gguf, &reader, &f.error) != 0) {
        fail_test("refused: %s\n", f.error.text);
    }
    assert_int_equal(model_layout(&f.model, &f.gguf, &kernel_scalar, &arena), 0);
    memset(&f.error, 0, sizeof f.error);
    memset(&reports, 0, sizeof reports);
    f.memory.reads = 0;
    const int status = load_weights(&f.model, &f.gguf, &reader, &arena, &progress, &f.error);
    reader_close(&reader);
    return status;
}

/* Finite numbers of every type. */
static void fill_tensors(void)
{
    for (uint32_t id = 0; id < f.gguf.tensor_count; id++) {
        for (uint64_t i = 0; i < f.gguf.tensor[id].size; i++) {
            f.bytes[f.gguf.tensor[id].offset + i] = (uint8_t)((i * 37 + id * 11) % 61);
        }
    }
}

static bool is_weight(uint64_t at)
{
    for (uint32_t id = 0; id < f.gguf.tensor_count; id++) {
        if (at >= f.gguf.tensor[id].offset && at - f.gguf.tensor[id].offset < f.gguf.tensor[id].size) {
            return true;
        }
    }
    return false;
}

/* As gguf.h defines it, another way: by words that lie in the file, with zeros for what is between tensors, which begin
   at multiples of 32. */
static uint32_t checksum_of_file(void)
{
    uint32_t lane[5] = {2166136261u, 2166136261u, 2166136261u, 2166136261u, 2166136261u};
    for (uint64_t block = f.gguf.tensor[GGUF_TENSOR_TOKEN_EMBD].offset; block < f.size; block += 16) {
        for (uint64_t at = block; is_weight(block) && at < block + 16; at++) {
            uint32_t *const sum = &lane[at / 4 % 4];
            const uint32_t turned = at % 4 == 0 ? *sum << 13 | *sum >> 19 : *sum;
            *sum = turned ^ (is_weight(at) ? (uint32_t)f.bytes[at] << at % 4 * 8 : 0);
            *sum = at % 4 == 3 ? (uint32_t)((uint64_t)*sum * 2654435761u) : *sum;
        }
    }
    for (uint32_t i = 0; i < 4; i++) {
        lane[4] = (uint32_t)((uint64_t)((lane[4] << 13 | lane[4] >> 19) ^ lane[i]) * 2654435761u);
    }
    return lane[4];
}

static uint32_t matrix_type = GGUF_TYPE_Q8_0; /* of blk.0.attn_q.weight */

/* Eleven tokens: the last tensor ends in half a word. `type` of the checksum's key, added to its right value. */
static void make_file(uint32_t type, uint32_t added)
{
    static char zeros[2 * 8 * 11 + 1];
    struct change changes[SAMPLE_CHANGES] = {
        {KEY_ARRAY, "tokenizer.ggml.tokens", STRING, 11, memset(zeros, '0', sizeof zeros - 1)},
        {KEY_ARRAY, "tokenizer.ggml.scores", F32, 11, zeros + 88},
        {KEY_REMOVE, "tokenizer.ggml.token_type", 0, 0, NULL},
        {TENSOR_SHAPE, "token_embd.weight", 32, 11, NULL},
        {TENSOR_SHAPE, "output.weight", 32, 11, NULL},
        {KEY_NUMBER, CHECKSUM_KEY, type, 0, NULL},
        {TENSOR_TYPE, "blk.0.attn_q.weight", matrix_type, 0, NULL},
    };
    for (int pass = 0; pass < 2; pass++) {
        free(f.bytes);
        f.bytes = sample_model(changes, &f.size);
        load(WINDOW); /* for where the tensors lie */
        fill_tensors();
        changes[5].b = checksum_of_file() + added;
    }
    assert_int_equal(f.gguf.tensor[GGUF_TENSOR_OUTPUT].size % 4, 2);
}

static const char told[] = "/M.GGUF: the weights were read incorrectly; try another port or write the image again";

static void a_sound_file(void **state)
{
    (void)state;
    make_file(U32, 0);
    assert_true(f.gguf.has_checksum);
    if (load(WINDOW) != 0) {
        fail_test("refused: %s\n", f.error.text);
    }
}

/* Any bit of a weight, but none of what lies between tensors. */
static void a_bit_is_wrong(void **state)
{
    uint32_t weights = 0, others = 0;
    (void)state;
    make_file(U32, 0);
    size_t bit = 8 * (size_t)f.gguf.tensor[GGUF_TENSOR_TOKEN_EMBD].offset;
    for (; bit < 8 * f.size; bit += bit / 8 + 50 < f.size ? 23 : 1) {
        const size_t at = bit / 8;
        const bool weight = is_weight(at);
        const uint8_t whole = f.bytes[at];
        f.bytes[at] ^= (uint8_t)(1 << bit % 8);
        const int status = load(WINDOW);
        f.bytes[at] = whole;
        weights += weight;
        others += !weight;
        assert_int_equal(status, weight ? -1 : 0);
        if (weight && strstr(f.error.text, "a weight is infinite") == NULL) {
            assert_string_equal(f.error.text, told);
        }
    }
    assert_true(weights > 4000 && others > 40);
}

static void the_key_is_wrong(void **state)
{
    (void)state;
    make_file(U32, 1);
    assert_int_equal(load(WINDOW), -1);
    assert_string_equal(f.error.text, told);
}

static void the_key_is_absent(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    (void)state;
    free(f.bytes);
    f.bytes = sample_model(none, &f.size);
    assert_int_equal(load(WINDOW), 0);
    assert_false(f.gguf.has_checksum);
    fill_tensors();
    assert_int_equal(load(WINDOW), 0);
}

/* Earlier versions had another checksum under another key: such a file is loaded without a check. */
static void the_key_is_the_former_one(void **state)
{
    static const struct change changes[SAMPLE_CHANGES] = {
        {KEY_NUMBER, "bootllama.tensors.fnv1a", U32, 0x12345678, NULL},
    };
    (void)state;
    free(f.bytes);
    f.bytes = sample_model(changes, &f.size);
    assert_int_equal(load(WINDOW), 0);
    assert_false(f.gguf.has_checksum);
}

/* The same weights whatever part of a strip lies in the window; -128 is -127. */
static void any_window(void **state)
{
    static uint8_t first[MEMORY];
    (void)state;
    make_file(U32, 0);
    assert_int_equal(load(WINDOW), 0);
    const size_t bytes = (size_t)(f.model.output.tiles - arena_bytes) + kernel_scalar.tile_bytes;
    memcpy(first, arena_bytes, bytes);
    for (uint32_t size = 1024; size < WINDOW; size += 300) {
        assert_int_equal(load(size), 0);
        assert_memory_equal(first, arena_bytes, bytes);
    }
}

/* The clock behind it may be slow to read. */
static void progress_is_told_once_a_window(void **state)
{
    (void)state;
    make_file(U32, 0);
    for (uint32_t size = 1024; size <= WINDOW; size *= 2) {
        assert_int_equal(load(size), 0);
        assert_true(reports.last == reports.total && reports.total > 2 * WINDOW);
        assert_true(reports.count >= f.memory.reads / 2 && reports.count <= f.memory.reads + 2);
    }
}

static void the_least_weight(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    int8_t q[Q8_GROUP];
    float scale;
    (void)state;
    free(f.bytes);
    f.bytes = sample_model(none, &f.size);
    assert_int_equal(load(WINDOW), 0);
    uint8_t *block = f.bytes + f.gguf.tensor[GGUF_TENSOR_OUTPUT].offset + 5 * 34; /* row 5 */
    memcpy(block, "\x00\x3C\x80\x81\x7F\x80", 6);
    assert_int_equal(load(WINDOW), 0);
    kernel_scalar.tile_row(f.model.output.tiles, 5, q, &scale);
    assert_true(scale == 1.0f);
    assert_memory_equal(q, "\x81\x81\x7F\x81\x00", 5);
}

/* ---- Other architectures ---- */

/* Row `row` of a matrix from element `row` of stacked rows on. */
static void read_row(const struct q8_matrix *matrix, uint32_t row, int8_t q[Q8_GROUP], float *scale)
{
    const size_t tile = (size_t)(row / Q8_GROUP) * matrix->groups;
    kernel_scalar.tile_row(matrix->tiles + tile * kernel_scalar.tile_bytes, row % Q8_GROUP, q, scale);
}

static uint8_t *tensor_bytes(enum gguf_layer_tensor tensor)
{
    return f.bytes + f.gguf.tensor[GGUF_TENSOR_LAYERS + tensor].offset;
}

static void make_other(const char *architecture, uint32_t head_size)
{
    const struct change changes[SAMPLE_CHANGES] = {
        {ARCHITECTURE, .text = architecture},
        {head_size == 8 ? NO_CHANGE : KEY_NUMBER, "qwen2.attention.head_count", U32, 32 / head_size},
        {head_size == 8 ? NO_CHANGE : KEY_NUMBER, "qwen2.attention.head_count_kv", U32, 16 / head_size},
        {head_size == 8 ? NO_CHANGE : KEY_NUMBER, "qwen2.rope.dimension_count", U32, head_size / 2 + head_size / 2 % 2},
    };
    free(f.bytes);
    f.bytes = sample_model(changes, &f.size);
    assert_int_equal(load(WINDOW), 0); /* for where the tensors lie */
}

/* Where RoPE turns halves, row i of a head and row i + rope_size / 2 become neighbours, in weights and biases. */
static void rows_that_turn_by_halves(void **state)
{
    (void)state;
    for (uint32_t head_size = 4; head_size <= 16; head_size *= 2) {
        make_other("qwen2", head_size);
        const uint32_t half = f.gguf.rope_size / 2;
        for (uint32_t row = 0; row < 32; row++) { /* numbered, in a Q8_0 matrix and its F32 bias */
            const float number = (float)row;
            memset(tensor_bytes(GGUF_LAYER_ATTN_Q) + row * 34, (int)row, 34);
            memcpy(tensor_bytes(GGUF_LAYER_ATTN_Q) + row * 34, "\x00\x3C", 2);
            memcpy(tensor_bytes(GGUF_LAYER_ATTN_Q_BIAS) + row * 4, &number, 4);
        }
        assert_int_equal(load(WINDOW), 0);
        for (uint32_t row = 0; row < 32; row++) {
            const uint32_t i = row % head_size;
            const uint32_t place = i < half ? row + i : i < 2 * half ? row - i + 2 * (i - half) + 1 : row;
            int8_t q[Q8_GROUP];
            float scale;
            read_row(&f.model.layer[0].qkv, place, q, &scale);
            assert_true(q[0] == (int8_t)row && q[31] == (int8_t)row && scale == 1.0f);
            assert_true(f.model.layer[0].qkv_bias[place] == (float)row);
        }
    }
}

/* A large bias of keys is shared out between the pair of elements that it is in and those of all queries to them. */
static void large_biases_are_balanced(void **state)
{
    const float large = 100, small = 3, query = -2;
    (void)state;
    make_other("qwen2", 8); /* heads 0 and 1 share KV head 0; elements 1 and 5 of the file are 2 and 3 in memory */
    memcpy(tensor_bytes(GGUF_LAYER_ATTN_K_BIAS) + 1 * 4, &large, 4);
    memcpy(tensor_bytes(GGUF_LAYER_ATTN_K_BIAS) + 8 * 4, &small, 4);
    memcpy(tensor_bytes(GGUF_LAYER_ATTN_Q_BIAS) + (8 + 5) * 4, &query, 4);
    assert_int_equal(load(WINDOW), 0);
    const struct model_layer *layer = &f.model.layer[0];
    for (uint32_t i = 0; i < f.model.q_rows; i++) {
        const bool balanced = i < 16 && (i % 8 == 2 || i % 8 == 3); /* 100 : 2 becomes 25 : 8 */
        assert_true(layer->balance[i] == (balanced ? 4 : 1));
    }
    for (uint32_t i = 0; i < f.model.kv_rows; i++) {
        assert_true(layer->balance[f.model.q_rows + i] == (i == 2 || i == 3 ? 0.25f : 1));
    }
    assert_true(layer->qkv_bias[f.model.q_rows + 2] == large); /* the biases themselves stay */
    make_other("qwen3", 8);
    assert_null(f.model.layer[0].balance);
}

/* A row that turns is named by its number in the file. */
static void a_row_that_is_not_finite(void **state)
{
    (void)state;
    make_other("qwen2", 8);
    memcpy(tensor_bytes(GGUF_LAYER_ATTN_Q) + 13 * 34, "\x00\x7C", 2);
    assert_int_equal(load(WINDOW), -1);
    assert_string_equal(f.error.text, "/M.GGUF: blk.0.attn_q.weight, row 13: a weight is infinite, not a number or "
                                      "beyond f16; get an intact copy");
}

static void limits_of_vectors(void **state)
{
    static const float good[] = {65519.0f, -65519.0f, 0x1p-94f}, small[] = {0x1.fffffep-95f, -0x1p-140f, 0};
    static const float bad[] = {65520.0f, -1e9f, INFINITY, NAN};
    (void)state;
    make_other("gemma3", 8);
    uint8_t *norm = tensor_bytes(GGUF_LAYER_ATTN_Q_NORM);
    const uint8_t *other = tensor_bytes(GGUF_LAYER_ATTN_NORM);
    for (size_t i = 0; i < COUNT_OF(good); i++) {
        memcpy(norm, &good[i], 4);
        memcpy(norm + 4, &small[i], 4);
        assert_int_equal(load(WINDOW), 0);
        assert_true(f.model.layer[0].q_norm[0] == good[i] && f.model.layer[0].q_norm[2] == 0); /* 1 moves to 2 */
    }
    memcpy((uint8_t *)other, &(float){3e38f}, 4); /* it is quantized next */
    assert_int_equal(load(WINDOW), 0);
    for (size_t i = 0; i < COUNT_OF(bad); i++) {
        memcpy(norm, &bad[i], 4);
        assert_int_equal(load(WINDOW), -1);
        assert_string_equal(f.error.text, "/M.GGUF: blk.0.attn_q_norm.weight, row 0: a weight is infinite, not a "
                                          "number or beyond f16; get an intact copy");
    }
}

/* Whether a row of the first layer's queries holds what blocks.h makes of a block. */
static bool is_row(uint32_t row, const uint8_t *block, uint32_t type)
{
    const struct q8_matrix *matrix = &f.model.layer[0].qkv;
    if (matrix->narrow != NARROW_NONE) {
        float expected[Q8_GROUP], out[Q8_GROUP];
        blocks_decode(expected, block, type, Q8_GROUP);
        narrow_row(out, matrix->tiles, matrix->narrow, 1, row);
        return memcmp(out, expected, sizeof out) == 0;
    }
    struct q8_0_block expected;
    int8_t q[Q8_GROUP];
    float scale;
    blocks_to_q8_0(&expected, block, type, Q8_GROUP);
    kernel_scalar.tile_row(matrix->tiles, row, q, &scale);
    return memcmp(q, expected.q, sizeof q) == 0 && scale == half_to_float(expected.scale);
}

/* Rows of other blocks, which end anywhere in a block of the checksum, become what blocks.h makes of each. */
static void blocks_of_every_type(void **state)
{
    static const uint32_t types[] = {GGUF_TYPE_Q4_0, GGUF_TYPE_Q4_1,   GGUF_TYPE_Q5_0,
                                     GGUF_TYPE_Q5_1, GGUF_TYPE_IQ4_NL, GGUF_TYPE_MXFP4};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        matrix_type = types[i];
        make_file(U32, 0);
        for (uint32_t window_bytes = 1024; window_bytes < WINDOW; window_bytes += 700) {
            if (load(window_bytes) != 0) {
                fail_test("refused: %s\n", f.error.text);
            }
            const struct gguf_tensor *tensor = &f.gguf.tensor[GGUF_TENSOR_LAYERS + GGUF_LAYER_ATTN_Q];
            for (uint32_t row = 0; row < tensor->rows; row++) {
                assert_true(is_row(row, f.bytes + tensor->offset + row * blocks_bytes(types[i]), types[i]));
            }
        }
        const bool four = types[i] == GGUF_TYPE_Q4_0 || types[i] == GGUF_TYPE_Q4_1;
        assert_true((f.model.layer[0].qkv.narrow != NARROW_NONE) == four);
    }
    matrix_type = GGUF_TYPE_Q8_0;
}

/* Four bits for queries, more for keys, four for values: three matrices, the rows of the file in their order. */
static void a_stack_of_several_kinds(void **state)
{
    static const struct change changes[SAMPLE_CHANGES] = {
        {TENSOR_TYPE, "blk.0.attn_q.weight", GGUF_TYPE_Q4_0},   {TENSOR_TYPE, "blk.0.attn_v.weight", GGUF_TYPE_Q4_1},
        {TENSOR_TYPE, "blk.0.ffn_gate.weight", GGUF_TYPE_Q4_0}, {TENSOR_TYPE, "blk.1.attn_q.weight", GGUF_TYPE_Q4_1},
        {TENSOR_TYPE, "blk.1.attn_k.weight", GGUF_TYPE_Q4_1},   {TENSOR_TYPE, "blk.1.attn_v.weight", GGUF_TYPE_Q4_1}};
    float out[Q8_GROUP], expected[Q8_GROUP];
    int8_t q[Q8_GROUP];
    (void)state;
    free(f.bytes);
    f.bytes = sample_model(changes, &f.size);
    assert_int_equal(load(WINDOW), 0);
    fill_tensors();
    assert_int_equal(load(WINDOW), 0);
    const struct q8_matrix *queries = &f.model.layer[0].qkv, *keys = queries->next, *values = keys->next;
    assert_true(queries->narrow == Q4_SCALE && keys->narrow == NARROW_NONE && values->narrow == Q4_MINIMUM &&
                values->next == NULL);
    assert_true(queries->row_tiles == 1 && keys->row_tiles == 1 && values->row_tiles == 1);
    const struct gguf_tensor *tensor = &f.gguf.tensor[GGUF_TENSOR_LAYERS];
    const uint8_t *block = f.bytes + tensor[GGUF_LAYER_ATTN_V].offset + 7 * blocks_bytes(GGUF_TYPE_Q4_1);
    blocks_decode(expected, block, GGUF_TYPE_Q4_1, Q8_GROUP);
    narrow_row(out, values->tiles, Q4_MINIMUM, 1, 7);
    assert_memory_equal(out, expected, sizeof out);
    struct q8_0_block key;
    blocks_to_q8_0(&key, f.bytes + tensor[GGUF_LAYER_ATTN_K].offset + 7 * 2 * Q8_GROUP, GGUF_TYPE_F16, Q8_GROUP);
    kernel_scalar.tile_row(keys->tiles, 7, q, out);
    assert_memory_equal(q, key.q, sizeof q);
    const struct q8_matrix *gate = &f.model.layer[0].gate_up, *up = gate->next;
    assert_true(gate->row_tiles == 2 && gate->narrow == Q4_SCALE && up->row_tiles == 2 && up->narrow == NARROW_NONE);
    const uint8_t *up_row = f.bytes + tensor[GGUF_LAYER_FFN_UP].offset + 40 * sizeof key;
    kernel_scalar.tile_row(up->tiles + kernel_scalar.tile_bytes, 8, q, out);
    assert_memory_equal(q, ((const struct q8_0_block *)up_row)->q, sizeof q);
    const struct q8_matrix *all = &f.model.layer[1].qkv;
    assert_true(all->next == NULL && all->row_tiles == 3 && all->narrow == Q4_MINIMUM);
}

/* A scale or minimum of 2^13 makes weights beyond f16. */
static void four_bits_with_a_large_scale(void **state)
{
    static const uint16_t halves[] = {0x6FFF, 0x7000, 0x7C00, 0x7E00, 0xEFFF, 0xF000};
    (void)state;
    matrix_type = GGUF_TYPE_Q4_1;
    make_file(U32, 0);
    matrix_type = GGUF_TYPE_Q8_0;
    for (uint32_t i = 0; i < 2 * COUNT_OF(halves); i++) {
        const uint16_t half = halves[i / 2];
        uint8_t *at = f.bytes + f.gguf.tensor[GGUF_TENSOR_LAYERS + GGUF_LAYER_ATTN_Q].offset + 5 * 20 + i % 2 * 2;
        uint16_t before;
        memcpy(&before, at, sizeof before);
        memcpy(at, &half, sizeof half);
        assert_int_equal(load(WINDOW), -1);
        memcpy(at, &before, sizeof before);
        assert_string_equal(f.error.text, (half & 0x7FFF) < 0x7000
                                              ? told
                                              : "/M.GGUF: blk.0.attn_q.weight, row 5: a weight is infinite, not a "
                                                "number or beyond f16; get an intact copy");
    }
}

static const char too_large[] = "/M.GGUF: blk.0.ffn_down.weight, row 5: a weight is infinite, not a number or beyond "
                                "f16; get an intact copy";

/* Returns the rows of blk.0.ffn_down, a block of Q6_K each, which the other matrices leave alone: they are zeros, one
   upon the other. */
static uint8_t *make_six_bits(void)
{
    static const struct change changes[SAMPLE_CHANGES] = {
        {KEY_NUMBER, "llama.feed_forward_length", U32, 256},    {TENSOR_SHAPE, "blk.0.ffn_gate.weight", 32, 256},
        {TENSOR_SHAPE, "blk.0.ffn_up.weight", 32, 256},         {TENSOR_SHAPE, "blk.0.ffn_down.weight", 256, 32},
        {TENSOR_SHAPE, "blk.1.ffn_gate.weight", 32, 256},       {TENSOR_SHAPE, "blk.1.ffn_up.weight", 32, 256},
        {TENSOR_SHAPE, "blk.1.ffn_down.weight", 256, 32},       {TENSOR_TYPE, "blk.0.ffn_down.weight", GGUF_TYPE_Q6_K},
        {TENSOR_OFFSET, "blk.0.ffn_down.weight", .b = 1 << 16}, {CUT, .b = 80000}};
    free(f.bytes);
    f.bytes = sample_model(changes, &f.size);
    assert_int_equal(load(WINDOW), 0);
    uint8_t *rows = tensor_bytes(GGUF_LAYER_FFN_DOWN);
    for (uint32_t i = 0, random = 1; i < 32 * blocks_bytes(GGUF_TYPE_Q6_K); i++) {
        random = random * 1664525 + 1013904223;
        rows[i] = (uint8_t)(random >> 24);
    }
    for (uint32_t row = 0; row < 32; row++) {
        memcpy(rows + row * 210 + 208, &(uint16_t){(uint16_t)(0x2000 + row)}, sizeof(uint16_t));
    }
    return rows;
}

static void six_bits_are_kept(void **state)
{
    (void)state;
    const uint8_t *rows = make_six_bits();
    assert_int_equal(load(WINDOW), 0);
    const struct q8_matrix *down = &f.model.layer[0].down;
    assert_true(down->narrow == Q6_FACTORS && down->row_tiles == 1 && down->groups == 8);
    assert_true(f.model.layer[1].down.narrow == NARROW_NONE);
    for (uint32_t row = 0; row < 32; row++) {
        float expected[256], out[256];
        blocks_decode(expected, rows + row * 210, GGUF_TYPE_Q6_K, 256);
        narrow_row(out, down->tiles, Q6_FACTORS, 8, row);
        assert_memory_equal(out, expected, sizeof out);
    }
}

/* A scale of 2^11 makes weights beyond f16. */
static void six_bits_with_a_large_scale(void **state)
{
    static const uint16_t halves[] = {0x67FF, 0x6800, 0x7C00, 0x7E00, 0xE7FF, 0xE800};
    (void)state;
    uint8_t *scale = make_six_bits() + 5 * 210 + 208;
    for (uint32_t i = 0; i < COUNT_OF(halves); i++) {
        memcpy(scale, &halves[i], sizeof halves[i]);
        const int status = load(WINDOW);
        assert_int_equal(status, (halves[i] & 0x7FFF) < 0x6800 ? 0 : -1);
        assert_string_equal(f.error.text, status == 0 ? "" : too_large);
    }
}

#define ROPE_FREQS "rope_freqs.weight"

/* The sample with these factors for its four pairs. */
static int load_rope_factors(const float factors[4])
{
    static const struct change changes[SAMPLE_CHANGES] = {{TENSOR_RENAME, "output.weight", .text = ROPE_FREQS},
                                                          {TENSOR_SHAPE, ROPE_FREQS, 4, 1},
                                                          {TENSOR_TYPE, ROPE_FREQS, GGUF_TYPE_F32}};
    free(f.bytes);
    f.bytes = sample_model(changes, &f.size);
    load(WINDOW); /* for where the tensor lies: its zeros are refused */
    assert_string_equal(f.error.text, "/M.GGUF: rope_freqs.weight, factor 0: it must be 1/1024 or more and finite; "
                                      "get a sound copy");
    memcpy(f.bytes + f.gguf.tensor[GGUF_TENSOR_ROPE_FREQS].offset, factors, 4 * sizeof *factors);
    return load(WINDOW);
}

static void rope_factors_divide_the_frequencies(void **state)
{
    static const float factors[4] = {1, 2, 32, 0x1p-10f};
    uint64_t frequency[4];
    (void)state;
    rope_frequencies(frequency, 8, 10000);
    assert_int_equal(load_rope_factors(factors), 0);
    assert_true(f.model.rope[0].frequency[0] == frequency[0]);
    assert_true(f.model.rope[0].frequency[1] == frequency[1] >> 1);
    assert_true(f.model.rope[0].frequency[2] == frequency[2] >> 5);
    assert_true(f.model.rope[0].frequency[3] == frequency[3] << 10);
}

static void odd_rope_factors_are_refused(void **state)
{
    static const uint32_t odd[] = {0,
                                   0x80000000,
                                   FLOAT_NAN,
                                   0xFFC00000,
                                   FLOAT_INFINITY,
                                   0xFF800000,
                                   0xBF800000 /* -1 */,
                                   1 /* the smallest */,
                                   0x3A7FFFFF /* below 1/1024 */};
    (void)state;
    for (uint32_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        float factors[4] = {1, 1, 1, 1};
        memcpy(&factors[2], &odd[i], sizeof odd[i]);
        assert_int_equal(load_rope_factors(factors), -1);
        assert_string_equal(f.error.text, "/M.GGUF: rope_freqs.weight, factor 2: it must be 1/1024 or more and finite; "
                                          "get a sound copy");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sound_file),
        cmocka_unit_test(a_bit_is_wrong),
        cmocka_unit_test(the_key_is_wrong),
        cmocka_unit_test(the_key_is_absent),
        cmocka_unit_test(the_key_is_the_former_one),
        cmocka_unit_test(any_window),
        cmocka_unit_test(progress_is_told_once_a_window),
        cmocka_unit_test(the_least_weight),
        cmocka_unit_test(rows_that_turn_by_halves),
        cmocka_unit_test(large_biases_are_balanced),
        cmocka_unit_test(a_row_that_is_not_finite),
        cmocka_unit_test(limits_of_vectors),
        cmocka_unit_test(blocks_of_every_type),
        cmocka_unit_test(a_stack_of_several_kinds),
        cmocka_unit_test(four_bits_with_a_large_scale),
        cmocka_unit_test(six_bits_are_kept),
        cmocka_unit_test(six_bits_with_a_large_scale),
        cmocka_unit_test(rope_factors_divide_the_frequencies),
        cmocka_unit_test(odd_rope_factors_are_refused),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
