/* Byte-level BPE in core/text/tokenizer.c, encode.c and decoder.c, on a small vocabulary (vocabulary.h). */
#include "unit.h"

#include "text/decoder.h"
#include "text/encode.h"
#include "vocabulary.h"

enum { MADE = 256, CONTROL_ID = MADE + 12, USER_ID, ZZ }; /* ids: BPE_MERGES make tokens from MADE on */
enum { LL = MADE, SPACE_A, HE, HELL, AB, BC, ABC, ABC_AGAIN, SPACES, QUOTE_LL, ONE_TWO, ONE_TWO_THREE };

static struct vocabulary v;

static void load(const char *pre)
{
    vocabulary_free(&v);
    assert_int_equal(vocabulary_load_small_bpe(&v, gguf_find_pre(pre)), 0);
}

static int free_all(void **state)
{
    (void)state;
    vocabulary_free(&v);
    return 0;
}

/* Expects these ids; plain: the user has typed it all. */
static void check(const char *text, bool plain, const int32_t *expected, int32_t count)
{
    size_t n = strlen(text);
    int32_t ids[64];
    char *exact = malloc(n > 0 ? n : 1);
    void *scratch = malloc(encode_scratch(GGUF_TOKENIZER_BPE, n));
    memcpy(exact, text, n);
    assert_int_equal(encode_marked(&v.tokenizer, exact, n, 0, plain ? n : 0, GGUF_NO_TOKEN, ids, 64, scratch), count);
    for (int32_t i = 0; i < count; i++) {
        assert_int_equal(ids[i], expected[i]);
    }
    free(scratch);
    free(exact);
}

#define CHECK(text, plain, ...) \
    check(text, plain, (const int32_t[]){__VA_ARGS__}, sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t))

static void merges_by_rank(void **state)
{
    (void)state;
    load("gpt-2");
    CHECK("hello", true, HELL, 'o');          /* ll, he, then he ll */
    CHECK("a abc", true, 'a', SPACE_A, BC);   /* the space takes the a first */
    CHECK("abc", true, ABC);                  /* ab (4) before bc (5); of two equal pieces the first */
    CHECK("lll", true, LL, 'l');              /* the left one of equals */
    CHECK("we'll", true, 'w', 'e', QUOTE_LL);
    CHECK("zz", true, 'z', 'z');
    CHECK("\xC3\xA9", true, 0xC3, 0xA9);
    CHECK("\xFF", true, 0xEF, 0xBF, 0xBD);
    CHECK("1234", true, ONE_TWO_THREE, '4');
}

static void whole_words(void **state)
{
    (void)state;
    load("llama-bpe");
    CHECK("zz", true, ZZ); /* a piece that no merge makes */
    CHECK("zzz", true, 'z', 'z', 'z');
    CHECK("1234", true, ONE_TWO_THREE, '4');
    load("qwen2");
    CHECK("123", true, '1', '2', '3');
}

static void marked_tokens(void **state)
{
    (void)state;
    load("gpt-2");
    CHECK("a<|c|>a", false, 'a', CONTROL_ID, 'a');
    CHECK("<|c|>", true, '<', '|', 'c', '|', '>');
    CHECK("a  a", true, 'a', USER_ID, 'a');    /* not the piece of two spaces that merges make */
    assert_int_equal(tokenizer_find(&v.tokenizer, (const uint8_t *)"  ", 2), SPACES);
    assert_int_equal(tokenizer_find(&v.tokenizer, (const uint8_t *)"<|c|>", 5), CONTROL_ID);
    assert_int_equal(encode_text(&v.tokenizer, "", 0, NULL, 0, NULL), 0);
}

static void decoding(void **state)
{
    static const int32_t ids[] = {SPACE_A, 0xE4, 0xBD, CONTROL_ID, 0xA0, USER_ID, '\n', 0xC3, HELL};
    char out[64];
    size_t used = 0;
    struct decoder decoder;
    (void)state;
    load("gpt-2");
    decoder_begin(&decoder, true);
    for (size_t i = 0; i < COUNT_OF(ids); i++) {
        used += decoder_push(&decoder, &v.tokenizer, ids[i], out + used, sizeof out - used);
    }
    static const char expected[] = " a\xE4\xBD\xA0  \n\xEF\xBF\xBDhell"; /* the space stays at the beginning */
    assert_int_equal(used, sizeof expected - 1);
    assert_memory_equal(out, expected, used);
}

/* Pieces with letters outside of the alphabet are never made of text; types by text; bytes that have no token. */
static void odd_vocabularies(void **state)
{
    static const struct piece pieces[] = {
        {"a", 0, GGUF_TOKEN_NORMAL}, {"\xE2\x96\x81", 0, GGUF_TOKEN_NORMAL}, {"<|im_end|>", 0, GGUF_TOKEN_USER},
        {"<|start|>", 0, GGUF_TOKEN_CONTROL}, {"b", 0, GGUF_TOKEN_NORMAL}, {"ab", 0, GGUF_TOKEN_NORMAL},
    };
    static const char *const merges[] = {"#version: 0.2", "", " ", "ab", "a  b", "x y", "a b", "\xE2\x96\x81 a", "a b"};
    (void)state;
    vocabulary_free(&v);
    assert_int_equal(vocabulary_load_bpe(&v, pieces, 6, merges, COUNT_OF(merges), gguf_find_pre("gpt-2")), 0);
    CHECK("abz", true, 5);
    check("\xE2\x96\x81", true, NULL, 0);
    CHECK("<|im_end|><|start|>", true, 3);
    CHECK("<|im_end|><|start|>", false, 2, 3);
    assert_int_equal(v.tokenizer.type[2], GGUF_TOKEN_CONTROL);
    assert_int_equal(v.tokenizer.type[3], GGUF_TOKEN_USER);
}

static void refusals(void **state)
{
    static const struct piece pieces[] = {{"a", 0, GGUF_TOKEN_NORMAL}, {"b", 0, GGUF_TOKEN_NORMAL}};
    static const char *const merges[] = {"x y", "a b"};
    (void)state;
    vocabulary_free(&v);
    assert_int_equal(vocabulary_load_bpe(&v, pieces, 2, merges, 2, gguf_find_pre("gpt-2")), -1);
    assert_string_equal(v.error.text, "/V: merge 1 makes no token; the vocabulary is incomplete");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_by_rank), cmocka_unit_test(whole_words), cmocka_unit_test(marked_tokens),
        cmocka_unit_test(decoding), cmocka_unit_test(odd_vocabularies), cmocka_unit_test(refusals),
    };
    return cmocka_run_group_tests(tests, NULL, free_all);
}
