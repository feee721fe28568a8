/* pc/terminal_keys.c: what terminals send, whole and cut off. */
#include "unit.h"

#include "pc/dim.h"
#include "pc/terminal_keys.h"
#include "platform.h"

static void reads_terminal_sequences(void **state)
{
    static const struct {
        const char *bytes;
        int keys[6];
    } cases[] = {
        {"ab", {'a', 'b'}},
        {"\r\n\n", {'\r', '\r'}},
        {"\x7F\b", {8, 8}},
        {"\x1B[A\x1B[B\x1BOC\x1B[D", {KEY_UP, KEY_DOWN, KEY_RIGHT, KEY_LEFT}},
        {"\x1B[H\x1B[1~\x1B[7~\x1BOF\x1B[4~", {KEY_HOME, KEY_HOME, KEY_HOME, KEY_END, KEY_END}},
        {"\x1B[3~\x1B[1;5C\x1B[15~x", {KEY_DELETE, KEY_RIGHT, 'x'}},
        {"\x1B[99999999999999A", {KEY_UP}},
        {"\x1B\x1B[A", {0x1B, KEY_UP}},
        {"\033xy", {0x1B, 'y'}},
        {"\xC3\xA9\xE6\xA0\xAA\xF0\x9F\x98\x80", {0xE9, 0x682A, 0x1F600}},
        {"\377\303a\346\240z", {'a', 'z'}},
        {"\x03", {3}},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct terminal_keys keys = {0};
        size_t found = 0;
        for (const char *byte = cases[i].bytes; *byte != 0; byte++) {
            int key = terminal_keys_byte(&keys, (uint8_t)*byte, 1000);
            if (key != KEY_NONE) {
                assert_int_equal(key, cases[i].keys[found]);
                found++;
            }
        }
        assert_true(found < COUNT_OF(cases[i].keys));
        assert_int_equal(cases[i].keys[found], 0);
        assert_int_equal(terminal_keys_byte(&keys, 0, 1000), KEY_NONE);
    }
}

static void tells_escape_from_sequences_by_time(void **state)
{
    struct terminal_keys keys = {0};

    (void)state;
    assert_int_equal(terminal_keys_byte(&keys, 0x1B, 1000), KEY_NONE);
    assert_int_equal(terminal_keys_idle(&keys, 50999), KEY_NONE);
    assert_int_equal(terminal_keys_idle(&keys, 51000), 0x1B);
    assert_int_equal(terminal_keys_idle(&keys, 200000), KEY_NONE);
    assert_int_equal(terminal_keys_byte(&keys, 'A', 200000), 'A');
    terminal_keys_byte(&keys, 0x1B, 300000);
    terminal_keys_byte(&keys, '[', 300000);
    assert_int_equal(terminal_keys_idle(&keys, 400000), KEY_NONE); /* cut off: no key */
    assert_int_equal(terminal_keys_byte(&keys, 'A', 400000), 'A');
}

/* Sequences only where dimming begins and ends: all else on a serial port is plain. */
static void only_thoughts_are_dimmed(void **state)
{
    static const struct {
        enum platform_colour colour;
        const char *sequence;
    } rows[] = {{COLOUR_TEXT, ""},           {COLOUR_NOTE, ""},  {COLOUR_THOUGHT, "\x1B[2m"}, {COLOUR_THOUGHT, ""},
                {COLOUR_TEXT, "\x1B[0m"},    {COLOUR_ERROR, ""}, {COLOUR_THOUGHT, "\x1B[2m"}, {COLOUR_NOTE, "\x1B[0m"},
                {COLOUR_ACCENT, ""},         {COLOUR_TEXT, ""}};
    bool dimmed = false;
    (void)state;
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        assert_string_equal(dim_sequence(&dimmed, rows[i].colour), rows[i].sequence);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_terminal_sequences),
        cmocka_unit_test(tells_escape_from_sequences_by_time),
        cmocka_unit_test(only_thoughts_are_dimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
