/* Screen, keys, console devices, time and text of uefi/ on a firmware that does its worst. */
#include "unit.h"

#include "fake_firmware.h"
#include "platform.h"
#include "uefi/colours.h"
#include "uefi/console_path.h"
#include "uefi/keyboard.h"
#include "uefi/screen.h"
#include "uefi/status.h"
#include "uefi/unicode.h"

/* ---- screen ---- */

static struct {
    UINTN columns;
    EFI_STATUS status;
    CHAR16 text[4096];
    size_t length, longest;
    int cursor; /* EnableCursor: last value, -1 = never called */
} shown;

static EFI_STATUS EFIAPI fake_query_mode(SIMPLE_TEXT_OUTPUT_INTERFACE *out, UINTN mode, UINTN *columns, UINTN *rows)
{
    (void)out;
    assert_int_equal(mode, 2);
    *columns = shown.columns;
    *rows = 25;
    return shown.status;
}

static EFI_STATUS EFIAPI fake_output(SIMPLE_TEXT_OUTPUT_INTERFACE *out, CHAR16 *text)
{
    size_t length = 0;

    (void)out;
    for (; text[length] != 0; length++) {
        assert_true(shown.length < COUNT_OF(shown.text));
        shown.text[shown.length++] = text[length];
    }
    shown.longest = length > shown.longest ? length : shown.longest;
    return EFI_SUCCESS;
}

/* A console of Latin-1. */
static EFI_STATUS EFIAPI fake_test_string(SIMPLE_TEXT_OUTPUT_INTERFACE *out, CHAR16 *text)
{
    (void)out;
    assert_int_equal(text[1], 0);
    return text[0] < 0x100 ? EFI_SUCCESS : EFI_UNSUPPORTED;
}

static EFI_STATUS EFIAPI fake_enable_cursor(SIMPLE_TEXT_OUTPUT_INTERFACE *out, BOOLEAN on)
{
    (void)out;
    shown.cursor = on;
    return EFI_SUCCESS;
}

static SIMPLE_TEXT_OUTPUT_MODE text_mode = {.MaxMode = 3, .Mode = 2};
static SIMPLE_TEXT_OUTPUT_INTERFACE text_out = {
    .OutputString = fake_output,
    .TestString = fake_test_string,
    .QueryMode = fake_query_mode,
    .EnableCursor = fake_enable_cursor,
    .Mode = &text_mode,
};

static EFI_STATUS EFIAPI locate_nothing(EFI_GUID *guid, VOID *key, VOID **found)
{
    (void)guid, (void)key;
    *found = NULL;
    return EFI_NOT_FOUND;
}

static struct screen open_screen(UINTN columns, EFI_STATUS status)
{
    EFI_BOOT_SERVICES boot = {.LocateProtocol = locate_nothing};
    EFI_SYSTEM_TABLE table = {.ConOut = &text_out, .BootServices = &boot};
    struct screen screen;

    memset(&shown, 0, sizeof shown);
    shown.columns = columns;
    shown.status = status;
    screen_open(&screen, &table);
    return screen;
}

static void distrusts_screen_sizes(void **state)
{
    (void)state;
    assert_int_equal(open_screen(100, EFI_SUCCESS).columns, 100);
    assert_int_equal(open_screen(1, EFI_SUCCESS).columns, 1);
    assert_int_equal(open_screen(999, EFI_SUCCESS).columns, 999);
    assert_int_equal(open_screen(0, EFI_SUCCESS).columns, 80);
    assert_int_equal(open_screen(1000, EFI_SUCCESS).columns, 80);
    assert_int_equal(open_screen((UINTN)-1, EFI_SUCCESS).columns, 80);
    assert_int_equal(open_screen(132, EFI_UNSUPPORTED).columns, 80);
    text_mode.Mode = -1;
    assert_int_equal(open_screen(132, EFI_SUCCESS).columns, 80);
    text_mode.Mode = 2;
    EFI_SYSTEM_TABLE table = {.ConOut = NULL};
    struct screen screen;
    screen_greet(&table, u"text");
    screen_open(&screen, &table);
    assert_int_equal(screen.columns, 0);
    screen_put(&screen, "text", 4);
    screen_flush(&screen);
    screen_close(&screen);
}

