/*
 * core/tokenizer.c and core/encode.c: by hand on a small vocabulary, and against the same algorithm written without a
 * queue and without sorting, on random vocabularies and texts.
 */
#include <time.h>

#include "unit.h"

#include "text/control.h"
#include "text/encode.h"
#include "vocabulary.h"

#define SPACE "\xE2\x96\x81"

static struct vocabulary v;

static int load_small(void **state)
{
    (void)state;
    return vocabulary_load(&v, small_vocabulary, small_vocabulary_count, true);
}

static int free_small(void **state)
{
    (void)state;
    vocabulary_free(&v);
    return 0;
}

static int32_t id_of(const char *piece)
{
    for (uint32_t i = 0; i < small_vocabulary_count; i++) {
        if (strcmp(small_vocabulary[i].text, piece) == 0) {
            return (int32_t)i;
        }
    }
    abort();
}

static int32_t encode(const struct tokenizer *tokenizer, const char *text, size_t n, int32_t *ids, uint32_t capacity)
{
    char *exact = malloc(n > 0 ? n : 1); /* exactly as long, so that a sanitizer sees a step beyond */
    void *scratch = malloc(encode_scratch(tokenizer->kind, n));
    memcpy(exact, text, n);
    int32_t count = encode_text(tokenizer, exact, n, ids, capacity, scratch);
    free(scratch);
    free(exact);
    return count;
}

/* Expects the pieces, '|' between them, after BOS. */
static void check(const char *text, const char *pieces)
{
    int32_t ids[100];
    char all[500] = "", *piece = strtok(strcpy(all, pieces), "|");
    int32_t count = encode(&v.tokenizer, text, strlen(text), ids, COUNT_OF(ids)), i = 0;
    if (v.tokenizer.add_bos) {
        assert_int_equal(ids[i++], 1);
    }
    for (; piece != NULL; piece = strtok(NULL, "|"), i++) {
        if (i >= count || ids[i] != id_of(piece)) {
            fail_test("\"%s\": token %d is not \"%s\"\n", text, i, piece);
        }
    }
    assert_int_equal(count, i);
}

static void merges(void **state)
{
    (void)state;
    check("", "");
    check("a", SPACE "a");
    check("ab", SPACE "ab");                    /* ab first, then the space joins it */
    check("b", SPACE "|b");
    check("abc", SPACE "ab|c");                 /* ab (-1) before bc (-2), the space (-4) before abc (-9) */
    check("babc", SPACE "|b|abc");
    check("aaa", SPACE "a|aa");                 /* the space takes the first a (-3 before -5) */
    check("aaaaa", SPACE "a|aaaa");
    check("bca", SPACE "|bc|a");                /* bc and ca are equally good: the left one */
    check("a  b", SPACE "a|" SPACE SPACE "|b");
    check("\xC3\xB6" "a", SPACE "|\xC3\xB6" "a");
    check("acb", SPACE "a|cb");                 /* even an unused piece is found */
}

static void bytes_without_piece(void **state)
{
    (void)state;
    check("z", SPACE "|<0x7A>");
    check("a\n", SPACE "a|<0x0A>");
    check("\xC3\xA4", SPACE "|<0xC3>|<0xA4>");
    check("\xF0\x9F\x98\x80", SPACE "|<0xF0>|<0x9F>|<0x98>|<0x80>");
    check("\xFF", SPACE "|<0xFF>");
    check("\x80" "ab", SPACE "|<0x80>|ab");     /* a stray byte is a character of its own */
    check("\xC3", SPACE "|<0xC3>");
    check("\xE2" "ab", SPACE "|<0xE2>|<0x61>|<0x62>"); /* the lead byte takes two more with it */
    check("\xF0" "abab", SPACE "|<0xF0>|<0x61>|<0x62>|<0x61>|b");
    check("<s>", SPACE "|<0x3C>|<0x73>|<0x3E>"); /* control tokens are not for the user */
    check(SPACE "a", SPACE "|" SPACE "a");
}

