/* core/gguf*.c: what is read from good files, and every refusal with its exact line. */
#include "unit.h"

#include "base/error.h"
#include "gguf/header.h"
#include "hostile_models.h"
#include "memory_platform.h"

enum { WINDOW = 1024 };

struct fixture {
    struct memory_platform memory;
    struct memory_file file;
    struct reader reader;
    struct error error;
    struct gguf gguf;
    uint8_t window[WINDOW];
};

static struct fixture f;

static int read_bytes(const uint8_t *bytes, size_t size, uint32_t window)
{
    f.file = (struct memory_file){"/M.GGUF", bytes, size};
    memory_platform_init(&f.memory, &f.file, 1);
    assert_int_equal(reader_open(&f.reader, &f.memory.platform, "/M.GGUF", f.window, window, &f.error), 0);
    memset(&f.gguf, 0xEE, sizeof f.gguf);
    memset(&f.error, 0, sizeof f.error);
    return gguf_read(&f.gguf, &f.reader, &f.error);
}

static void read_good(const struct change changes[SAMPLE_CHANGES])
{
    size_t size;
    uint8_t *bytes = sample_model(changes, &size);
    if (read_bytes(bytes, size, WINDOW) != 0) {
        fail_test("refused: %s\n", f.error.text);
    }
    free(bytes);
}

static void the_sample(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    const struct gguf *g = &f.gguf;
    (void)state;
    read_good(none);
    assert_string_equal(g->name, "sample");
    assert_int_equal(g->version, 3);
    assert_int_equal(g->dim, 32);
    assert_int_equal(g->hidden, 64);
    assert_int_equal(g->layers, 2);
    assert_int_equal(g->heads, 4);
    assert_int_equal(g->kv_heads, 2);
    assert_int_equal(g->head_size, 8);
    assert_int_equal(g->rope_size, 8);
    assert_int_equal(g->context, 16);
    assert_true(g->rope_base == 10000.0f && g->norm_epsilon == 1e-5f);
    assert_int_equal(g->vocabulary, 12);
    assert_int_equal(g->bos, 1);
    assert_int_equal(g->eos, 2);
    assert_int_equal(g->unknown, 0);
    assert_true(g->add_bos && g->add_space_prefix);
    /* embedding and output, norms, then per layer q and o, k and v, three of the feed-forward part */
    assert_int_equal(g->parameters, 2 * 12 * 32 + 5 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32));
    assert_int_equal(g->tensor_count, GGUF_TENSOR_LAYERS + 2 * GGUF_LAYER_TENSORS);
}

static void places_of_the_sample(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    size_t size;
    uint8_t *bytes = sample_model(none, &size);
    uint64_t length;
    (void)state;
    assert_int_equal(read_bytes(bytes, size, WINDOW), 0);
    memcpy(&length, bytes + f.gguf.pieces_offset, sizeof length);
    assert_int_equal(length, 5);
    assert_memory_equal(bytes + f.gguf.pieces_offset + 8, "<unk>", 5);
    assert_int_equal(f.gguf.pieces_bytes, 5 + 3 + 4 + 3 + 1 + 1 + 2 + 4 + 6 + 6 + 2 + 1);
    assert_memory_equal(bytes + f.gguf.scores_offset + 12, "\x00\x00\xA0\xC0", 4); /* -5 */
    assert_memory_equal(bytes + f.gguf.types_offset, "\x02\x00\x00\x00\x03", 5);

    const struct gguf_tensor *embedding = &f.gguf.tensor[GGUF_TENSOR_TOKEN_EMBD];
    assert_int_equal(embedding->offset % 32, 0);
    assert_int_equal(embedding->size, 12 * 32 * 4);
    const struct gguf_tensor *down = &f.gguf.tensor[GGUF_TENSOR_LAYERS + GGUF_LAYER_TENSORS + GGUF_LAYER_FFN_DOWN];
    assert_int_equal(down->rows, 32);
    assert_int_equal(down->cols, 64);
    assert_int_equal(down->type, GGUF_TYPE_Q8_0);
    assert_int_equal(down->size, 32 * 2 * 34);
    const struct gguf_tensor *norm = &f.gguf.tensor[GGUF_TENSOR_LAYERS + GGUF_LAYER_FFN_NORM];
    assert_int_equal(norm->rows, 1);
    assert_int_equal(norm->cols, 32);
    const struct gguf_tensor *k = &f.gguf.tensor[GGUF_TENSOR_LAYERS + GGUF_LAYER_ATTN_K];
    assert_int_equal(k->type, GGUF_TYPE_F16);
    assert_int_equal(k->size, 16 * 32 * 2);
    const struct gguf_tensor *output = &f.gguf.tensor[GGUF_TENSOR_OUTPUT];
    assert_int_equal(output->type, GGUF_TYPE_Q8_0);
    assert_int_equal(output->offset + 12 * 34, size - 8); /* the last tensor, padded to 32 */
    free(bytes);
}