static void writes_what_can_be_shown(void **state)
{
    static const char text[] = "a\nb\b \xC3\xA9 \xE6\xA0\xAA \xF0\x9F\x98\x80 \xFF\xC2\x85\x01\x7F.";
    static const CHAR16 expected[] = u"a\r\nb\b \u00E9 ?? ?? ????.";
    struct screen screen = open_screen(80, EFI_SUCCESS);

    (void)state;
    assert_int_equal(shown.cursor, 1);
    screen_put(&screen, text, sizeof text - 1);
    assert_int_equal(shown.length, 0);
    screen_flush(&screen);
    assert_int_equal(shown.length, COUNT_OF(expected) - 1);
    assert_memory_equal(shown.text, expected, sizeof expected - sizeof expected[0]);
    char many[1001];
    memset(many, '\n', sizeof many);
    screen_put(&screen, many, sizeof many);
    screen_flush(&screen);
    screen_flush(&screen); /* once only */
    assert_int_equal(shown.length, COUNT_OF(expected) - 1 + 2 * sizeof many);
    assert_true(shown.longest <= 128);
    screen_close(&screen);
    assert_int_equal(shown.cursor, 0);
}

static struct {
    int mode; /* 0 = text, 1 = graphics, -1 = the firmware does not say */
    int sets; /* calls of SetMode */
} console;