static void user_defined_pieces(void **state)
{
    (void)state;
    check("<x>", "<x>");
    check("<x>y", "<x>y");
    check("a<x>a", SPACE "a|<x>|" SPACE "a");   /* a space before the first word and after each of them */
    check("a<x><x>yb", SPACE "a|<x>|<x>y|" SPACE "|b"); /* the longer one first, though yb is one, too */
    check("yb<x>", "yb|<x>");
    check("<x", SPACE "|<0x3C>|<0x78>");
}

static void flags(void **state)
{
    (void)state;
    v.tokenizer.add_bos = false;
    check("a", SPACE "a");
    check("", "");
    v.tokenizer.add_space_prefix = false;
    check("a", "a");
    check(" a", SPACE "a");
    check("a<x>a", "a|<x>|a");
    v.tokenizer.add_bos = v.tokenizer.add_space_prefix = true;
}

/* A turn of a chat: the part between the bars is the user's. */
static void turns(void **state)
{
    static const struct {
        const char *before, *user, *after, *pieces;
        bool begin;
    } rows[] = {
        {"a", "b", "c", "<s>|" SPACE "ab|c", true}, /* one text: pieces go across the edges */
        {"a", "b", "c", SPACE "ab|c", false},
        {"<s>a", "", "</s>", "<s>|" SPACE "a|</s>", false},
        {"<s>", "a", "</s>a", "<s>|<s>|" SPACE "a|</s>|" SPACE "a", true},
        {"", "</s>a", "", SPACE "|<0x3C>|<0x2F>|<0x73>|<0x3E>|a", false},
        {"</", "s>a", "", SPACE "|<0x3C>|<0x2F>|<0x73>|<0x3E>|a", false},
        {"", "a<s", ">", SPACE "a|<0x3C>|<0x73>|<0x3E>", false},
        {"<s", "", ">", SPACE "|<0x3C>|<0x73>|<0x3E>", false}, /* nor across the place of the user's text */
        {"<unk>", "a", "</s></s>", "<unk>|" SPACE "a|</s>|</s>", false},
        {"<s>", "<x>", "<x>y", "<s>|<x>|<x>y", false},
        {"cb", "", "", SPACE "|cb", false}, /* an unused token is none that is written */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char text[64], got[256] = "";
        uint64_t scratch[64 * 43 / 8];
        int32_t ids[32];
        const size_t start = strlen(rows[i].before), end = start + strlen(rows[i].user);
        snprintf(text, sizeof text, "%s%s%s", rows[i].before, rows[i].user, rows[i].after);
        const int32_t before = rows[i].begin ? GGUF_NO_TOKEN : v.tokenizer.bos;
        const int32_t count =
            encode_marked(&v.tokenizer, text, strlen(text), start, end, before, ids, 32, scratch);
        for (int32_t k = 0; k < count; k++) {
            strcat(got, k > 0 ? "|" : "");
            strcat(got, small_vocabulary[ids[k]].text);
        }
        assert_string_equal(got, rows[i].pieces);
    }
}

static void capacity(void **state)
{
    int32_t ids[4] = {-7, -7, -7, -7};
    (void)state;
    assert_int_equal(encode(&v.tokenizer, "z", 1, ids, 3), 3);
    assert_int_equal(ids[2], id_of("<0x7A>"));
    assert_int_equal(ids[3], -7);
    assert_int_equal(encode(&v.tokenizer, "z", 1, ids, 2), -1);
    assert_int_equal(encode(&v.tokenizer, "zzzzzzzzz", 9, ids, 3), -1);
    assert_int_equal(ids[3], -7);
    assert_int_equal(encode(&v.tokenizer, "", 0, ids, 0), -1);
    assert_int_equal(encode_text(&v.tokenizer, "", (size_t)ENCODE_TEXT_MAX + 1, ids, 4, NULL), -1);
}

static void finding(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < small_vocabulary_count; i++) {
        const char *text = small_vocabulary[i].text;
        assert_int_equal(tokenizer_find(&v.tokenizer, (const uint8_t *)text, strlen(text)), i);
    }
    assert_int_equal(tokenizer_find(&v.tokenizer, (const uint8_t *)"aaa", 3), GGUF_NO_TOKEN);
    assert_int_equal(tokenizer_find(&v.tokenizer, (const uint8_t *)"", 0), GGUF_NO_TOKEN);
    assert_int_equal(tokenizer_find(&v.tokenizer, (const uint8_t *)"\xFF\xFF", 2), GGUF_NO_TOKEN);
}

