/* core/session/line.c and core/history.c on a model screen: text, visible row and cursor after every key. */
#include "unit.h"

#include "base/utf8.h"
#include "model_screen.h"
#include "session/line.h"

enum { CTRL_A = 1, CTRL_E = 5, CTRL_K = 11, CTRL_U = 21, CTRL_W = 23, BACKSPACE = 8, TAB = 9, ENTER = 13 };

static struct model_screen screen;
static struct history history;
static struct line line;

static void begin(uint32_t columns)
{
    model_screen_init(&screen, columns);
    line_begin(&line, &screen.platform, "> ", columns);
    line.history = &history;
    assert_int_equal(screen.colour, COLOUR_TEXT);
}

static void key(int code)
{
    assert_false(line_key(&line, code));
}

static void type(const char *text)
{
    const char *end = text + strlen(text);
    while (text < end)
        key((int)utf8_next(&text, end));
}

static void expect(const char *row, uint32_t column)
{
    const char *shown = model_screen_row(&screen);
    if (strcmp(shown, row) != 0 || screen.column != column)
        fail_test("row \"%s\" and column %u instead of \"%s\" and %u\n", shown, screen.column, row, column);
}

static void echo(const char *stream)
{
    assert_string_equal(screen.stream, stream);
    screen.length = 0;
    screen.stream[0] = 0;
}

static void typing_is_echoed_as_it_is(void **state)
{
    (void)state;
    begin(80);
    echo("> ");
    type("abc");
    echo("abc");
    key(BACKSPACE);
    echo("\b \b");
    type("\u00F6");
    echo("\u00F6");
    key(BACKSPACE);
    echo("\b \b");
    key(KEY_LEFT);
    echo("\b");
    key(KEY_RIGHT);
    echo("b");
    key(CTRL_A);
    echo("\b\b");
    type("x");
    echo("xab\b\b");
    key(KEY_END);
    key(KEY_ESCAPE);
    echo("ab\b\b\b   \b\b\b");
    type("q");
    assert_true(line_key(&line, ENTER));
    echo("q\n");
    assert_string_equal(line.text, "q");
}

/* The commands of this table, in C strings, do what `expect` says: text, then the cursor's column. */
static const struct {
    int keys[40];
    const char *row;
    uint32_t column;
} cases[] = {
    {{'a', 'b', 'c', KEY_LEFT, KEY_LEFT, 'X'}, "> aXbc", 4},
    {{'a', 'b', 'c', KEY_HOME, KEY_DELETE}, "> bc", 2},
    {{'a', 'b', 'c', KEY_LEFT, KEY_DELETE}, "> ab", 4},
    {{'a', 'b', 'c', KEY_DELETE}, "> ab", 4}, /* at the end it rubs out backwards */
    {{'a', 'b', 'c', KEY_LEFT, BACKSPACE}, "> ac", 3},
    {{'a', KEY_HOME, BACKSPACE, KEY_LEFT}, "> a", 2},
    {{BACKSPACE, KEY_DELETE, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, CTRL_U, CTRL_K, CTRL_W}, ">", 2},
    {{'a', 'b', 'c', 'd', KEY_LEFT, KEY_LEFT, CTRL_U}, "> cd", 2},
    {{'a', 'b', 'c', 'd', KEY_LEFT, KEY_LEFT, CTRL_K}, "> ab", 4},
    {{'a', 'b', ' ', 'c', 'd', CTRL_W}, "> ab", 5},
    {{'a', 'b', ' ', 'c', 'd', ' ', ' ', CTRL_W}, "> ab", 5},
    {{'a', 'b', ' ', 'c', 'd', CTRL_W, CTRL_W, 'x'}, "> x", 3},
    {{'a', 'b', ' ', 'c', 'd', KEY_LEFT, CTRL_W}, "> ab d", 5},
    {{'a', 'b', CTRL_A, 'x', CTRL_E, 'y'}, "> xaby", 6},
    {{'a', 'b', KEY_ESCAPE, 'c'}, "> c", 3},
    {{'a', 'b', KEY_LEFT, KEY_CTRL_C, 'c'}, "> c", 3},
    {{0x682A, 0x5F0F, KEY_LEFT, 'x'}, "> \u682Ax\u5F0F", 5},
    {{0x682A, 0x5F0F, BACKSPACE}, "> \u682A", 4},
    {{0x682A, 0x5F0F, KEY_HOME, KEY_DELETE}, "> \u5F0F", 2},
    {{'e', 0x301, 'x', KEY_LEFT, KEY_LEFT, 'y'}, "> ye\u0301x", 3},
    {{'e', 0x301, 'x', KEY_HOME, KEY_RIGHT, BACKSPACE}, "> x", 2},
    {{'e', 0x301, BACKSPACE}, ">", 2},
    {{'a', 7, 0x7F, 0x9B, 27, 'b', 12, 0x85}, "> b", 3}, /* other control keys do nothing */
};