static EFI_STATUS EFIAPI fake_get_mode(void *control, int *mode, BOOLEAN *has_graphics, BOOLEAN *locked)
{
    (void)control;
    assert_true(has_graphics == NULL && locked == NULL);
    *mode = console.mode;
    return console.mode < 0 ? EFI_DEVICE_ERROR : EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_set_mode(void *control, int mode)
{
    (void)control;
    console.mode = mode;
    console.sets++;
    return EFI_SUCCESS;
}

static void *console_control[] = {fake_get_mode, fake_set_mode};

static EFI_STATUS EFIAPI locate_console_control(EFI_GUID *guid, VOID *key, VOID **found)
{
    assert_null(key);
    assert_int_equal(guid->Data1, 0xF42F7782);
    *found = console_control;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_clear(SIMPLE_TEXT_OUTPUT_INTERFACE *out)
{
    (void)out;
    memset(&shown, 0, sizeof shown);
    return EFI_SUCCESS;
}

/* Apple's firmware starts programs with its screen in graphics mode. */
static void greets_in_text_mode(void **state)
{
    SIMPLE_TEXT_OUTPUT_INTERFACE out = {.OutputString = fake_output, .ClearScreen = fake_clear};
    EFI_BOOT_SERVICES boot = {.LocateProtocol = locate_console_control};
    EFI_SYSTEM_TABLE table = {.BootServices = &boot, .ConOut = &out};
    static const int modes[] = {1, 0, -1}, sets[] = {1, 0, 0};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(modes); i++) {
        console.mode = modes[i];
        console.sets = 0;
        screen_greet(&table, u"text");
        assert_int_equal(console.sets, sets[i]);
        assert_true(console.mode <= 0);
        assert_memory_equal(shown.text, u"text", sizeof u"text");
    }
    boot.LocateProtocol = locate_nothing;
    screen_greet(&table, u"other");
    assert_memory_equal(shown.text, u"other", sizeof u"other");
}

#define PCI 1, 1, 6, 0, 0, 0x1F
#define ACPI(uid) 2, 1, 12, 0, 0xD0, 0x41, 0x01, 0x05, uid, 0, 0, 0
#define UART 3, 14, 19, 0, 0, 0, 0, 0, 0, 0xC2, 1, 0, 0, 0, 0, 0, 8, 1, 1
#define VENDOR 1, 4, 20, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16
#define DISPLAY 2, 3, 8, 0, 0, 1, 1, 0x80
#define NEXT_INSTANCE 0x7F, 1, 4, 0
#define END 0x7F, 0xFF, 4, 0

/* ---- keys ---- */

static EFI_KEY_DATA typed;
static int plain_reads;

static EFI_STATUS EFIAPI fake_read_extended(EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *in, EFI_KEY_DATA *data)
{
    (void)in;
    *data = typed;
    return EFI_SUCCESS;
}

static EFI_STATUS EFIAPI fake_read_plain(SIMPLE_INPUT_INTERFACE *in, EFI_INPUT_KEY *key)
{
    (void)in;
    plain_reads++;
    *key = typed.Key;
    return EFI_SUCCESS;
}

static EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL extended_in = {.ReadKeyStrokeEx = fake_read_extended, .WaitForKeyEx = &typed};
static SIMPLE_INPUT_INTERFACE plain_in = {.ReadKeyStroke = fake_read_plain, .WaitForKey = &typed};

static struct keyboard open_keyboard(EFI_HANDLE handle)
{
    EFI_SYSTEM_TABLE table = {.BootServices = &fake_boot, .ConsoleInHandle = handle, .ConIn = &plain_in};
    struct keyboard keyboard;

    keyboard_open(&keyboard, &table);
    return keyboard;
}

static void translates_keys(void **state)
{
    static const struct {
        uint16_t scan, character;
        uint32_t shifts;
        int key;
    } cases[] = {
        {0, 'a', 0, 'a'},
        {0, 0xE9, 0, 0xE9},
        {0, '\r', 0, '\r'},
        {0, '\n', 0, '\r'},
        {0, 8, 0, 8},
        {0, 0x7F, 0, 8},
        {0, 3, 0, 3},
        {0, 'c', EFI_SHIFT_STATE_VALID | EFI_LEFT_CONTROL_PRESSED, 3},
        {0, 'C', EFI_SHIFT_STATE_VALID | EFI_RIGHT_CONTROL_PRESSED, 3},
        {0, 'c', EFI_LEFT_CONTROL_PRESSED, 'c'}, /* the state is not valid */
        {0, 'q', EFI_SHIFT_STATE_VALID | EFI_LEFT_CONTROL_PRESSED | EFI_RIGHT_ALT_PRESSED, 'q'},
        {0, 'A', EFI_SHIFT_STATE_VALID | EFI_LEFT_SHIFT_PRESSED, 'A'},
        {0, 0, EFI_SHIFT_STATE_VALID | EFI_LEFT_CONTROL_PRESSED, KEY_NONE}, /* a shift key on its own */
        {0, 0xD83D, 0, KEY_NONE},
        {SCAN_UP, 0, 0, KEY_UP},
        {SCAN_DOWN, 0, 0, KEY_DOWN},
        {SCAN_RIGHT, 0, 0, KEY_RIGHT},
        {SCAN_LEFT, 0, 0, KEY_LEFT},
        {SCAN_HOME, 0, 0, KEY_HOME},
        {SCAN_END, 0, 0, KEY_END},
        {SCAN_DELETE, 0, 0, KEY_DELETE},
        {SCAN_ESC, 0, 0, 0x1B},
        {SCAN_F1, 0, 0, KEY_NONE},
    };

    (void)state;
    fake_reset();
    fake.handles[0].extended = &extended_in;
    struct keyboard keyboard = open_keyboard(&fake.handles[0]);
    plain_reads = 0;
    assert_int_equal(keyboard_get(&keyboard), KEY_NONE);
    fake.key_waits = true;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        typed = (EFI_KEY_DATA){{cases[i].scan, cases[i].character}, {cases[i].shifts, 0}};
        assert_int_equal(keyboard_get(&keyboard), cases[i].key);
    }
    assert_int_equal(plain_reads, 0);
}

static void falls_back_to_the_simple_keyboard(void **state)
{
    (void)state;
    fake_reset();
    typed = (EFI_KEY_DATA){{0, 'x'}, {0, 0}};
    fake.key_waits = true;
    struct keyboard keyboard = open_keyboard(NULL);
    plain_reads = 0;
    assert_int_equal(keyboard_get(&keyboard), 'x');
    keyboard = open_keyboard(&fake.handles[0]); /* which has no extended interface */
    assert_int_equal(keyboard_get(&keyboard), 'x');
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL eventless = {.ReadKeyStrokeEx = fake_read_extended};
    fake.handles[0].extended = &eventless;
    keyboard = open_keyboard(&fake.handles[0]);
    assert_int_equal(keyboard_get(&keyboard), 'x');
    assert_int_equal(plain_reads, 3);
    fake.key_waits = false;
    assert_int_equal(keyboard_get(&keyboard), KEY_NONE);
}