static void byte_names(void **state)
{
    static const struct {
        const char *name;
        int value;
    } cases[] = {
        {"<0x00>", 0}, {"<0xFF>", 255}, {"<0xab>", 0xAB}, {"<0x-1>", -1}, {"<0x+1>", -1}, {"<0x 1>", -1},
        {"<0x1>", -1}, {"<0x001>", -1}, {"<0xG0>", -1}, {"<0x0G>", -1}, {"<0X00>", -1}, {"[0x00>", -1}, {"<0x00]", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(tokenizer_byte_name((const uint8_t *)cases[i].name, strlen(cases[i].name)), cases[i].value);
    }
}

static void refusals(void **state)
{
    static const struct {
        struct piece piece;
        const char *message;
    } cases[] = {
        {{"<0x-1>", 0, GGUF_TOKEN_BYTE}, "/V: token 1 is a byte, but not named <0x00> to <0xFF>"},
        {{"a", 0, GGUF_TOKEN_BYTE}, "/V: token 1 is a byte, but not named <0x00> to <0xFF>"},
        {{"a", 0, 7}, "/V: token 1 has type 7; known are 0 to 6"},
        {{"a", 0, -1}, "/V: token 1 has type 4294967295; known are 0 to 6"},
    };
    char longest[TOKENIZER_USER_MAX + 2];
    struct vocabulary other;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct piece pieces[] = {{"<unk>", 0, GGUF_TOKEN_UNKNOWN}, cases[i].piece};
        assert_int_equal(vocabulary_load(&other, pieces, 2, true), -1);
        assert_string_equal(other.error.text, cases[i].message);
        vocabulary_free(&other);
    }
    memset(longest, 'u', sizeof longest);
    longest[sizeof longest - 1] = '\0';
    struct piece user[] = {{longest, 0, GGUF_TOKEN_USER}};
    assert_int_equal(vocabulary_load(&other, user, 1, true), -1);
    assert_string_equal(other.error.text, "/V: token 0 is user-defined and has 257 bytes; allowed are 256");
    vocabulary_free(&other);
}

static void sparse_vocabularies(void **state)
{
    /* No byte tokens: the byte itself as a piece, else the unknown token, else nothing. Without types in the file. */
    static const struct piece pieces[] = {{"<unk>", 0, 0}, {"<s>", 0, 0}, {"</s>", 0, 0}, {"\xC3", 0, 0},
                                          {"a", 0, 0}, {"<0x62>", 0, 0}, {"a", 5, 0}, {"", 0, 0}};
    static const uint8_t types[] = {GGUF_TOKEN_UNKNOWN, GGUF_TOKEN_CONTROL, GGUF_TOKEN_CONTROL, GGUF_TOKEN_NORMAL,
                                    GGUF_TOKEN_NORMAL, GGUF_TOKEN_BYTE, GGUF_TOKEN_NORMAL, GGUF_TOKEN_NORMAL};
    struct vocabulary other;
    int32_t ids[20];

    (void)state;
    assert_int_equal(vocabulary_load(&other, pieces, COUNT_OF(pieces), false), 0);
    assert_memory_equal(other.tokenizer.type, types, sizeof types);
    assert_int_equal(encode(&other.tokenizer, "ab\xC3\xB6", 4, ids, 20), 8);
    static const int32_t expected[] = {1, 0, 0, 0, 4, 5, 3, 0}; /* the space is three unknown bytes */
    assert_memory_equal(ids, expected, sizeof expected);
    other.tokenizer.unknown = GGUF_NO_TOKEN;
    other.tokenizer.byte_token[0xB6] = GGUF_NO_TOKEN;
    assert_int_equal(encode(&other.tokenizer, "ab\xC3\xB6", 4, ids, 20), 7);
    vocabulary_free(&other);
}