static void editing(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        begin(80);
        for (size_t k = 0; k < COUNT_OF(cases[i].keys) && cases[i].keys[k] != 0; k++)
            key(cases[i].keys[k]);
        expect(cases[i].row, cases[i].column);
    }
}

/* Twelve columns: sign, nine for text, one that stays free. */
static void long_lines_scroll(void **state)
{
    (void)state;
    begin(12);
    type("123456789");
    expect("> 123456789", 11);
    type("a");
    expect("> 56789a", 8);
    type("bcd");
    expect("> 56789abcd", 11);
    type("e");
    expect("> 9abcde", 8);
    for (int i = 0; i < 5; i++)
        key(KEY_LEFT);
    expect("> 9abcde", 3);
    key(KEY_LEFT);
    expect("> 3456789ab", 8); /* some text is always visible before the cursor */
    key(KEY_HOME);
    expect("> 123456789", 2);
    key(KEY_DELETE);
    expect("> 23456789a", 2);
    key(KEY_END);
    expect("> 9abcde", 8);
    key(CTRL_U);
    expect(">", 2);
    type("\u682A\u5F0F\u4F1A\u793E");
    expect("> \u682A\u5F0F\u4F1A\u793E", 10);
    type("\u682A");
    expect("> \u4F1A\u793E\u682A", 8);
    assert_true(line_key(&line, ENTER));
    assert_string_equal(line.text, "\u682A\u5F0F\u4F1A\u793E\u682A");
}

static void history_goes_up_and_down(void **state)
{
    (void)state;
    memset(&history, 0, sizeof history);
    static const char *const lines[] = {"one", "two", "two", "", "three \u00F6"};
    for (size_t i = 0; i < COUNT_OF(lines); i++) {
        begin(80);
        type(lines[i]);
        assert_true(line_key(&line, ENTER));
    }
    begin(80);
    key(KEY_DOWN);
    expect(">", 2);
    type("draft");
    key(KEY_UP);
    expect("> three \u00F6", 9);
    key(KEY_UP);
    expect("> two", 5);
    type("x");
    key(KEY_UP);
    expect("> one", 5);
    key(KEY_UP);
    expect("> one", 5);
    key(KEY_DOWN);
    expect("> two", 5);
    key(KEY_DOWN);
    key(KEY_DOWN);
    expect("> draft", 7);
    key(KEY_DOWN);
    expect("> draft", 7);
    key(KEY_UP);
    key(KEY_UP);
    assert_true(line_key(&line, ENTER));
    assert_string_equal(line.text, "two");
    begin(80);
    key(KEY_UP);
    expect("> two", 5); /* entered once more, it is the newest */
    line.history = NULL;
    key(KEY_UP);
    expect("> two", 5);
}

/* Recalled into a row that has scrolled, where another text had its characters at other bytes. */
static void history_in_a_scrolled_row(void **state)
{
    static const char *const lines[] = {"abcdefghijklmnopqrst", "\u682A\u5F0F\u4F1A\u793E\u682A\u5F0F\u4F1A\u793E"};
    (void)state;
    memset(&history, 0, sizeof history);
    history_add(&history, lines[0]);
    history_add(&history, lines[1]);
    begin(12);
    type("x1234567890abcde");
    key(KEY_UP);
    expect("> \u5F0F\u4F1A\u793E", 8);
    key(KEY_UP);
    expect("> opqrst", 8);
    key(KEY_DOWN);
    key(KEY_DOWN);
    assert_string_equal(line.text, "x1234567890abcde");
    assert_non_null(strstr(model_screen_row(&screen), "abcde"));
}