/* A firmware in a hurry has connected no keyboard: ports that may have one are connected, where none is there. */
static void connects_keyboards_where_there_are_none(void **state)
{
    static const uint8_t serial[] = {ACPI(0), UART, END}, keyboard[] = {PCI, ACPI(1), END};
    static const struct {
        uint32_t class;
        const uint8_t *other; /* path of a key device that is there from the start; NULL: the joining console's */
        bool connected;
    } cases[] = {
        {0x0C033000, NULL, true},      /* USB */
        {0x06010000, NULL, true},      /* the bridge to PS/2 */
        {0x03000000, NULL, false},     /* display */
        {0x02000000, NULL, false},     /* network */
        {0x01060100, NULL, false},     /* disks */
        {0, NULL, false},              /* cannot be read */
        {0x0C033000, serial, true},    /* a serial terminal is none */
        {0x0C033000, keyboard, false}, /* but this is one */
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fake_reset();
        fake.handle_count = 2;
        fake.handles[0].has_keys = true;
        fake.handles[0].device_path = cases[i].other;
        fake.handles[1].on_bus = fake.handles[1].unnoticed = fake.handles[1].has_keys = true;
        fake.handles[1].class = cases[i].class;
        open_keyboard(NULL);
        assert_int_equal(!fake.handles[1].unnoticed, cases[i].connected);
    }
}

/* ---- console devices ---- */

static const uint8_t com1[] = {PCI, ACPI(0), UART, END}, com2[] = {PCI, ACPI(1), UART, END};
static const uint8_t card[] = {PCI, UART, END}, bare[] = {UART, END}, screen_path[] = {PCI, DISPLAY, END};
static const uint8_t several[] = {PCI, DISPLAY, NEXT_INSTANCE, PCI, ACPI(0), UART, END};
static const uint8_t separate[] = {PCI, NEXT_INSTANCE, UART, END};
static const uint8_t endless[] = {1, 1, 0, 0, UART, END}, too_long[] = {1, 1, 200, 0, UART, END};
static const uint8_t after_end[] = {PCI, END, UART, END};