static void scores_of_every_kind(void **state)
{
    const float inf = 1.0f / strtof("0", NULL), nan = inf - inf;
    const float scores[] = {__builtin_copysignf(nan, 1.0f), -inf, -1e30f, -1e-40f, 0.0f, 1e-40f, 3.0f, inf};
    struct piece pieces[9] = {{"a", -0.0f, GGUF_TOKEN_NORMAL}};
    struct vocabulary other;
    (void)state;
    for (int i = 0; i < 8; i++) {
        pieces[i + 1] = (struct piece){"b", scores[i], GGUF_TOKEN_NORMAL};
    }
    assert_int_equal(vocabulary_load(&other, pieces, 9, true), 0);
    for (int i = 1; i < 8; i++) {
        assert_true(other.tokenizer.rank[i] < other.tokenizer.rank[i + 1]);
    }
    assert_int_equal(other.tokenizer.rank[0], other.tokenizer.rank[5]); /* -0 and 0 */
    assert_int_equal(other.tokenizer.rank[1], 1);
    assert_int_equal(tokenizer_find(&other.tokenizer, (const uint8_t *)"b", 1), 1); /* the first of equal pieces */
    vocabulary_free(&other);
}

/* ---- Against the plain algorithm ---- */

static uint32_t random_state = 1;

static uint32_t random_below(uint32_t n)
{
    random_state = random_state * 1664525 + 1013904223;
    return (uint32_t)((uint64_t)random_state * n >> 32);
}

static int32_t plain_find(const struct piece *pieces, uint32_t count, const char *text, size_t n)
{
    for (uint32_t i = 0; i < count; i++) {
        if (strlen(pieces[i].text) == n && memcmp(pieces[i].text, text, n) == 0) {
            return (int32_t)i;
        }
    }
    return GGUF_NO_TOKEN;
}

/* Merges by looking at all pairs again after each merge; characters of one byte. */
static int32_t plain_encode(const struct piece *pieces, uint32_t count, const char *text, int32_t *ids)
{
    size_t start[100], n = strlen(text);
    for (size_t i = 0; i <= n; i++) {
        start[i] = i;
    }
    for (;;) {
        size_t best = n;
        float best_score = 0;
        for (size_t i = 0; i + 2 <= n; i++) {
            int32_t id = plain_find(pieces, count, text + start[i], start[i + 2] - start[i]);
            if (id != GGUF_NO_TOKEN && (best == n || pieces[id].score > best_score)) {
                best = i;
                best_score = pieces[id].score;
            }
        }
        if (best == n) {
            break;
        }
        memmove(&start[best + 1], &start[best + 2], (n - best - 1) * sizeof start[0]);
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        ids[i] = plain_find(pieces, count, text + start[i], start[i + 1] - start[i]);
    }
    return (int32_t)n;
}

static void random_vocabularies(void **state)
{
    enum { PIECES = 40, LETTERS = 4, PIECE_BYTES = 8 };
    char texts[PIECES][PIECE_BYTES], text[60];
    struct piece pieces[PIECES];
    struct vocabulary other;
    int32_t ids[100], expected[100];
    (void)state;
    for (int round = 0; round < 300; round++) {
        for (uint32_t i = 0; i < PIECES; i++) {
            uint32_t length = i < LETTERS ? 1 : 1 + random_below(PIECE_BYTES - 1);
            for (uint32_t k = 0; k < length; k++) {
                texts[i][k] = (char)('a' + (i < LETTERS ? i : random_below(LETTERS)));
            }
            texts[i][length] = '\0';
            pieces[i] = (struct piece){texts[i], -(float)random_below(6), GGUF_TOKEN_NORMAL};
        }
        assert_int_equal(vocabulary_load(&other, pieces, PIECES, true), 0);
        other.tokenizer.add_bos = other.tokenizer.add_space_prefix = false;
        for (int k = 0; k < 20; k++) {
            size_t n = random_below(sizeof text);
            for (size_t i = 0; i < n; i++) {
                text[i] = (char)('a' + random_below(LETTERS));
            }
            text[n] = '\0';
            int32_t count = plain_encode(pieces, PIECES, text, expected);
            assert_int_equal(encode(&other.tokenizer, text, n, ids, COUNT_OF(ids)), count);
            assert_memory_equal(ids, expected, (size_t)count * sizeof ids[0]);
        }
        vocabulary_free(&other);
    }
}