/* At least 32 lines, and the oldest make room for long ones. */
static void history_forgets_the_oldest(void **state)
{
    char text[LINE_MAX];
    (void)state;
    memset(&history, 0, sizeof history);
    for (int i = 0; i < 100; i++) {
        snprintf(text, sizeof text, "%0200d", i);
        history_add(&history, text);
    }
    uint32_t entry = HISTORY_NONE, count = 0;
    while ((entry = history_older(&history, entry)) != HISTORY_NONE) {
        snprintf(text, sizeof text, "%0200d", 99 - (int)count++);
        assert_string_equal(history.text + entry, text);
    }
    assert_int_equal(count, HISTORY_BYTES / 201);
    assert_true(count >= 32);
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = 0;
    history_add(&history, text);
    text[0] = 'y';
    history_add(&history, text);
    entry = history_older(&history, HISTORY_NONE);
    assert_string_equal(history.text + entry, text);
    entry = history_older(&history, entry);
    assert_int_equal(history.text[entry], 'x');
    assert_int_equal(history_older(&history, entry), HISTORY_NONE);
    assert_int_equal(history_newer(&history, history_newer(&history, entry)), HISTORY_NONE);
}

static const char *const *candidates;

static bool complete(void *context, const char *before, size_t n, uint32_t index, char *out)
{
    assert_ptr_equal(context, &candidates);
    for (const char *const *candidate = candidates; *candidate != NULL; candidate++) {
        if (strncasecmp(*candidate, before, n) == 0 && index-- == 0) {
            strcpy(out, *candidate);
            return true;
        }
    }
    return false;
}

static void tab_completes(void **state)
{
    static const char *const words[] = {"/model ", "/models", "/model STORIES260K.GGUF", "/help ",
                                        "/\u00F6x", "/\u00F7y", NULL};
    (void)state;
    candidates = words;
    begin(60);
    line.complete = complete;
    line.context = &candidates;
    type("/he");
    key(TAB);
    expect("> /help", 8);
    type("x");
    key(TAB); /* nothing there */
    expect("> /help x", 9);
    key(KEY_ESCAPE);
    type("/mo");
    key(TAB);
    expect("> /model", 8);
    screen.length = 0;
    key(TAB);
    echo("\n/model   /models  /model STORIES260K.GGUF\n> /model");
    type(" st");
    key(TAB);
    expect("> /model STORIES260K.GGUF", 25);
    key(KEY_HOME);
    for (int i = 0; i < 3; i++)
        key(KEY_RIGHT);
    screen.length = 0;
    key(TAB); /* what follows the cursor stays */
    expect("> /modeldel STORIES260K.GGUF", 8);
    key(KEY_ESCAPE);
    type("/model x");
    key(KEY_LEFT);
    key(KEY_LEFT);
    screen.length = 0;
    key(TAB); /* a blank behind the cursor begins no word */
    echo("\n/model   /models  /model STORIES260K.GGUF\n> /model x\b\b");
    key(KEY_ESCAPE);
    type("/");
    key(TAB); /* two letters with the same first byte have nothing in common */
    expect("> /", 3);
    line.complete = NULL;
    key(TAB);
    expect("> /", 3);
}

static void a_full_line_takes_no_more_and_says_so_once(void **state)
{
    char expected[LINE_MAX];
    (void)state;
    begin(80);
    for (int i = 0; i < LINE_MAX - 2; i++) {
        screen.stream[screen.length = 0] = 0;
        key('a' + i % 26);
    }
    memcpy(expected, line.text, LINE_MAX);
    assert_int_equal(strlen(line.text), LINE_MAX - 2);
    key(0xF6); /* two bytes where one is left */
    assert_string_equal(line.text, expected);
    assert_non_null(strstr(screen.stream, "\n[the line is full: 8447 bytes]\n> "));
    screen.stream[screen.length = 0] = 0;
    key(0xF6);
    echo("");
    key('x');
    assert_int_equal(line.length, LINE_MAX - 1);
    key('y');
    assert_int_equal(line.length, LINE_MAX - 1);
    assert_int_equal(line.text[LINE_MAX - 2], 'x');
    key(BACKSPACE);
    key(KEY_HOME);
    key('y');
    assert_int_equal(line.text[0], 'y');
    assert_memory_equal(line.text + 1, expected, LINE_MAX - 1);
}

/* ---- Random keys against the plainest editor there is ---- */

static struct {
    uint32_t code[LINE_MAX];
    size_t n, at;
} plain;

static bool is_mark(size_t at)
{
    return at < plain.n && utf8_columns(plain.code[at]) == 0;
}

static void plain_erase(size_t from, size_t to)
{
    memmove(plain.code + from, plain.code + to, (plain.n - to) * sizeof *plain.code);
    plain.n -= to - from;
    plain.at = from;
}

static size_t plain_left(size_t at)
{
    at -= at > 0;
    while (at > 0 && is_mark(at))
        at--;
    return at;
}

static size_t plain_right(size_t at)
{
    at += at < plain.n;
    while (is_mark(at))
        at++;
    return at;
}