static void place_of_a_chat_template(void **state)
{
    static const struct change with[SAMPLE_CHANGES] = {{KEY_TEXT, "tokenizer.chat_template", .text = "{{ [INST] }}"}};
    static const struct change without[SAMPLE_CHANGES];
    size_t size;
    uint8_t *bytes = sample_model(with, &size);
    (void)state;
    assert_int_equal(read_bytes(bytes, size, WINDOW), 0);
    assert_int_equal(f.gguf.template_bytes, 12);
    assert_memory_equal(bytes + f.gguf.template_offset, "{{ [INST] }}", 12);
    free(bytes);
    read_good(without);
    assert_int_equal(f.gguf.template_bytes, 0);
    assert_int_equal(f.gguf.template_offset, 0);
}

static void other_number_types(void **state)
{
    static const struct change changes[][SAMPLE_CHANGES] = {
        {{KEY_NUMBER, "llama.block_count", U8, 2}, {KEY_NUMBER, "llama.context_length", U64, 16}},
        {{KEY_NUMBER, "llama.block_count", I8, 2}, {KEY_NUMBER, "llama.context_length", I64, 16}},
        {{KEY_NUMBER, "llama.block_count", U16, 2}, {KEY_NUMBER, "llama.context_length", I32, 16}},
        {{KEY_NUMBER, "llama.block_count", I16, 2}, {VERSION, .a = 2}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        read_good(changes[i]);
        assert_int_equal(f.gguf.layers, 2);
        assert_int_equal(f.gguf.context, 16);
    }
    assert_int_equal(f.gguf.version, 2);
}

/* As llama.cpp guesses it: test/model/test_kinds.py asks it. */
static void the_kind_is_guessed_where_no_key_says_it(void **state)
{
    static const struct change absent[SAMPLE_CHANGES] = {{KEY_REMOVE, "general.file_type"}};
    static const struct change said[SAMPLE_CHANGES] = {{KEY_NUMBER, "general.file_type", U32, 15}};
    static const struct change unknown[SAMPLE_CHANGES] = {{KEY_NUMBER, "general.file_type", U32, 999}};
    (void)state;
    read_good(absent);
    assert_int_equal(f.gguf.file_type, 7 | GGUF_KIND_GUESSED);
    assert_string_equal(gguf_kind_name(f.gguf.file_type), "Q8_0");
    read_good(said);
    assert_int_equal(f.gguf.file_type, 15);
    assert_string_equal(gguf_kind_name(15), "Q4_K_M");
    read_good(unknown);
    assert_string_equal(gguf_kind_name(f.gguf.file_type), "");
}

static void defaults(void **state)
{
    static const struct change shape[SAMPLE_CHANGES] = {{KEY_REMOVE, "llama.rope.dimension_count"},
                                                        {KEY_REMOVE, "llama.rope.freq_base"},
                                                        {KEY_REMOVE, "general.name"},
                                                        {KEY_REMOVE, "tokenizer.ggml.token_type"}};
    static const struct change tokens[SAMPLE_CHANGES] = {{KEY_REMOVE, "tokenizer.ggml.bos_token_id"},
                                                         {KEY_REMOVE, "tokenizer.ggml.eos_token_id"},
                                                         {KEY_REMOVE, "tokenizer.ggml.unknown_token_id"},
                                                         {TENSOR_REMOVE, "output.weight"}};
    static const struct change flags[SAMPLE_CHANGES] = {{KEY_NUMBER, "tokenizer.ggml.add_bos_token", BOOL, 0},
                                                        {KEY_NUMBER, "tokenizer.ggml.add_space_prefix", BOOL, 0},
                                                        {KEY_NUMBER, "tokenizer.ggml.eos_token_id", U32, UINT32_MAX}};
    static const struct change no_bos[SAMPLE_CHANGES] = {{KEY_NUMBER, "tokenizer.ggml.bos_token_id", U32, UINT32_MAX}};
    (void)state;
    read_good(shape);
    assert_int_equal(f.gguf.rope_size, 8);
    assert_true(f.gguf.rope_base == 10000.0f);
    assert_string_equal(f.gguf.name, "");
    assert_int_equal(f.gguf.types_offset, 0);
    read_good(tokens);
    assert_int_equal(f.gguf.bos, 1);
    assert_int_equal(f.gguf.eos, 2);
    assert_int_equal(f.gguf.unknown, 0);
    assert_int_equal(f.gguf.tensor[GGUF_TENSOR_OUTPUT].type, GGUF_TYPE_ABSENT);
    assert_int_equal(f.gguf.parameters, 12 * 32 + 5 * 32 + 2 * (2 * 32 * 32 + 2 * 16 * 32 + 3 * 64 * 32));
    read_good(flags);
    assert_false(f.gguf.add_bos || f.gguf.add_space_prefix);
    assert_int_equal(f.gguf.eos, GGUF_NO_TOKEN);
    read_good(no_bos);
    assert_int_equal(f.gguf.bos, GGUF_NO_TOKEN);
    assert_false(f.gguf.add_bos);
}

/* What llama.cpp takes for a BPE vocabulary where the keys are absent. */
static void bpe_defaults(void **state)
{
    static const struct {
        const char *pre;
        uint8_t rule;
        int32_t bos;
        bool add_bos;
    } rows[] = {
        {NULL, GGUF_PRE_DEFAULT, 11, false},
        {"", GGUF_PRE_DEFAULT, 11, false},
        {"gpt-2", GGUF_PRE_GPT2, 11, false},
        {"smollm", GGUF_PRE_SMOLLM, 11, false},
        {"llama-bpe", GGUF_PRE_LLAMA3, 11, true},
        {"tekken", GGUF_PRE_TEKKEN, 11, true},
        {"glm4", GGUF_PRE_LLAMA3, GGUF_NO_TOKEN, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        const struct change changes[SAMPLE_CHANGES] = {
            {KEY_TEXT, "tokenizer.ggml.model", .text = "gpt2"},
            {KEY_ARRAY, "tokenizer.ggml.merges", STRING, 2, "03000000000000006120620000000000000000"},
            {KEY_REMOVE, "tokenizer.ggml.bos_token_id"},
            {KEY_REMOVE, "tokenizer.ggml.eos_token_id"},
            {KEY_REMOVE, "tokenizer.ggml.unknown_token_id"},
            {KEY_REMOVE, "tokenizer.ggml.scores"},
            {rows[i].pre != NULL ? KEY_TEXT : KEYS_REVERSED, "tokenizer.ggml.pre", .text = rows[i].pre},
        };
        read_good(changes);
        assert_int_equal(f.gguf.tokenizer, GGUF_TOKENIZER_BPE);
        assert_int_equal(f.gguf.merges, 2);
        assert_int_equal(f.gguf.pre.rule, rows[i].rule);
        assert_int_equal(f.gguf.bos, rows[i].bos);
        assert_int_equal(f.gguf.eos, 11);
        assert_int_equal(f.gguf.unknown, GGUF_NO_TOKEN);
        assert_int_equal(f.gguf.add_bos, rows[i].add_bos);
        assert_false(f.gguf.add_space_prefix);
    }
}

static void other_shapes(void **state)
{
    static const struct change kv_absent[SAMPLE_CHANGES] = {{KEY_REMOVE, "llama.attention.head_count_kv"},
                                                            {KEY_NUMBER, "llama.attention.head_count", U32, 2},
                                                            {KEY_NUMBER, "llama.attention.key_length", U32, 8},
                                                            {KEY_NUMBER, "llama.block_count", U32, 2}};
    static const struct change rope[SAMPLE_CHANGES] = {{KEY_NUMBER, "llama.rope.dimension_count", U32, 4},
                                                       {KEY_TEXT, "llama.rope.scaling.type", .text = "none"},
                                                       {KEY_NUMBER, "llama.rope.scaling.factor", F32, 0x40800000},
                                                       {KEY_NUMBER, "llama.expert_count", U32, 0}};
    static const struct change rank[SAMPLE_CHANGES] = {{TENSOR_RANK, "blk.0.attn_norm.weight", 2},
                                                       {TENSOR_SHAPE, "blk.0.attn_norm.weight", 32, 1},
                                                       {TENSOR_RANK, "blk.0.attn_q.weight", 4}};
    size_t size;
    uint8_t *bytes = sample_model(kv_absent, &size);
    (void)state;
    assert_int_equal(read_bytes(bytes, size, WINDOW), -1); /* two heads of 8 make 16 rows, the file has 32 */
    assert_string_equal(f.error.text, "/M.GGUF: blk.0.attn_q.weight has shape 32 x 32 x 1 x 1; "
                                      "the hyper-parameters ask for 32 x 16");
    assert_int_equal(f.gguf.kv_heads, 2);
    free(bytes);
    read_good(rope);
    assert_int_equal(f.gguf.rope_size, 4);
    assert_int_equal(f.gguf.head_size, 8);
    assert_true(f.gguf.rope_factor == 1.0f && !f.gguf.rope_yarn); /* a factor counts for nothing with "none" */
    read_good(rank);
}

/* How positions are stretched, and llama.cpp's defaults. */
static void stretched_positions(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    static const struct change untyped[SAMPLE_CHANGES] = {{KEY_NUMBER, "llama.rope.scale_linear", F32, 0x40000000}};
    static const struct change zero[SAMPLE_CHANGES] = {{KEY_NUMBER, "llama.rope.scaling.factor", F32, 0},
                                                       {KEY_NUMBER, "llama.rope.scale_linear", F32, 0x40000000}};
    static const struct change yarn[SAMPLE_CHANGES] = {
        {KEY_NUMBER, "llama.rope.scaling.factor", F32, 0x40800000},
        {KEY_TEXT, "llama.rope.scaling.type", .text = "yarn"},
        {KEY_NUMBER, "llama.rope.scaling.original_context_length", U32, 8},
        {KEY_NUMBER, "llama.rope.scaling.attn_factor", F32, 0x3F000000}};
    const struct gguf *g = &f.gguf;
    (void)state;
    read_good(none);
    assert_true(g->rope_factor == 1 && !g->rope_yarn && g->rope_original == 16 && g->rope_attn_factor == 1);
    read_good(untyped);
    assert_true(g->rope_factor == 2 && !g->rope_yarn);
    read_good(zero); /* the newer name counts, and 0 means 1 */
    assert_true(g->rope_factor == 1 && !g->rope_yarn);
    read_good(yarn);
    assert_true(g->rope_factor == 4 && g->rope_yarn && g->rope_original == 8 && g->rope_attn_factor == 0.5f);
}

/* The keys of an architecture are found wherever its name stands. */
static void architectures(void **state)
{
    static const char names[][8] = {"qwen2", "qwen3", "gemma3"};
    const struct gguf *g = &f.gguf;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        const struct change changes[SAMPLE_CHANGES] = {{ARCHITECTURE, .text = names[i]}, {KEYS_REVERSED}};
        read_good(changes);
        assert_string_equal(g->architecture->name, names[i]);
        assert_true(g->dim == 32 && g->hidden == 64 && g->layers == 2 && g->score_size == 8);
        for (uint32_t k = GGUF_LAYER_LLAMA; k < GGUF_LAYER_TENSORS; k++) {
            const bool bias = k <= GGUF_LAYER_ATTN_V_BIAS, head = !bias && k <= GGUF_LAYER_ATTN_K_NORM;
            const bool there = bias ? i == 0 : head ? i > 0 : i == 2;
            assert_int_equal(g->tensor[GGUF_TENSOR_LAYERS + k].type, there ? GGUF_TYPE_F32 : GGUF_TYPE_ABSENT);
        }
    }
}

/* Biases that an architecture does not require may be there. */
static void a_bias_of_a_llama(void **state)
{
    static const struct change changes[SAMPLE_CHANGES] = {{TENSOR_RENAME, "output.weight", .text = "blk.1.attn_k.bias"},
                                                          {TENSOR_SHAPE, "blk.1.attn_k.bias", 16, 1},
                                                          {TENSOR_TYPE, "blk.1.attn_k.bias", GGUF_TYPE_F32}};
    const uint32_t id = GGUF_TENSOR_LAYERS + GGUF_LAYER_TENSORS + GGUF_LAYER_ATTN_K_BIAS;
    (void)state;
    read_good(changes);
    assert_true(f.gguf.tensor[id].rows == 1 && f.gguf.tensor[id].cols == 16);
    assert_int_equal(f.gguf.tensor[id - 1].type, GGUF_TYPE_ABSENT);
}

static void windows(void **state)
{
    static const struct change usual[SAMPLE_CHANGES] = {{ARCHITECTURE, .text = "gemma3"}};
    static const struct change none[SAMPLE_CHANGES] = {{ARCHITECTURE, .text = "gemma3"},
                                                       {KEY_REMOVE, "gemma3.attention.sliding_window"},
                                                       {KEY_NUMBER, "gemma3.final_logit_softcapping", F32, 0}};
    static const struct change other[SAMPLE_CHANGES] = {
        {ARCHITECTURE, .text = "gemma3"},
        {KEY_NUMBER, "gemma3.attention.sliding_window", U32, GGUF_CONTEXT_MAX},
        {KEY_NUMBER, "gemma3.attention.sliding_window_pattern", U32, 2},
        {KEY_NUMBER, "gemma3.rope.freq_base_swa", F32, 0x447A0000}};
    static const struct change ignored[SAMPLE_CHANGES] = {{KEY_NUMBER, "llama.attention.sliding_window", U32, 5}};
    static const struct change of_other_types[SAMPLE_CHANGES] = {
        {ARCHITECTURE, .text = "qwen3"},
        {KEY_NUMBER, "qwen3.attention.sliding_window", F32, 0x42000000},
        {KEY_ARRAY, "qwen3.attention.sliding_window_pattern", BOOL, 2, "0001"},
        {KEY_TEXT, "qwen3.rope.freq_base_swa", .text = "x"},
        {KEY_NUMBER, "qwen3.final_logit_softcapping", F32, 0x7F800000}};
    const struct gguf *g = &f.gguf;
    (void)state;
    read_good(usual);
    assert_true(g->window == 5 && g->window_period == 6 && g->rope_window_base == 10000);
    read_good(none);
    assert_int_equal(g->window, 0);
    read_good(other);
    assert_true(g->window == GGUF_CONTEXT_MAX && g->window_period == 2 && g->rope_window_base == 1000);
    read_good(ignored); /* as in llama.cpp */
    assert_int_equal(g->window, 0);
    read_good(of_other_types);
    assert_int_equal(g->window, 0);
}

static void order_alignment_and_overlap(void **state)
{
    static const struct change changes[][SAMPLE_CHANGES] = {
        {{KEYS_REVERSED}},
        {{KEY_NUMBER, "general.alignment", U32, 8}},
        {{TENSOR_OFFSET, "output.weight", .b = 0}}, /* two tensors in one place */
        {{KEY_TEXT, "0123456789012345678901234567890123456789012345678901234567890123456789", .text = "long key"}},
        {{KEY_ARRAY, "strings", STRING, 2, "0100000000000000410000000000000000"}, {KEY_ARRAY, "wide", F64, 0, NULL}},
        {{KEY_TWICE, "general.author"}}, /* nothing depends on it */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(changes); i++) {
        read_good(changes[i]);
        assert_int_equal(f.gguf.tensor[GGUF_TENSOR_TOKEN_EMBD].size, 12 * 32 * 4);
    }
}

static void alignment_moves_the_data(void **state)
{
    static const struct change changes[SAMPLE_CHANGES] = {{KEY_NUMBER, "general.alignment", U32, 65536},
                                                          {CUT, .b = 100 << 10},
                                                          {TENSOR_OFFSET, "blk.0.attn_q.weight", .b = 0}};
    size_t size;
    uint8_t *bytes = sample_model(changes, &size);
    (void)state;
    assert_int_equal(read_bytes(bytes, size, WINDOW), -1);
    assert_string_equal(f.error.text, "/M.GGUF: blk.0.attn_norm.weight is at offset 1536, which is not a multiple of "
                                      "the alignment 65536");
    assert_int_equal(f.gguf.tensor[GGUF_TENSOR_TOKEN_EMBD].offset, 0);
    free(bytes);
}

static void names(void **state)
{
    static const struct {
        const char *name, *expected;
    } cases[] = {
        {"tiny\nstories\x1B[2J", "tiny?stories?[2J"},
        {"0123456789012345678901234567890123456789012345678901234567890123456789",
         "012345678901234567890123456789012345678901234567890123456789012"},
        {"01234567890123456789012345678901234567890123456789012345678901\xC3\xB6",
         "01234567890123456789012345678901234567890123456789012345678901"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct change changes[SAMPLE_CHANGES] = {{KEY_TEXT, "general.name", .text = cases[i].name}};
        read_good(changes);
        assert_string_equal(f.gguf.name, cases[i].expected);
    }
}

/* The expected line, with the file's size for '@'. */
static void expand(char *out, const char *message, size_t size)
{
    const char *at = strchr(message, '@');
    if (at == NULL) {
        sprintf(out, "/M.GGUF: %s", message);
    } else {
        sprintf(out, "/M.GGUF: %.*s%zu%s", (int)(at - message), message, size, at + 1);
    }
}

static void every_refusal(void **state)
{
    int wrong = 0;
    (void)state;
    for (size_t i = 0; i < hostile_model_count; i++) {
        char expected[600];
        size_t size;
        uint8_t *bytes = sample_model(hostile_models[i].changes, &size);
        int result = read_bytes(bytes, size, WINDOW);
        expand(expected, hostile_models[i].message, size);
        if (result != -1 || strcmp(f.error.text, expected) != 0) {
            fprintf(stderr, "case %zu: returned %d\n  said \"%s\"\n  not  \"%s\"\n", i, result, f.error.text, expected);
            wrong++;
        }
        free(bytes);
    }
    assert_int_equal(wrong, 0);
}

static void every_truncation(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    size_t size;
    uint8_t *bytes = sample_model(none, &size);
    (void)state;
    for (size_t n = 0; n < size - 8; n++) { /* the last 8 bytes are padding */
        uint8_t *part = malloc(n > 0 ? n : 1);
        memcpy(part, bytes, n);
        assert_int_equal(read_bytes(part, n, 512), -1);
        assert_memory_equal(f.error.text, "/M.GGUF: ", 9);
        free(part);
    }
    assert_int_equal(read_bytes(bytes, size - 8, 512), 0);
    free(bytes);
}

/* A flipped bit of the header is refused, or changes a number that cannot be checked; no tensor leaves the file. */
static void every_flipped_bit(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    size_t size;
    uint8_t *bytes = sample_model(none, &size);
    int refused = 0;
    (void)state;
    assert_int_equal(read_bytes(bytes, size, WINDOW), 0);
    const size_t header = (size_t)f.gguf.tensor[GGUF_TENSOR_TOKEN_EMBD].offset;
    for (size_t bit = 0; bit < header * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
        if (read_bytes(bytes, size, WINDOW) != 0) {
            assert_memory_equal(f.error.text, "/M.GGUF: ", 9);
            refused++;
        }
        for (uint32_t i = 0; f.error.text[0] == '\0' && i < f.gguf.tensor_count; i++) {
            assert_true(f.gguf.tensor[i].offset + f.gguf.tensor[i].size <= size);
        }
        bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(refused > (int)header); /* most of them: the rest are texts, scores and ids */
    free(bytes);
}

static void every_bad_sector(void **state)
{
    static const struct change none[SAMPLE_CHANGES];
    size_t size;
    uint8_t *bytes = sample_model(none, &size);
    uint64_t header;
    (void)state;
    assert_int_equal(read_bytes(bytes, size, 512), 0);
    header = f.gguf.tensor[GGUF_TENSOR_TOKEN_EMBD].offset;
    for (uint64_t at = 0; at < header - 32; at += 100) {
        f.file = (struct memory_file){"/M.GGUF", bytes, size};
        memory_platform_init(&f.memory, &f.file, 1);
        f.memory.bad_from = at;
        f.memory.bad_to = at + 1;
        assert_int_equal(reader_open(&f.reader, &f.memory.platform, "/M.GGUF", f.window, 512, &f.error), 0);
        assert_int_equal(gguf_read(&f.gguf, &f.reader, &f.error), -1);
        assert_memory_equal(f.error.text, "/M.GGUF: cannot be read at byte ", 32);
        assert_non_null(strstr(f.error.text, ": bad sector"));
    }
    free(bytes);
}

static void a_very_long_key(void **state)
{
    enum { LENGTH = 65536 };
    static uint8_t bytes[24 + 8 + LENGTH + 4 + 1] = "GGUF\3";
    const uint64_t length = LENGTH;
    (void)state;
    bytes[16] = 1; /* one key */
    memcpy(bytes + 24, &length, sizeof length);
    assert_int_equal(read_bytes(bytes, sizeof bytes, WINDOW), -1);
    assert_string_equal(f.error.text, "/M.GGUF: a name of 65536 bytes at byte 24; allowed are 65535");
}

static void names_that_people_know(void **state)
{
    (void)state;
    assert_string_equal(gguf_kind_name(0), "F32");
    assert_string_equal(gguf_kind_name(15), "Q4_K_M");
    assert_string_equal(gguf_kind_name(1024 + 17), "Q5_K_M"); /* guessed by a program */
    assert_string_equal(gguf_kind_name(32), "BF16");
    assert_string_equal(gguf_kind_name(41), "Q2_0");
    assert_string_equal(gguf_kind_name(42), "");
    assert_string_equal(gguf_kind_name(UINT32_MAX), "");
    assert_string_equal(gguf_type_name(20), "IQ4_NL");
    assert_string_equal(gguf_type_name(39), "MXFP4");
    assert_string_equal(gguf_type_name(42), "Q2_0");
    assert_string_equal(gguf_type_name(43), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_sample),
        cmocka_unit_test(places_of_the_sample),
        cmocka_unit_test(place_of_a_chat_template),
        cmocka_unit_test(other_number_types),
        cmocka_unit_test(the_kind_is_guessed_where_no_key_says_it),
        cmocka_unit_test(defaults),
        cmocka_unit_test(bpe_defaults),
        cmocka_unit_test(other_shapes),
        cmocka_unit_test(stretched_positions),
        cmocka_unit_test(architectures),
        cmocka_unit_test(a_bias_of_a_llama),
        cmocka_unit_test(windows),
        cmocka_unit_test(order_alignment_and_overlap),
        cmocka_unit_test(alignment_moves_the_data),
        cmocka_unit_test(names),
        cmocka_unit_test(every_refusal),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_flipped_bit),
        cmocka_unit_test(every_bad_sector),
        cmocka_unit_test(a_very_long_key),
        cmocka_unit_test(names_that_people_know),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