/* User-defined and control pieces over single letters: all lengths from the longest on, left to right. */
static int32_t plain_mark(const struct piece *pieces, uint32_t count, const char *text, size_t plain_start,
                          size_t plain_end, int32_t *ids)
{
    const size_t n = strlen(text);
    bool covered[100] = {false};
    int32_t token[100], used = 0;
    for (size_t i = 0; i < n; i++) {
        token[i] = plain_find(pieces, count, text + i, 1);
    }
    for (size_t length = n; length > 0; length--) {
        for (size_t i = 0; i + length <= n; i++) {
            int32_t id = plain_find(pieces, count, text + i, length);
            bool plain = i < plain_end && i + length > plain_start;
            if (id == GGUF_NO_TOKEN || memchr(covered + i, true, length) != NULL ||
                !(pieces[id].type == GGUF_TOKEN_USER || (pieces[id].type == GGUF_TOKEN_CONTROL && !plain))) {
                continue;
            }
            memset(covered + i, true, length);
            memset(token + i, 0xFF, length * sizeof token[0]);
            token[i] = id;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (token[i] >= 0) {
            ids[used++] = token[i];
        }
    }
    return used;
}

static void random_marked_tokens(void **state)
{
    enum { PIECES = 30, LETTERS = 3, PIECE_BYTES = 9 };
    static const uint32_t types[] = {GGUF_TOKEN_USER, GGUF_TOKEN_CONTROL, GGUF_TOKEN_UNUSED};
    char texts[PIECES][PIECE_BYTES], text[60];
    struct piece pieces[PIECES];
    struct vocabulary other;
    int32_t ids[100], expected[100];
    void *scratch = malloc(encode_scratch(GGUF_TOKENIZER_SENTENCEPIECE, sizeof text));
    (void)state;
    for (int round = 0; round < 1000; round++) {
        for (uint32_t i = 0; i < PIECES; i++) {
            uint32_t length = i < LETTERS ? 1 : 3 + random_below(PIECE_BYTES - 3); /* nothing merges */
            for (uint32_t k = 0; k < length; k++) {
                texts[i][k] = (char)('a' + (i < LETTERS ? i : random_below(round % LETTERS + 1)));
            }
            texts[i][length] = '\0';
            const int32_t type = i < LETTERS ? GGUF_TOKEN_NORMAL : types[random_below(2 + round % 2)];
            pieces[i] = (struct piece){texts[i], 0, type};
        }
        assert_int_equal(vocabulary_load(&other, pieces, PIECES, true), 0);
        other.tokenizer.add_space_prefix = false;
        for (int k = 0; k < 20; k++) {
            const size_t n = random_below(sizeof text), from = random_below((uint32_t)n + 1);
            const size_t to = from + random_below((uint32_t)(n - from) + 1);
            for (size_t i = 0; i < n; i++) {
                text[i] = (char)('a' + random_below(LETTERS));
            }
            text[n] = '\0';
            int32_t count = plain_mark(pieces, PIECES, text, from, to, expected);
            assert_int_equal(
                encode_marked(&other.tokenizer, text, n, from, to, 0, ids, COUNT_OF(ids), scratch), count);
            assert_memory_equal(ids, expected, (size_t)count * sizeof ids[0]);
        }
        vocabulary_free(&other);
    }
    free(scratch);
}

/* Control tokens of every length cost nothing where the text does not begin like one, else bounded time. */
static void hostile_control_tokens(void **state)
{
    enum { LENGTH = 200000 };
    static char texts[TOKENIZER_USER_MAX][TOKENIZER_USER_MAX + 1], text[LENGTH];
    static struct piece pieces[TOKENIZER_USER_MAX];
    static int32_t ids[LENGTH];
    struct vocabulary other;
    void *scratch = malloc(encode_scratch(GGUF_TOKENIZER_SENTENCEPIECE, LENGTH));
    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(pieces); i++) {
        memset(texts[i], i == 0 ? 'b' : 'a', i < 2 ? 1 : i + 1); /* no two letters: nothing merges */
        pieces[i] = (struct piece){texts[i], 0, i < 2 ? GGUF_TOKEN_NORMAL : GGUF_TOKEN_CONTROL};
    }
    assert_int_equal(vocabulary_load(&other, pieces, COUNT_OF(pieces), true), 0);
    other.tokenizer.add_space_prefix = false;
    memset(text, 'b', sizeof text);
    const clock_t start = clock();
    assert_int_equal(encode_marked(&other.tokenizer, text, LENGTH, 0, 0, 0, ids, LENGTH, scratch), LENGTH);
    memset(text, 'a', LENGTH / 10);
    assert_int_equal(
        encode_marked(&other.tokenizer, text, LENGTH / 10, 0, LENGTH, 0, ids, LENGTH, scratch),
        LENGTH / 10);
    assert_true(clock() - start < 4 * CLOCKS_PER_SEC); /* of the processor's time, under the sanitizers */
    vocabulary_free(&other);
    free(scratch);
}

