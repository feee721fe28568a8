/* core/format.c and core/parse.c: every conversion, every limit, exact bits of floats. */
#include "unit.h"

#include "base/error.h"
#include "base/format.h"
#include "base/number.h"
#include "base/text.h"

#define CHECK(expected, ...) \
    do { \
        assert_int_equal(format(text, sizeof text, __VA_ARGS__), strlen(expected)); \
        assert_string_equal(text, expected); \
    } while (0)

static void conversions(void **state)
{
    const char *volatile none = NULL; /* volatile: the compiler warns of a NULL that it sees */
    char text[100];
    (void)state;
    CHECK("", "%s", "");
    CHECK("a b (null) % x", "%s %s %s %% %c", "a", "b", none, 'x');
    CHECK("0 -1 -2147483648 2147483647", "%d %d %d %d", 0, -1, INT32_MIN, INT32_MAX);
    CHECK("0 4294967295 deadbeef 0", "%u %u %x %x", 0u, UINT32_MAX, 0xDEADBEEFu, 0u);
    CHECK("0 18446744073709551615 10000000000", "%llu %llu %llu", 0ull, UINT64_MAX + 0ull, 10000000000ull);
    CHECK("12 7", "%zu %u", (size_t)12, 7u);
}

static void widths(void **state)
{
    char text[100];
    (void)state;
    CHECK("[   ab][ab   ][abcdef]", "[%5s][%-5s][%5s]", "ab", "ab", "abcdef");
    CHECK("[    7][7    ][00007][123456]", "[%5u][%-5u][%05u][%5u]", 7u, 7u, 7u, 123456u);
    CHECK("[   -7][-7   ][-0007]", "[%5d][%-5d][%05d]", -7, -7, -7);
    CHECK("[00ff][  ff]", "[%04x][%4x]", 255u, 255u);
    CHECK("[00000000000000000000000000000001]", "[%032u]", 1u);
}

static void cutting(void **state)
{
    char text[4] = "zzz";
    (void)state;
    assert_int_equal(format(text, 4, "%s", "abcdef"), 3);
    assert_string_equal(text, "abc");
    assert_int_equal(format(text, 1, "%s", "abcdef"), 0);
    assert_string_equal(text, "");
    text[0] = 'z';
    assert_int_equal(format(text, 0, "%s", "abcdef"), 0);
    assert_int_equal(text[0], 'z');
    assert_int_equal(format(text, 3, "%5u", 12345u), 2);
    assert_string_equal(text, "12");
}

static void failing(void **state)
{
    struct error error;
    char longer[1000];
    (void)state;
    assert_int_equal(error_set(&error, "%s: %u", "a", 5u), -1);
    assert_string_equal(error.text, "a: 5");
    memset(longer, 'x', sizeof longer);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(error_set(&error, "%s", longer), -1);
    assert_int_equal(strlen(error.text), sizeof error.text - 1);
}

static void comparing(void **state)
{
    (void)state;
    assert_int_equal(text_length(""), 0);
    assert_int_equal(text_length("abc"), 3);
    assert_true(text_equal("abc", "abc") && text_equal("", ""));
    assert_false(text_equal("abc", "abd") || text_equal("ab", "abc") || text_equal("abc", "ab") ||
                 text_equal("a", "A"));
    assert_true(text_equal_nocase("aBc_Z", "AbC_z"));
    assert_false(text_equal_nocase("abc", "abd") || text_equal_nocase("ab", "abc") || text_equal_nocase("[", "{"));
}

static void rates(void **state)
{
    static const struct {
        uint64_t amount, microseconds;
        uint32_t tenths;
    } cases[] = {
        {0, 0, 0},
        {5, 0, 0},
        {0, 7, 0},
        {1, 1, 10},
        {1999, 1000, 19},
        {1000000, 3000000, 3},
        {123456789, 1000, 1234567},
        {100ull << 40, 10ull << 40, 100}, /* a divisor beyond 32 bits */
        {UINT32_MAX, UINT32_MAX, 10},
        {1ull << 32, 1ull << 32, 10},
        {1ull << 59, 1, UINT32_MAX},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        assert_int_equal(number_rate_tenths(cases[i].amount, cases[i].microseconds), cases[i].tenths);
    }
}

static void whole_numbers(void **state)
{
    static const char *const wrong[] = {"", "-1", "+1", " 1", "1 ", "1a", "0x10", "1.0", "18446744073709551616",
                                        "99999999999999999999", "100000000000000000000"};
    uint64_t value = 77;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(number_parse_u64(wrong[i], strlen(wrong[i]), &value));
    }
    assert_true(value == 77);
    assert_true(number_parse_u64("18446744073709551615", 20, &value) && value == UINT64_MAX);
    assert_true(number_parse_u64("18446744073709551609", 20, &value) && value == UINT64_MAX - 6);
    assert_true(number_parse_u64("007", 3, &value) && value == 7);
    assert_true(number_parse_u64("12345", 3, &value) && value == 123);
}

static uint32_t bits_of(const char *text)
{
    float value;
    uint32_t bits;
    assert_true(number_parse_float(text, strlen(text), &value));
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void floats(void **state)
{
    static const struct {
        const char *text;
        uint32_t bits;
    } right[] = {
        {"0", 0}, {"-0", 0x80000000}, {"0.0", 0}, {"0e99", 0}, {"1", 0x3F800000}, {"-1", 0xBF800000},
        {"0.8", 0x3F4CCCCD}, {"0.9", 0x3F666666}, {".5", 0x3F000000}, {"5.", 0x40A00000}, {"1.1", 0x3F8CCCCD},
        {"3.141593", 0x40490FDC}, {"1e-5", 0x3727C5AC}, {"0.00001", 0x3727C5AC}, {"-1.5e-3", 0xBAC49BA6},
        {"9999999", 0x4B18967F}, {"16777216", 0x4B7FFFFA}, {"100000000000", 0x51BA43B7}, {"1E+3", 0x447A0000},
        {"1e10", 0x501502F9}, {"0.0000000001", 0x2EDBE6FF}, {"1e30", 0x7149F2CA}, {"1e-30", 0x0DA24260},
        {"0.33333333333", 0x3EAAAAAA}, {"000000000000000000001", 0x3F800000},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(right); i++) {
        assert_int_equal(bits_of(right[i].text), right[i].bits);
    }
}

static void wrong_floats(void **state)
{
    static const char *const wrong[] = {"", "-", ".", "-.", "+1", "e5", "1e", "1e-", "1e+", "1.2.3", "1,5", " 1", "1 ",
                                        "1f", "nan", "inf", "0x1", "1e31", "1e-31", "1e99999999999999999999", "--1",
                                        "1e5.0", "1e1001"};
    char digits[200];
    float value = 3.0f;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(wrong); i++) {
        assert_false(number_parse_float(wrong[i], strlen(wrong[i]), &value));
    }
    memset(digits, '1', sizeof digits);
    assert_false(number_parse_float(digits, sizeof digits, &value));
    assert_true(value == 3.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(conversions), cmocka_unit_test(widths),        cmocka_unit_test(cutting),
        cmocka_unit_test(failing),     cmocka_unit_test(comparing),     cmocka_unit_test(rates),
        cmocka_unit_test(whole_numbers),
        cmocka_unit_test(floats),      cmocka_unit_test(wrong_floats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
