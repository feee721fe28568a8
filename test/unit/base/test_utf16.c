/* utf16.h: every code point there and back, and surrogates without their other half. */
#include "unit.h"

#include "base/utf16.h"
#include "base/utf8.h"

static void every_code_point(void **state)
{
    (void)state;
    for (uint32_t code = 0; code < 0x110000; code++) {
        uint16_t units[UTF16_MAX];
        const uint16_t *at = units;
        if (code >= 0xD800 && code < 0xE000) {
            continue;
        }
        const uint32_t n = utf16_encode(units, code);
        assert_int_equal(n, code < 0x10000 ? 1 : 2);
        assert_int_equal(utf16_next(&at, units + n), code);
        assert_ptr_equal(at, units + n);
    }
    uint16_t bear[UTF16_MAX];
    assert_int_equal(utf16_encode(bear, 0x1F43B), 2); /* as in the Unicode standard, 3.9, D91 */
    assert_true(bear[0] == 0xD83D && bear[1] == 0xDC3B);
}

static void half_a_pair(void **state)
{
    static const struct {
        uint16_t units[3];
        uint32_t count, codes[3];
    } cases[] = {
        {{0xD83D}, 1, {UTF8_REPLACEMENT_CODE}},
        {{0xDC3B}, 1, {UTF8_REPLACEMENT_CODE}},
        {{0xDC3B, 0xD83D, 'a'}, 3, {UTF8_REPLACEMENT_CODE, UTF8_REPLACEMENT_CODE, 'a'}},
        {{0xD83D, 0xD83D, 0xDC3B}, 3, {UTF8_REPLACEMENT_CODE, 0x1F43B}},
        {{0xD800, 0xE000}, 2, {UTF8_REPLACEMENT_CODE, 0xE000}},
        {{0xDBFF, 0xDFFF}, 2, {0x10FFFF}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint16_t *units = malloc(cases[i].count * sizeof *units); /* no more, so that ASan sees a unit too many */
        memcpy(units, cases[i].units, cases[i].count * sizeof *units);
        const uint16_t *at = units, *end = units + cases[i].count;
        for (uint32_t k = 0; at < end; k++) {
            assert_int_equal(utf16_next(&at, end), cases[i].codes[k]);
        }
        free(units);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point),
        cmocka_unit_test(half_a_pair),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