static uint8_t type_of(const char *text)
{
    return control_type((const uint8_t *)text, strlen(text), GGUF_TOKEN_NORMAL);
}

/* Each of the known texts, whatever it begins with, and none that only begins or ends like one. */
static void texts_that_decide_their_type(void **state)
{
    const char *text;
    char other[64];
    uint8_t ends;
    uint32_t count = 0, after_space = 0;
    (void)state;
    for (; (text = control_text(count, &ends)) != NULL; count++) {
        after_space += strncmp(text, SPACE, 3) == 0;
        assert_int_equal(type_of(text), GGUF_TOKEN_CONTROL);
        snprintf(other, sizeof other, "%s.", text);
        assert_int_equal(type_of(other), GGUF_TOKEN_NORMAL);
        snprintf(other, sizeof other, SPACE ".%s", text);
        assert_int_equal(type_of(other), GGUF_TOKEN_NORMAL);
    }
    assert_true(count > 50 && after_space == 3);
    assert_int_equal(type_of("<|channel|>"), GGUF_TOKEN_USER);
    assert_int_equal(type_of(SPACE), GGUF_TOKEN_NORMAL);
    assert_int_equal(type_of(SPACE "once"), GGUF_TOKEN_NORMAL);
}

static void long_texts(void **state)
{
    enum { LENGTH = 100000 };
    char *text = malloc(LENGTH);
    int32_t *ids = malloc(3 * LENGTH * sizeof *ids); /* a space may become three byte tokens */
    (void)state;
    memset(text, 'a', LENGTH);
    assert_int_equal(encode(&v.tokenizer, text, LENGTH, ids, 3 * LENGTH), 3 + LENGTH / 4);
    for (int i = 0; i < LENGTH; i++) {
        text[i] = (char)random_below(256);
    }
    assert_true(encode(&v.tokenizer, text, LENGTH, ids, 3 * LENGTH) > LENGTH / 2);
    memset(text, ' ', LENGTH);
    assert_int_equal(encode(&v.tokenizer, text, LENGTH, ids, 3 * LENGTH), 1 + LENGTH / 2 + 1);
    free(ids);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges),              cmocka_unit_test(bytes_without_piece),
        cmocka_unit_test(user_defined_pieces), cmocka_unit_test(turns), cmocka_unit_test(flags),
        cmocka_unit_test(capacity),            cmocka_unit_test(finding),
        cmocka_unit_test(byte_names),          cmocka_unit_test(refusals),
        cmocka_unit_test(sparse_vocabularies), cmocka_unit_test(scores_of_every_kind),
        cmocka_unit_test(random_vocabularies), cmocka_unit_test(random_marked_tokens),
        cmocka_unit_test(hostile_control_tokens), cmocka_unit_test(texts_that_decide_their_type),
        cmocka_unit_test(long_texts),
    };
    return cmocka_run_group_tests(tests, load_small, free_small);
}
