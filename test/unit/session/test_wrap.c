/* core/session/wrap.c against a table, in every cut of the text into calls. */
#include "unit.h"

#include "session/wrap.h"

enum { OUT_MAX = 8192 };

static struct {
    char text[OUT_MAX];
    size_t length;
    uint32_t puts;
} out;

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    assert_true(n > 0 && out.length + n < OUT_MAX);
    const char *end = utf8 + n;
    for (const char *text = utf8; text < end;) { /* whole sequences only */
        const char *start = text;
        if (utf8_next(&text, end) == UTF8_REPLACEMENT_CODE)
            assert_memory_equal(start, UTF8_REPLACEMENT, 3);
    }
    memcpy(out.text + out.length, utf8, n);
    out.length += n;
    out.text[out.length] = 0;
    out.puts++;
}

static struct platform platform = {.put = put};

/* Wraps a text that comes in pieces of `piece` bytes. */
static const char *wrapped(uint32_t width, const char *text, size_t n, size_t piece)
{
    struct wrap wrap;
    memset(&out, 0, sizeof out);
    wrap_begin(&wrap, &platform, width);
    for (size_t i = 0; i < n; i += piece)
        wrap_put(&wrap, text + i, n - i < piece ? n - i : piece);
    wrap_end(&wrap);
    return out.text;
}

#define WORD_79 "1234567890123456789012345678901234567890123456789012345678901234567890123456789"

static const struct {
    uint32_t width;
    const char *text, *lines;
} cases[] = {
    {11, "", ""},
    {11, "word", "word"},
    {11, "1234567890", "1234567890"}, /* exactly the width without its last column */
    {11, "12345 7890", "12345 7890"},
    {11, "12345 78901", "12345\n78901"},
    {11, "1234567890 a", "1234567890\na"},
    {11, "a 1234567890", "a\n1234567890"},
    {11, "aaa bbb ccc ddd", "aaa bbb\nccc ddd"},
    {11, "aaa bbb cc ddd", "aaa bbb cc\nddd"},
    {80, "a " WORD_79 " b", "a\n" WORD_79 "\nb"},
    {80, WORD_79 "0", WORD_79 "\n0"},
    /* longer than a line */
    {11, "12345678901", "1234567890\n1"},
    {11, "a 1234567890123456789012345", "a\n1234567890\n1234567890\n12345"},
    {11, "1234567890123 45 6789012", "1234567890\n123 45\n6789012"},
    {11, "12345678901234567890 a", "1234567890\n1234567890\na"},
    {11, "12345678901 b", "1234567890\n1 b"},
    /* spaces: kept within a line and at its start, dropped at the break */
    {11, " a", " a"},
    {11, "   a  b   ", "   a  b   "},
    {11, "aaaa     bbbb", "aaaa\nbbbb"},
    {11, "aaaaa    b", "aaaaa    b"},
    {11, "aaaaa               ", "aaaaa     "},
    {11, "aaaaa               \nb", "aaaaa     \nb"},
    {11, "               aaaaa", "aaaaa"},
    {11, "  1234567890", "1234567890"},
    {11, "                    ", "          "},
    {11, "a\n  b", "a\n  b"},
    {11, "1234567890 ", "1234567890"},
    {11, "1234567890 \nb", "1234567890\nb"},
    /* a tie: a space within a word */
    {11, "aaaaa bb" WRAP_TIE "cc" WRAP_TIE "d", "aaaaa\nbb cc d"},
    {11, "aa bb" WRAP_TIE "cc, d", "aa bb cc,\nd"},
    {0, "a" WRAP_TIE "b", "a b"},
    /* newlines and tabs */
    {11, "a\nb\n\nc\n", "a\nb\n\nc\n"},
    {11, "\n\na", "\n\na"},
    {11, "1234567890\na", "1234567890\na"},
    {11, "1234567890123\n\na", "1234567890\n123\n\na"},
    {11, "a\tb\t\tc", "a b  c"},
    {11, "a\r\nb\rc", "a\nbc"},
    /* what a model must not do to a screen */
    {11, "\x1B[2J\x1B[31mred\x07\b\b\x7F\x01", "[2J[31mred"},
    {11, "a\xC2\x9B" "31mb\xC2\x85", "a31mb"},
    {11, "a\0b", "a"},
    /* columns that differ from bytes */
    {11, "\u00E4\u00F6\u00FC\u00DF\u00E9 \u00E4\u00F6\u00FC\u00DF",
     "\u00E4\u00F6\u00FC\u00DF\u00E9 \u00E4\u00F6\u00FC\u00DF"},
    {11, "\u00E4\u00F6\u00FC\u00DF\u00E9 \u00E4\u00F6\u00FC\u00DF\u00E9",
     "\u00E4\u00F6\u00FC\u00DF\u00E9\n\u00E4\u00F6\u00FC\u00DF\u00E9"},
    {11, "\u682A\u5F0F\u4F1A\u793E ab", "\u682A\u5F0F\u4F1A\u793E\nab"},
    {11, "\u682A\u5F0F\u4F1A\u793E a", "\u682A\u5F0F\u4F1A\u793E a"},
    {11, "\u682A\u5F0F\u4F1A\u793E\u682A\u5F0F", "\u682A\u5F0F\u4F1A\u793E\u682A\n\u5F0F"},
    {10, "\u682A\u5F0F\u4F1A\u793E\u682A\u5F0F", "\u682A\u5F0F\u4F1A\u793E\n\u682A\u5F0F"},
    {11, "\U0001F642\U0001F642\U0001F642\U0001F642 a \U0001F642",
     "\U0001F642\U0001F642\U0001F642\U0001F642 a\n\U0001F642"},
    {11, "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301 b",
     "e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301e\u0301\nb"},
    {11, "1234567890\u0301\u0302\u0303 b", "1234567890\u0301\u0302\u0303\nb"},
    {11, "12345678901\u0301", "1234567890\n1\u0301"},
    {11, "\xFF\xC3", "\uFFFD\uFFFD"},
    {11, "ab\xE6\xA0 c", "ab\uFFFD c"},
    /* no width known: nothing is broken, nothing dropped but control characters */
    {0, "  a    b  \n\n " WORD_79 " " WORD_79 "\x1B\t", "  a    b  \n\n " WORD_79 " " WORD_79 " "},
    /* no room at all */
    {1, "ab c", "a\nb\nc"},
    {2, "ab c", "a\nb\nc"},
    {2, "\u682A\u5F0F a", "\u682A\n\u5F0F\na"},
};

