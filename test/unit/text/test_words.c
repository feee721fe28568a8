/* core/text/words.c, unicode.c and alphabet.c: how each rule cuts a text, and what is made of bytes that are none. */
#include "unit.h"

#include "text/alphabet.h"
#include "text/unicode.h"
#include "text/words.h"

static void append_word(void *context, const uint8_t *word, size_t n)
{
    char *all = context;
    size_t used = strlen(all);
    memcpy(all + used, word, n);
    all[used + n] = '|';
    all[used + n + 1] = '\0';
}

static void cutting(void **state)
{
    static const struct {
        const char *pre, *text, *words;
    } rows[] = {
        {"gpt-2", "Hello world", "Hello| world|"},
        {"gpt-2", "  Hello  \n world  ", " | Hello|  \n| world|  |"},
        {"gpt-2", "don't we'll DON'T", "don|'t| we|'ll| DON|'|T|"},
        {"gpt-2", "a1234 56!? x\xCC\x81", "a|1234| 56|!?| x|\xCC\x81|"},
        {"gpt-2", "\xC2\xA0x \xE3\x80\x80 y", "\xC2\xA0|x| \xE3\x80\x80| y|"},
        {"smollm", "a 123 b", "a| |1|2|3| b|"},
        {"llama-bpe", "Hello World", "Hello| World|"},
        {"llama-bpe", "I'LLx say don'tx", "I|'LL|x| say| don|'t|x|"},
        {"gpt-2", "I'LLx", "I|'|LLx|"},
        {"llama-bpe", "12345 x", "123|45| x|"},
        {"llama-bpe", "a\n\n  b!\n\nc", "a|\n\n| | b|!\n\n|c|"},
        {"llama-bpe", "(x) \t y  ", "(x|)| \t| y|  |"},
        {"qwen2", "12 \xD9\xA1\xD9\xA2", "1|2| |\xD9\xA1|\xD9\xA2|"},
        {"minicpm5", "1234 x", "123|4| x|"},
        {"tekken", "camelCase HTMLx\xC3\xA9" "A b/\n", "camel|Case| HTMLx\xC3\xA9|A| b|/\n|"},
        {"tekken", "\xC3\x89" "A I'm", "\xC3\x89|A| I|'m|"},
        {"default", "a+b 12345!", "a|+|b| |123|45|!|"},
        {"deepseek-coder", "a\n\nb1 12,\xE4\xBD\xA0", "a|\n|\n|b|1| |1|2|,|\xE4\xBD\xA0|"},
        {"deepseek-llm", "Hi \xE4\xBD\xA0 123  ", "Hi| |\xE4\xBD\xA0| |123|  |"},
        {"deepseek-llm", "\xC3\xA9" "a  b", "\xC3\xA9|a| | b|"}, /* marks hold [a-z] as well */
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char all[256] = "";
        const uint8_t *text = (const uint8_t *)rows[i].text;
        words_cut(gguf_find_pre(rows[i].pre)->rule, text, strlen(rows[i].text), append_word, all);
        if (strcmp(all, rows[i].words) != 0) {
            fail_test("%s, \"%s\": %s instead of %s\n", rows[i].pre, rows[i].text, all, rows[i].words);
        }
    }
}

struct sum {
    const uint8_t *next;
};

static void expect_next(void *context, const uint8_t *word, size_t n)
{
    struct sum *sum = context;
    assert_ptr_equal(word, sum->next);
    assert_true(n > 0);
    sum->next += n;
}

/* Whatever the text, its words together are the text, and a long one takes no longer than its length asks for. */
static void words_are_the_text(void **state)
{
    enum { LENGTH = 1 << 17 };
    static uint8_t text[LENGTH], clean[WORDS_GROWTH * LENGTH];
    static const char letters[] = "aA1 \n!'\xC3\xA9\xE3\x80\x80/s";
    static const char *const pres[] = {"default", "gpt-2", "smollm", "llama-bpe", "qwen2", "minicpm5", "tekken",
                                       "deepseek-llm", "deepseek-coder"};
    uint32_t random = 1;
    (void)state;
    assert_int_equal(COUNT_OF(pres), GGUF_PRE_RULES);
    for (size_t kind = 0; kind < sizeof letters; kind++) {
        for (size_t i = 0; i < LENGTH; i++) {
            random = random * 1664525 + 1013904223;
            size_t letter = kind + 1 < sizeof letters ? kind : (random >> 16) % (sizeof letters - 1);
            text[i] = (uint8_t)letters[letter];
        }
        text[LENGTH - 1] = 'x'; /* spaces that are not at the end */
        size_t n = words_clean(text, LENGTH, clean);
        for (size_t i = 0; i < COUNT_OF(pres); i++) {
            struct sum sum = {clean};
            words_cut(gguf_find_pre(pres[i])->rule, clean, n, expect_next, &sum);
            assert_ptr_equal(sum.next, clean + n);
        }
    }
}

