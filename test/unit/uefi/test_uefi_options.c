/* uefi/load_options.c: a command line in whatever firmware and boot loaders pass. */
#include "unit.h"

#include "uefi/load_options.h"

static char line[LOAD_OPTIONS_MAX];

/* Reads options of so many bytes, in memory of just this size, at an odd address. */
static bool read(const void *options, size_t bytes)
{
    uint8_t *exact = malloc(bytes + 1);
    memcpy(exact + 1, options, bytes);
    const EFI_LOADED_IMAGE_PROTOCOL image = {.LoadOptions = exact + 1, .LoadOptionsSize = (UINT32)bytes};
    memset(line, 'x', sizeof line);
    const bool result = load_options_read(&image, line);
    free(exact);
    return result;
}

static void words_without_the_name(void **state)
{
    static const struct {
        const uint16_t *options;
        const char *line;
    } cases[] = {
        {u"BOOTX64.EFI prompt=\"The dog\" steps=5", " prompt=\"The dog\" steps=5"}, /* iPXE, the UEFI Shell */
        {u"FS0:\\EFI\\BOOT\\BOOTX64.EFI\tseed=1", "\tseed=1"},
        {u"\"FS0:\\my tools\\BOOTX64.EFI\" prompt=\"The dog\"", " prompt=\"The dog\""},
        {u"\"FS0:\\my tools\\\"BOOTX64.EFI a=b", " a=b"},
        {u"\"prompt=The dog\" steps=5", "\"prompt=The dog\" steps=5"},
        {u"steps=5 quiet", "steps=5 quiet"}, /* a boot entry */
        {u"  steps=5\r\n", "  steps=5\r\n"},
        {u"prompt=caf\u00e9 \u4f60", "prompt=caf\xC3\xA9 \xE4\xBD\xA0"},
        {u"prompt=\xD800", "prompt=\xEF\xBF\xBD"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        size_t n = 0;
        while (cases[i].options[n] != 0) {
            n++;
        }
        for (size_t nul = 0; nul < 2; nul++) { /* some count the NUL, some have none */
            assert_true(read(cases[i].options, (n + nul) * 2));
            assert_string_equal(line, cases[i].line);
        }
    }
    assert_true(read(u"BOOTX64.EFI a=b\0\1\2", 2 * 18));
    assert_string_equal(line, " a=b");
}

static void assert_none(const void *options, size_t bytes)
{
    assert_false(read(options, bytes));
    assert_string_equal(line, "");
}

static void what_is_no_command_line(void **state)
{
    const EFI_LOADED_IMAGE_PROTOCOL none = {.LoadOptions = NULL, .LoadOptionsSize = 8};
    (void)state;
    line[0] = 'x';
    assert_false(load_options_read(&none, line));
    assert_string_equal(line, "");
    assert_none("", 0);
    assert_none(u"", 2);
    assert_none(u"a=b", 5); /* half a unit */
    assert_none(u"BOOTX64.EFI quiet", 34);
    assert_none(u"a=b\x1b[2J", 14);
    assert_none("a=b steps=5\0", 12);                                    /* of bytes: two make a unit */
    assert_none("\x8b\x2c\x81\x4e\x3d\x00\x03\x00\x9c\x4d\x9b\x11", 12); /* data */
}

static void long_ones_are_cut(void **state)
{
    static uint16_t options[2 * LOAD_OPTIONS_MAX];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        options[i] = i == 1 ? '=' : 'a';
    }
    assert_true(read(options, sizeof options));
    assert_int_equal(strlen(line), LOAD_OPTIONS_MAX - 1);
    for (size_t i = 2; i < COUNT_OF(options); i++) {
        options[i] = 0x4f60;
    }
    assert_true(read(options, sizeof options));
    assert_int_equal(strlen(line), 2 + (LOAD_OPTIONS_MAX - 3) / 3 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_without_the_name),
        cmocka_unit_test(what_is_no_command_line),
        cmocka_unit_test(long_ones_are_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