static void table(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const size_t n = strlen(cases[i].text);
        for (size_t piece = 1; piece <= n + 1; piece++)
            assert_string_equal(wrapped(cases[i].width, cases[i].text, n, piece), cases[i].lines);
    }
}

/* Any text at any width: no line beyond the width, no word split that fits, nothing but spaces lost, any cut the same.
   */
static void random_texts(void **state)
{
    static char text[2000], again[OUT_MAX], kept[2000], got[OUT_MAX];
    (void)state;
    srand(1);
    for (int round = 0; round < 3000; round++) {
        const uint32_t width = 2 + (uint32_t)rand() % 30, letters = 1 + (uint32_t)rand() % 40;
        const size_t n = (size_t)rand() % sizeof text;
        for (size_t i = 0; i < n; i++)
            text[i] = rand() % (int)letters == 0 ? (rand() % 8 == 0 ? '\n' : ' ') : (char)('a' + rand() % 26);
        strcpy(again, wrapped(width, text, n, 1 + (size_t)rand() % 9));
        assert_string_equal(wrapped(width, text, n, n > 0 ? n : 1), again);
        size_t column = 0, from = 0, to = 0, word = 0;
        for (const char *c = again; *c != 0; c++) {
            column = *c == '\n' ? 0 : column + 1;
            assert_true(column < width);
            if (*c != ' ' && *c != '\n')
                got[to++] = *c;
        }
        for (size_t i = 0; i < n; i++) {
            if (text[i] != ' ' && text[i] != '\n')
                kept[from++] = text[i];
        }
        assert_int_equal(from, to);
        assert_memory_equal(kept, got, from);
        for (size_t i = 0; i <= n; i++) { /* each word that fits a line stands in one */
            if (i < n && text[i] != ' ' && text[i] != '\n') {
                word++;
                continue;
            }
            char find[64] = {0};
            if (word > 0 && word < width) {
                memcpy(find, text + i - word, word);
                assert_non_null(strstr(again, find));
            }
            word = 0;
        }
    }
}

/* A word is seen as soon as it is over, and a word without end as soon as it cannot fit. */
static void text_streams(void **state)
{
    struct wrap wrap;
    (void)state;
    memset(&out, 0, sizeof out);
    wrap_begin(&wrap, &platform, 11);
    wrap_put(&wrap, "one", 3);
    assert_string_equal(out.text, "");
    wrap_put(&wrap, " ", 1);
    assert_string_equal(out.text, "one");
    wrap_put(&wrap, "two\n", 4);
    assert_string_equal(out.text, "one two\n");
    wrap_put(&wrap, "1234567890", 10);
    assert_string_equal(out.text, "one two\n");
    wrap_put(&wrap, "1", 1);
    assert_string_equal(out.text, "one two\n1234567890\n1");
    wrap_put(&wrap, "2", 1);
    assert_string_equal(out.text, "one two\n1234567890\n12");
    out.puts = 0;
    wrap_put(&wrap, " a b c d e f g h ", 17);
    assert_int_equal(out.puts, 1); /* one call for all: a console may be slow to call */
    wrap_begin(&wrap, &platform, 0);
    memset(&out, 0, sizeof out);
    wrap_put(&wrap, "on", 2);
    assert_string_equal(out.text, "on");
    wrap_put(&wrap, " ", 1);
    assert_string_equal(out.text, "on ");
}

/* More bytes in one word than are held back: marks without end over one letter. */
static void a_word_is_held_in_bounds(void **state)
{
    static char text[3 * WRAP_WORD_MAX + 3];
    (void)state;
    strcpy(text, "a e");
    for (size_t i = 3; i + 2 < sizeof text; i += 2)
        memcpy(text + i, "\u0301", 2);
    assert_string_equal(wrapped(80, text, strlen(text), 7), text);
    memset(text, 'x', sizeof text - 1);
    const char *got = wrapped(1000, text, 2000, 1); /* a screen wider than what is held back needs */
    assert_int_equal(strlen(got), 2002);
    assert_int_equal(got[999], '\n');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),
        cmocka_unit_test(random_texts),
        cmocka_unit_test(text_streams),
        cmocka_unit_test(a_word_is_held_in_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