static void cleaning(void **state)
{
    static const struct {
        const char *text, *clean;
    } rows[] = {
        {"a\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80", "a\xC3\xA9\xE4\xBD\xA0\xF0\x9F\x98\x80"},
        {"\x80" "a", "\xEF\xBF\xBD" "a"},
        {"\xC3(", "\xEF\xBF\xBD("},
        {"\xE4\xBD", "\xEF\xBF\xBD\xEF\xBF\xBD"},                          /* each byte by itself */
        {"\xC1\x81", "A"},                                                 /* longer than need be */
        {"\xE0\x83\xA9", "\xC3\xA9"},
        {"\xED\xA0\x80", "\xED\xA0\x80"},                                  /* a surrogate */
        {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"}, /* beyond the last code point */
        {"\xF8\xFF", "\xEF\xBF\xBD\xEF\xBF\xBD"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t out[32] = {0};
        assert_int_equal(words_clean((const uint8_t *)rows[i].text, strlen(rows[i].text), out), strlen(rows[i].clean));
        assert_string_equal((const char *)out, rows[i].clean);
    }
}

static void classes(void **state)
{
    static const struct {
        uint32_t code;
        enum unicode_class class;
    } rows[] = {
        {0, UNICODE_OTHER}, {8, UNICODE_OTHER}, {9, UNICODE_SPACE}, {0xD, UNICODE_SPACE}, {0xE, UNICODE_OTHER},
        {' ', UNICODE_SPACE}, {'!', UNICODE_PUNCTUATION}, {'$', UNICODE_OTHER}, {'0', UNICODE_NUMBER},
        {'A', UNICODE_LETTER}, {0x85, UNICODE_SPACE}, {0xA0, UNICODE_SPACE}, {0xAA, UNICODE_LETTER},
        {0xB2, UNICODE_NUMBER}, {0x301, UNICODE_OTHER}, {0x660, UNICODE_NUMBER}, {0x2028, UNICODE_SPACE},
        {0x200B, UNICODE_OTHER}, {0x2160, UNICODE_NUMBER}, {0x3000, UNICODE_SPACE}, {0x3001, UNICODE_PUNCTUATION},
        {0x4E00, UNICODE_LETTER}, {0x9FFF, UNICODE_LETTER}, {0xA000, UNICODE_LETTER}, {0xD7A3, UNICODE_LETTER},
        {0xD800, UNICODE_OTHER}, {0x1F600, UNICODE_OTHER}, {0x2A6DF, UNICODE_LETTER}, {0x2A6E0, UNICODE_OTHER},
        {0x10FFFF, UNICODE_OTHER}, {0x110000, UNICODE_OTHER}, {UINT32_MAX, UNICODE_OTHER},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_int_equal(unicode_class(rows[i].code), rows[i].class);
    }
}

/* The class by the line of a code point in the Unicode Character Database, White_Space apart. */
static enum unicode_class class_of(const char *category)
{
    return *category == 'L'   ? UNICODE_LETTER
           : *category == 'N' ? UNICODE_NUMBER
           : *category == 'P' ? UNICODE_PUNCTUATION
                              : UNICODE_OTHER;
}

/* All code points, those without a line among them. A line of a range's last one has the range before it. */
static void every_class(void **state)
{
    FILE *database = fopen("/usr/share/unicode/UnicodeData.txt", "r");
    char name[128], category[3];
    uint32_t next = 0, code, seen = 0;
    (void)state;
    assert_non_null(database);
    while (fscanf(database, "%x;%127[^;];%2[^;];%*[^\n]", &code, name, category) == 3) {
        const enum unicode_class class = class_of(category);
        for (; next <= code; next++) {
            const enum unicode_class is = unicode_class(next);
            const bool listed = next == code || strstr(name, ", Last>") != NULL;
            assert_true(is == UNICODE_SPACE || is == (listed ? class : UNICODE_OTHER));
            seen += is != UNICODE_OTHER;
        }
    }
    fclose(database);
    assert_true(seen > 100000);
    for (; next < 0x110000; next++) {
        assert_int_equal(unicode_class(next), UNICODE_OTHER);
    }
}

static void alphabet(void **state)
{
    static const struct {
        const char *letters, *bytes;
        size_t n;
    } rows[] = {
        {"", "", 0}, {"a!~", "a!~", 3}, {"\xC4\xA0" "a", " a", 2}, {"\xC4\x80\xC4\x8A", "\0\n", 2},
        {"\xC4\xA1\xC5\x82", "\x7F\xA0", 2}, {"\xC5\x83", "\xAD", 1}, {"\xC2\xA1\xC3\xBF", "\xA1\xFF", 2},
    };
    static const char *const foreign[] = {" ", "\n", "a b", "\x7F", "\xC2\xA0", "\xC2\xAD", "\xC5\x84", "\xE2\x96\x81",
                                          "\xC3", "\xC3(", "\xC1\xA1", "\xA1", "\xFF"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint8_t out[8];
        assert_int_equal(alphabet_decode((const uint8_t *)rows[i].letters, strlen(rows[i].letters), out), rows[i].n);
        assert_memory_equal(out, rows[i].bytes, rows[i].n);
    }
    for (size_t i = 0; i < COUNT_OF(foreign); i++) {
        uint8_t out[] = "unchanged";
        assert_true(alphabet_decode((const uint8_t *)foreign[i], strlen(foreign[i]), out) == ALPHABET_FOREIGN);
        assert_string_equal((const char *)out, "unchanged");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cutting), cmocka_unit_test(words_are_the_text), cmocka_unit_test(cleaning),
        cmocka_unit_test(classes), cmocka_unit_test(every_class), cmocka_unit_test(alphabet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