static void knows_serial_ports(void **state)
{
    static const struct {
        const uint8_t *path;
        size_t size;
        uint32_t number;
        bool found;
    } cases[] = {
        {com1, sizeof com1, 1, true},
        {com2, sizeof com2, 1, false},
        {com2, sizeof com2, 2, true},
        {com1, sizeof com1, 2, false},
        {card, sizeof card, 1, false},
        {card, sizeof card, 2, false},
        {bare, sizeof bare, 1, true},
        {screen_path, sizeof screen_path, 1, false},
        {several, sizeof several, 1, true},
        {separate, sizeof separate, 1, true},
        {endless, sizeof endless, 1, false},
        {too_long, sizeof too_long, 1, false},
        {after_end, sizeof after_end, 1, false},
        {com1, sizeof com1 - 5, 1, false}, /* cut off inside the UART's node */
        {com1, 0, 1, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint8_t *path = malloc(cases[i].size); /* of just that size, so that a look beyond is seen */
        memcpy(path, cases[i].path, cases[i].size);
        const struct device_path whole = device_path_in(path, cases[i].size);
        assert_int_equal(console_path_names_serial(whole, cases[i].number), cases[i].found);
        free(path);
    }
}

static void asks_what_the_console_is(void **state)
{
    EFI_SYSTEM_TABLE table = {.BootServices = &fake_boot, .RuntimeServices = &fake_runtime, .ConOut = &text_out};

    (void)state;
    fake_reset();
    assert_true(console_path_out_has_serial(&table, 1)); /* nothing is known */
    assert_false(console_path_out_has_serial(&table, 2));
    fake.variable = screen_path;
    fake.variable_size = sizeof screen_path;
    assert_false(console_path_out_has_serial(&table, 1));
    fake.variable = several;
    fake.variable_size = sizeof several;
    assert_true(console_path_out_has_serial(&table, 1));
    fake.handle_count = 2; /* devices count more than the variable; one has no path */
    fake.handles[0] = (struct fake_handle){.tagged = true};
    fake.handles[1] = (struct fake_handle){.tagged = true, .device_path = screen_path};
    assert_false(console_path_out_has_serial(&table, 1));
    fake.handles[1].device_path = com1;
    assert_true(console_path_out_has_serial(&table, 1));
    assert_false(console_path_out_has_serial(&table, 2));
    fake.handles[1].device_path = com2;
    assert_false(console_path_out_has_serial(&table, 1));
    assert_true(console_path_out_has_serial(&table, 2));
    assert_false(console_path_in_has_serial(&table, 1)); /* there is no input at all */
    fake.handle_count = 0;
    fake.handles[2].device_path = com1;
    table.ConsoleInHandle = &fake.handles[2];
    assert_true(console_path_in_has_serial(&table, 1));
    table.ConOut = NULL;
    assert_false(console_path_out_has_serial(&table, 1));
}

/* ---- colours ---- */

static EFI_STATUS EFIAPI fake_set_attribute(SIMPLE_TEXT_OUTPUT_INTERFACE *out, UINTN attribute)
{
    out->Mode->Attribute = (INT32)attribute;
    return EFI_SUCCESS;
}

#define TERMINAL 3, 10, 20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0

static const uint8_t terminal_path[] = {PCI, ACPI(1), UART, TERMINAL, END}, usb_terminal[] = {PCI, TERMINAL, END};
static const uint8_t u_boot[] = {VENDOR, END}, hyper_v[] = {ACPI(0), VENDOR, END};

/* Whether there are colours where these devices, up to a NULL, and the console that joins them are the console. */
static bool has_colours(const void *const *paths)
{
    SIMPLE_TEXT_OUTPUT_MODE mode = {.Attribute = 0x17};
    SIMPLE_TEXT_OUTPUT_INTERFACE out = {.SetAttribute = fake_set_attribute, .Mode = &mode};
    EFI_SYSTEM_TABLE table = {.BootServices = &fake_boot, .ConOut = &out};
    struct colours colours;

    fake_reset();
    fake.handles[fake.handle_count++] = (struct fake_handle){.tagged = true};
    for (; *paths != NULL; paths++) {
        fake.handles[fake.handle_count++] = (struct fake_handle){.tagged = true, .device_path = *paths};
    }
    colours_open(&colours, &table);
    colours_set(&colours, COLOUR_ERROR);
    bool coloured = mode.Attribute == (0x10 | EFI_LIGHTRED);
    assert_true(coloured || mode.Attribute == 0x17);
    colours_set(&colours, COLOUR_ACCENT);
    assert_int_equal(mode.Attribute, coloured ? 0x10 | EFI_WHITE : 0x17);
    colours_set(&colours, COLOUR_TEXT);
    assert_int_equal(mode.Attribute, 0x17);
    colours_set(&colours, COLOUR_THOUGHT); /* whatever is behind it */
    assert_int_equal(mode.Attribute, 0x10 | EFI_DARKGRAY);
    colours_set(&colours, COLOUR_NOTE);
    assert_int_equal(mode.Attribute, coloured ? 0x10 | EFI_CYAN : 0x17);
    colours_set(&colours, COLOUR_THOUGHT);
    colours_set(&colours, COLOUR_TEXT);
    assert_int_equal(mode.Attribute, 0x17);
    return coloured;
}

static void colours_screens_alone(void **state)
{
    SIMPLE_TEXT_OUTPUT_MODE mode = {.Attribute = 7};
    SIMPLE_TEXT_OUTPUT_INTERFACE out = {.SetAttribute = fake_set_attribute, .Mode = &mode};
    EFI_SYSTEM_TABLE table = {.BootServices = &fake_boot, .ConOut = &out, .ConsoleOutHandle = &fake.handles[0]};
    struct colours colours;

    (void)state;
    assert_true(has_colours((const void *[]){screen_path, NULL}));
    assert_true(has_colours((const void *[]){screen_path, screen_path, NULL}));
    assert_false(has_colours((const void *[]){NULL}));
    assert_false(has_colours((const void *[]){screen_path, terminal_path, NULL}));
    assert_false(has_colours((const void *[]){screen_path, usb_terminal, NULL}));
    fake_reset(); /* no tags: the console's own handle tells, or nothing does */
    colours_open(&colours, &table);
    assert_null(colours.out);
    fake.handles[0].device_path = screen_path;
    colours_open(&colours, &table);
    assert_ptr_equal(colours.out, &out);
    fake.handles[0].device_path = com1;
    colours_open(&colours, &table);
    assert_null(colours.out);
    fake.handles[0].device_path = u_boot;
    colours_open(&colours, &table);
    assert_null(colours.out);
    fake.handles[0].device_path = hyper_v;
    colours_open(&colours, &table);
    assert_ptr_equal(colours.out, &out);
    table.ConOut = NULL;
    colours_open(&colours, &table);
    assert_null(colours.out);
}

/* ---- text ---- */

static void converts_text(void **state)
{
    uint16_t wide[8];
    char narrow[8];

    (void)state;
    assert_true(utf16_from_utf8(wide, 8, "a\xC3\xA9\xE6\xA0\xAA"));
    assert_memory_equal(wide, u"a\u00E9\u682A", 8);
    assert_true(utf8_from_utf16(narrow, 7, wide));
    assert_string_equal(narrow, "a\xC3\xA9\xE6\xA0\xAA");
    assert_false(utf8_from_utf16(narrow, 6, wide));
    assert_string_equal(narrow, "a\xC3\xA9");
    assert_false(utf16_from_utf8(wide, 3, "abc"));
    assert_true(utf16_from_utf8(wide, 4, "abc"));
    assert_true(utf16_from_utf8(wide, 3, "\xF0\x9F\x98\x80")); /* U+1F600 */
    assert_memory_equal(wide, ((const uint16_t[]){0xD83D, 0xDE00, 0}), 6);
    assert_false(utf16_from_utf8(wide, 2, "\xF0\x9F\x98\x80"));
    assert_true(utf8_from_utf16(narrow, 5, wide));
    assert_string_equal(narrow, "\xF0\x9F\x98\x80");
    assert_false(utf8_from_utf16(narrow, 4, wide));
    assert_string_equal(narrow, "");
    assert_false(utf16_from_utf8(wide, 8, "a\xC3"));
    assert_true(utf8_from_utf16(narrow, 8, (const uint16_t[]){0xD800, 'a', 0}));
    assert_string_equal(narrow, "\xEF\xBF\xBD"
                                "a");
    assert_true(utf8_from_utf16(narrow, 8, (const uint16_t[]){0xDE00, 0xD83D, 0}));
    assert_string_equal(narrow, "\xEF\xBF\xBD\xEF\xBF\xBD");
}

static void names_status_codes(void **state)
{
    char name[STATUS_NAME_MAX];

    (void)state;
    assert_string_equal(status_name(name, EFI_LOAD_ERROR), "EFI_LOAD_ERROR");
    assert_string_equal(status_name(name, EFI_DEVICE_ERROR), "EFI_DEVICE_ERROR");
    assert_string_equal(status_name(name, EFI_END_OF_MEDIA), "EFI_END_OF_MEDIA");
    assert_string_equal(status_name(name, EFIERR(29)), "EFI status 0x1d");
    assert_string_equal(status_name(name, EFI_END_OF_FILE), "EFI_END_OF_FILE");
    assert_string_equal(status_name(name, EFI_COMPROMISED_DATA), "EFI_COMPROMISED_DATA");
    assert_string_equal(status_name(name, EFIERR(34)), "EFI status 0x22");
    assert_string_equal(status_name(name, EFIERR(0)), "EFI status 0x0");
    assert_string_equal(status_name(name, EFI_WARN_UNKNOWN_GLYPH), "EFI status 0x1");
}

static void counts_time_forward(void **state)
{
    struct clock clock = {.start = 0, .ticks_per_second = 1000000};

    (void)state;
    uint64_t first = clock_microseconds(&clock);
    assert_true(first > 0);
    assert_true(clock_microseconds(&clock) >= first);
    clock.last = UINT64_MAX; /* a counter that went back stands still */
    assert_true(clock_microseconds(&clock) == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distrusts_screen_sizes),
        cmocka_unit_test(writes_what_can_be_shown),
        cmocka_unit_test(greets_in_text_mode),
        cmocka_unit_test(translates_keys),
        cmocka_unit_test(falls_back_to_the_simple_keyboard),
        cmocka_unit_test(connects_keyboards_where_there_are_none),
        cmocka_unit_test(knows_serial_ports),
        cmocka_unit_test(asks_what_the_console_is),
        cmocka_unit_test(colours_screens_alone),
        cmocka_unit_test(converts_text),
        cmocka_unit_test(names_status_codes),
        cmocka_unit_test(counts_time_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