static size_t plain_word(size_t at)
{
    while (at > 0 && plain.code[plain_left(at)] == ' ')
        at = plain_left(at);
    while (at > 0 && plain.code[plain_left(at)] != ' ')
        at = plain_left(at);
    return at;
}

static void plain_key(int code)
{
    const size_t at = plain.at;
    switch (code) {
    case KEY_LEFT: plain.at = plain_left(at); break;
    case KEY_RIGHT: plain.at = plain_right(at); break;
    case KEY_HOME: case CTRL_A: plain.at = 0; break;
    case KEY_END: case CTRL_E: plain.at = plain.n; break;
    case BACKSPACE: plain_erase(plain_left(at), at); break;
    case KEY_DELETE:
        if (at == plain.n)
            plain_erase(plain_left(at), at);
        else
            plain_erase(at, plain_right(at));
        break;
    case CTRL_U: plain_erase(0, at); break;
    case CTRL_K: plain_erase(at, plain.n); break;
    case CTRL_W: plain_erase(plain_word(at), at); break;
    case KEY_ESCAPE: plain_erase(0, plain.n); break;
    default:
        memmove(plain.code + at + 1, plain.code + at, (plain.n - at) * sizeof *plain.code);
        plain.code[at] = (uint32_t)code;
        plain.n++;
        plain.at++;
    }
}

static uint32_t width_of(const char *text, const char *end)
{
    uint32_t columns = 0;
    while (text < end)
        columns += utf8_columns(utf8_next(&text, end));
    return columns;
}

/* What is seen is a part of the text around the cursor, as long as the row allows. */
static void check_against_plain(uint32_t columns)
{
    static char text[LINE_MAX * 4], row[LINE_MAX * 4];
    size_t used = 0, cursor = 0;
    for (size_t i = 0; i < plain.n; i++) {
        cursor = i == plain.at ? used : cursor;
        used += utf8_encode(text + used, plain.code[i]);
    }
    cursor = plain.at == plain.n ? used : cursor;
    text[used] = 0;
    assert_string_equal(line.text, text);
    assert_int_equal(line.cursor, cursor);
    const char *view = text + line.view, *end = view;
    const uint32_t room = columns == 0 ? UINT32_MAX : columns - 3;
    while (*end != 0) {
        const char *next = end;
        const uint32_t width = utf8_columns(utf8_next(&next, text + used));
        if (width_of(view, end) + width > room)
            break;
        end = next;
    }
    snprintf(row, sizeof row, "> %.*s", (int)(end - view), view);
    size_t length = strlen(row);
    while (length > 0 && row[length - 1] == ' ')
        length--;
    row[length] = 0;
    assert_true(line.cursor >= line.view && text + line.cursor <= end);
    expect(row, 2 + width_of(view, text + line.cursor));
}

static void random_keys(void **state)
{
    static const int keys[] = {KEY_LEFT, KEY_LEFT, KEY_RIGHT, KEY_HOME, KEY_END, BACKSPACE, KEY_DELETE, CTRL_W,
                               CTRL_A, CTRL_E};
    static const int rare[] = {CTRL_U, CTRL_K, KEY_ESCAPE};
    static const int letters[] = {'a', 'b', 'c', ' ', 0xF6, 0x682A, 0x301, 0x1F642, 'd', 'e'};
    static const uint32_t widths[] = {80, 40, 13, 7, 5, 0};
    (void)state;
    srand(2);
    for (size_t w = 0; w < COUNT_OF(widths); w++) {
        begin(widths[w]);
        plain.n = plain.at = 0;
        for (int i = 0; i < 1700; i++) {
            const int kind = rand() % 200;
            int code = kind < 60 ? keys[rand() % 10] : kind == 60 ? rare[rand() % 3] : letters[rand() % 10];
            /* one mark a letter is enough */
            if (code == 0x301 && (plain.at == 0 || is_mark(plain.at - 1) || is_mark(plain.at)))
                code = 'x';
            if (is_mark(plain.at) && code < KEY_UP && code >= ' ')
                code = KEY_RIGHT;
            plain_key(code);
            key(code);
            check_against_plain(widths[w]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(typing_is_echoed_as_it_is),
        cmocka_unit_test(editing),
        cmocka_unit_test(long_lines_scroll),
        cmocka_unit_test(history_goes_up_and_down),
        cmocka_unit_test(history_in_a_scrolled_row),
        cmocka_unit_test(history_forgets_the_oldest),
        cmocka_unit_test(tab_completes),
        cmocka_unit_test(a_full_line_takes_no_more_and_says_so_once),
        cmocka_unit_test(random_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
