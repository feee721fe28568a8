/* core/utf8.c against a decoder written the other way round: from code points. */
#include "unit.h"

#include "base/utf8.h"

static int encode(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6) {
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
    }
    out[0] = (uint8_t)(0xF00 >> length | code);
    return length;
}

static void every_code_point(void **state)
{
    uint8_t bytes[4];
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        int length = encode(code, bytes);
        bool surrogate = code >= 0xD800 && code < 0xE000;
        if (utf8_sequence(bytes, 4) != (surrogate ? -1 : length)) {
            fail_test("U+%04X gives %d\n", code, utf8_sequence(bytes, 4));
        }
        for (int n = 1; n < length && !surrogate; n++) {
            assert_int_equal(utf8_sequence(bytes, (size_t)n), 0);
        }
    }
}

static void ill_formed(void **state)
{
    static const struct {
        const char *bytes;
        int result;
    } cases[] = {
        {"\x80", -1},         {"\xBF", -1},         {"\xC0\x80", -1},     {"\xC1\xBF", -1},
        {"\xF5", -1},         {"\xFF", -1},         {"\xC2\x41", -1},     {"\xE0\x9F\x80", -1},
        {"\xE0\xA0\x41", -2}, {"\xED\xA0\x80", -1}, {"\xF0\x8F\x80", -1}, {"\xF0\x90\x41", -2},
        {"\xF4\x90\x80", -1}, {"\xF1\x80\x80\xE2", -3}, {"\xE2\xE2", -1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(utf8_sequence((const uint8_t *)cases[i].bytes, strlen(cases[i].bytes)), cases[i].result);
    }
}

static void printable(void **state)
{
    static const struct {
        const char *in, *out;
    } cases[] = {
        {"", ""},
        {"plain", "plain"},
        {"tab\tesc\x1B[31m\x7F", "tab?esc?[31m?"},
        {"\xC3\xB6 \xE6\xA0\xAA \xF0\x9F\x98\x80", "\xC3\xB6 \xE6\xA0\xAA \xF0\x9F\x98\x80"},
        {"\xC2\x9B" "31m \xC2\xA0", "?31m \xC2\xA0"},
        {"\xFF\xE2\x96x\xE2\x96", "??x?"},
        {"0123456789012345678", "0123456789012345678"},
        {"01234567890123456789", "0123456789012345678"},
        {"012345678901234567\xC3\xB6", "012345678901234567"},
    };
    char out[20];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        utf8_printable(out, sizeof out, (const uint8_t *)cases[i].in, strlen(cases[i].in));
        assert_string_equal(out, cases[i].out);
    }
    utf8_printable(out, 1, (const uint8_t *)"abc", 3);
    assert_string_equal(out, "");
}

/* Any bytes, one at a time, give what the whole gives at once. */
static void streams(void **state)
{
    (void)state;
    srand(4);
    for (int round = 0; round < 100000; round++) {
        struct utf8_stream stream = {0};
        char text[12], out[64], expected[64], sequence[UTF8_MAX];
        size_t n = 0, used = 0, wanted = 0, length;
        while (n < sizeof text) {
            if (rand() % 2 == 0) {
                text[n++] = (char)"\xC3\xB6\xE2\x96\xF0\x9F\xED\xA0\x61\x80\xFF"[rand() % 11];
            } else if (n + UTF8_MAX <= sizeof text) {
                n += utf8_encode(text + n, (uint32_t)rand() % 0x3000);
            } else {
                text[n++] = 'x';
            }
        }
        for (size_t i = 0; i < n; i++) {
            utf8_push(&stream, (uint8_t)text[i]);
            while ((length = utf8_pop(&stream, sequence)) > 0) {
                memcpy(out + used, sequence, length);
                used += length;
            }
        }
        for (const char *next = text, *end = text + n - stream.count; next < end;) {
            wanted += utf8_encode(expected + wanted, utf8_next(&next, end));
        }
        assert_int_equal(used, wanted);
        assert_memory_equal(out, expected, used);
        assert_true(stream.count == 0 || utf8_sequence(stream.pending, stream.count) == 0);
    }
}

static void columns(void **state)
{
    static const struct {
        uint32_t first, last, columns;
    } cases[] = {
        {' ', '~', 1}, {0xA0, 0x2FF, 1}, {0x300, 0x36F, 0}, {0x370, 0x482, 1}, {0x5D0, 0x5EA, 1}, {0x64B, 0x652, 0},
        {0x905, 0x939, 1}, {0xE34, 0xE3A, 0}, {0x1100, 0x115F, 2}, {0x1160, 0x11FF, 0}, {0x1E00, 0x1FFF, 1},
        {0x200B, 0x200D, 0}, {0x2010, 0x2027, 1}, {0x20AC, 0x20AC, 1}, {0x2190, 0x2199, 1}, {0x231A, 0x231A, 2},
        {0x2500, 0x257F, 1}, {0x2588, 0x2593, 1}, {0x2705, 0x2705, 2}, {0x3000, 0x3029, 2}, {0x3041, 0x3096, 2},
        {0x3099, 0x309A, 0}, {0x30A1, 0x30FF, 2}, {0x4E00, 0x9FFF, 2}, {0xAC00, 0xD7A3, 2}, {0xE000, 0xF8FF, 1},
        {0xFE0F, 0xFE0F, 0}, {0xFF01, 0xFF60, 2}, {0xFF61, 0xFFDC, 1}, {0xFFFD, 0xFFFD, 1}, {0x1D400, 0x1D4FF, 1},
        {0x1F300, 0x1F31F, 2}, {0x1F600, 0x1F64F, 2}, {0x1F680, 0x1F6C5, 2}, {0x1F900, 0x1F9FF, 2},
        {0x20000, 0x2FFFD, 2}, {0xE0100, 0xE01EF, 0}, {0x10FFFD, 0x10FFFD, 1},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (uint32_t code = cases[i].first; code <= cases[i].last; code++) {
            if (utf8_columns(code) != cases[i].columns) {
                fail_test("U+%04X takes %u columns\n", code, utf8_columns(code));
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(ill_formed),
        cmocka_unit_test(printable),
        cmocka_unit_test(streams),
        cmocka_unit_test(columns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
