/* core/utf8.c against a decoder written the other way round: from code points. */
#include "unit.h"

#include "utf8.h"

static int encode(uint32_t code, uint8_t *out)
{
    if (code < 0x80) {
        out[0] = (uint8_t)code;
        return 1;
    }
    int length = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (int i = length - 1; i > 0; i--, code >>= 6)
        out[i] = (uint8_t)(0x80 | (code & 0x3F));
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
        if (utf8_sequence(bytes, 4) != (surrogate ? -1 : length))
            fail_test("U+%04X gives %d\n", code, utf8_sequence(bytes, 4));
        for (int n = 1; n < length && !surrogate; n++)
            assert_int_equal(utf8_sequence(bytes, (size_t)n), 0);
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
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(utf8_sequence((const uint8_t *)cases[i].bytes, strlen(cases[i].bytes)), cases[i].result);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(ill_formed),
        cmocka_unit_test(printable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
