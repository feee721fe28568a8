#include "session/line.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "session/wrap.h"

enum {
    CTRL_A = 1,
    CTRL_E = 5,
    BACKSPACE = 8,
    TAB = 9,
    NEWLINE = 10,
    CTRL_K = 11,
    CTRL_U = 21,
    CTRL_W = 23,
    DELETE_CODE = 127,
    C1_END = 160,
    CANDIDATES_MAX = 1000,
};

/* ---- Positions in the text: a step is a character with the zero-width ones that follow it ---- */

static uint32_t character_columns(const struct line *line, uint32_t at, uint32_t *next)
{
    const char *text = line->text + at;
    const uint32_t columns = utf8_columns(utf8_next(&text, line->text + line->length));
    *next = (uint32_t)(text - line->text);
    return columns;
}

static uint32_t step_right(const struct line *line, uint32_t at)
{
    uint32_t next = at;
    if (at < line->length) {
        character_columns(line, at, &next);
    }
    for (uint32_t after; next < line->length && character_columns(line, next, &after) == 0; next = after) {}
    return next;
}

static uint32_t step_left(const struct line *line, uint32_t at)
{
    uint32_t next;
    while (at > 0) {
        do {
            at--;
        } while (at > 0 && ((uint8_t)line->text[at] & 0xC0) == 0x80); /* continuation bytes */
        if (character_columns(line, at, &next) > 0) {
            break;
        }
    }
    return at;
}

/* Skips spaces, then the word before them. */
static uint32_t word_left(const struct line *line, uint32_t at)
{
    bool in_word = false;
    while (at > 0) {
        const uint32_t before = step_left(line, at);
        if (line->text[before] != ' ') {
            in_word = true;
        } else if (in_word) {
            break;
        }
        at = before;
    }
    return at;
}

static uint32_t columns_between(const struct line *line, uint32_t from, uint32_t to)
{
    uint32_t columns = 0;
    while (from < to) {
        columns += character_columns(line, from, &from);
    }
    return columns;
}

/* The last position at most `columns` columns after `from`, past any zero-width characters there. */
static uint32_t place_after(const struct line *line, uint32_t from, uint32_t columns)
{
    while (from < line->length) {
        uint32_t next;
        const uint32_t width = character_columns(line, from, &next);
        if (width > columns) {
            break;
        }
        columns -= width;
        from = next;
    }
    return from;
}

/* ---- The row on the screen ---- */

static void put(const struct line *line, const char *text, size_t n)
{
    if (n > 0) {
        line->platform->put(line->platform, text, n);
    }
}

static void repeat(const struct line *line, char c, uint32_t count)
{
    char text[32];
    memset(text, c, sizeof text);
    for (; count > sizeof text; count -= sizeof text) {
        put(line, text, sizeof text);
    }
    put(line, text, count);
}

/* Moves the screen's cursor to a column: back by '\b', forward over the text by showing it again. */
static void move_to(struct line *line, uint32_t column)
{
    if (column < line->column) {
        repeat(line, '\b', line->column - column);
    } else {
        const uint32_t from = place_after(line, line->view, line->column);
        put(line, line->text + from, place_after(line, line->view, column) - from);
    }
    line->column = column;
}

/* Whether the cursor is within the row, with text before it unless the line begins there. */
static bool is_in_sight(const struct line *line)
{
    return (line->view == 0 || line->cursor > line->view) &&
           columns_between(line, line->view, line->cursor) <= line->room;
}

/* The first byte to show so that the cursor is at two thirds of the row. */
static uint32_t view_around_cursor(const struct line *line)
{
    uint32_t view = line->cursor, left = line->room - line->room / 3;
    while (view > 0) {
        const uint32_t before = step_left(line, view), width = columns_between(line, before, view);
        if (width > left) {
            break;
        }
        left -= width;
        view = before;
    }
    return view;
}

/* Redraws the row after an edit that changed nothing before byte `from`, which is not before the view. */
static void show(struct line *line, uint32_t from)
{
    if (!is_in_sight(line)) {
        move_to(line, 0);
        line->view = from = view_around_cursor(line);
    }
    const uint32_t end = place_after(line, line->view, line->room), shown = columns_between(line, line->view, end);
    if (from < end || shown != line->shown) {
        from = from < end ? from : end;
        move_to(line, columns_between(line, line->view, from));
        put(line, line->text + from, end - from);
        line->column = shown;
        if (shown < line->shown) {
            repeat(line, ' ', line->shown - shown);
            line->column = line->shown;
        }
        line->shown = shown;
    }
    move_to(line, columns_between(line, line->view, line->cursor));
}

/* Shows sign and text again on the screen line of the cursor. */
static void show_again(struct line *line)
{
    struct platform *platform = line->platform;
    platform->set_colour(platform, COLOUR_ACCENT);
    put(line, line->sign, text_length(line->sign));
    platform->set_colour(platform, COLOUR_TEXT);
    line->column = line->shown = 0;
    show(line, line->view);
}

/* Begins a new row below text that was shown in the meantime and did not end in '\n'. */
static void show_below(struct line *line)
{
    put(line, "\n", 1);
    show_again(line);
}

void line_begin(struct line *line, struct platform *platform, const char *sign, uint32_t columns)
{
    const char *end = sign + text_length(sign);
    uint32_t taken = 1; /* the last column: a screen wraps there */
    line->platform = platform;
    line->sign = sign;
    line->history = NULL;
    line->complete = NULL;
    line->columns = columns;
    while (sign < end) {
        taken += utf8_columns(utf8_next(&sign, end));
    }
    line->room = columns == 0 ? UINT32_MAX : columns > taken + 1 ? columns - taken : 1;
    line->length = line->cursor = line->view = 0;
    line->recalled = HISTORY_NONE;
    line->told_full = false;
    line->text[0] = 0;
    show_again(line);
}

/* ---- Edits ---- */

static void tell_full(struct line *line)
{
    char text[64];
    if (!line->told_full) {
        put(line, text, format(text, sizeof text, "\n[the line is full: %u bytes]", (uint32_t)LINE_MAX - 1));
        show_below(line);
    }
    line->told_full = true;
}

/* Replaces [from, to) with n bytes, puts the cursor after them, and shows the result. */
static void replace(struct line *line, uint32_t from, uint32_t to, const char *text, uint32_t n)
{
    if (line->length - (to - from) + n >= LINE_MAX) {
        tell_full(line);
        return;
    }
    memmove(line->text + from + n, line->text + to, line->length + 1 - to);
    memcpy(line->text + from, text, n);
    line->length = line->length - (to - from) + n;
    line->cursor = from + n;
    if (from < line->view) { /* byte `view` may no longer begin a character */
        move_to(line, 0);
        line->view = from = 0;
    }
    show(line, from);
}

static void erase(struct line *line, uint32_t from, uint32_t to)
{
    replace(line, from, to, "", 0);
}

static void go_to(struct line *line, uint32_t at)
{
    line->cursor = at;
    show(line, line->length);
}

/* Replaces the whole text; the common beginning is not redrawn. */
static void become(struct line *line, const char *text)
{
    uint32_t same = 0;
    while (same < line->length && text[same] == line->text[same]) {
        same++;
    }
    while (same > 0 && (((uint8_t)line->text[same] & 0xC0) == 0x80 || ((uint8_t)text[same] & 0xC0) == 0x80)) {
        same--; /* not within a character */
    }
    replace(line, same, line->length, text + same, (uint32_t)text_length(text + same));
}

static void recall(struct line *line, uint32_t entry)
{
    if (line->recalled == HISTORY_NONE) {
        memcpy(line->draft, line->text, line->length + 1);
    }
    line->recalled = entry;
    become(line, entry == HISTORY_NONE ? line->draft : line->history->text + entry);
}

static void recall_older(struct line *line)
{
    const uint32_t entry = line->history == NULL ? HISTORY_NONE : history_older(line->history, line->recalled);
    if (entry != HISTORY_NONE) {
        recall(line, entry);
    }
}

static void recall_newer(struct line *line)
{
    if (line->recalled != HISTORY_NONE) {
        recall(line, history_newer(line->history, line->recalled));
    }
}

/* ---- Completion ---- */

/* Puts the first candidate into `first` and their number into *count; returns how many bytes all of them share. */
static uint32_t common_start(const struct line *line, char first[LINE_CANDIDATE_MAX], uint32_t *count)
{
    char other[LINE_CANDIDATE_MAX];
    uint32_t common = 0;
    for (*count = 0; *count < CANDIDATES_MAX; ++*count) {
        char *candidate = *count == 0 ? first : other;
        if (!line->complete(line->context, line->text, line->cursor, *count, candidate)) {
            break;
        }
        uint32_t same = 0;
        while (candidate[same] != 0 &&
               (*count == 0 || (same < common && text_lower(candidate[same]) == text_lower(first[same])))) {
            same++;
        }
        common = same;
    }
    while (common > 0 && ((uint8_t)first[common] & 0xC0) == 0x80) { /* not within a character */
        common--;
    }
    return common;
}

/* Lists all candidates below the row, without the command before them and without breaking any; then shows the row. */
static void list_candidates(struct line *line, uint32_t count)
{
    char candidate[LINE_CANDIDATE_MAX];
    struct wrap wrap;
    uint32_t space = 0;
    while (space < line->cursor && line->text[space] != ' ') {
        space++;
    }
    const uint32_t start = space < line->cursor ? space + 1 : 0;
    put(line, "\n", 1);
    wrap_begin(&wrap, line->platform, line->columns);
    for (uint32_t i = 0; i < count && line->complete(line->context, line->text, line->cursor, i, candidate); i++) {
        wrap_put(&wrap, "  ", i == 0 ? 0 : 2);
        for (char *c = candidate + start; *c != 0; c++) {
            *c = *c == ' ' ? WRAP_TIE[0] : *c;
        }
        wrap_put(&wrap, candidate + start, text_length(candidate + start));
    }
    wrap_end(&wrap);
    show_below(line);
}

static void complete(struct line *line)
{
    char first[LINE_CANDIDATE_MAX];
    uint32_t count = 0;
    if (line->complete == NULL || line->cursor >= LINE_CANDIDATE_MAX) {
        return;
    }
    const uint32_t common = common_start(line, first, &count);
    if (count > 0 && (common > line->cursor || (count == 1 && memcmp(first, line->text, common) != 0))) {
        replace(line, 0, line->cursor, first, common);
    } else if (count > 1) {
        list_candidates(line, count);
    }
}

/* ---- Keys ---- */

static void type(struct line *line, uint32_t code_point)
{
    char bytes[UTF8_MAX];
    replace(line, line->cursor, line->cursor, bytes, (uint32_t)utf8_encode(bytes, code_point));
}

static void edit(struct line *line, int key)
{
    switch (key) {
    case KEY_LEFT:
        go_to(line, step_left(line, line->cursor));
        break;
    case KEY_RIGHT:
        go_to(line, step_right(line, line->cursor));
        break;
    case KEY_HOME:
    case CTRL_A:
        go_to(line, 0);
        break;
    case KEY_END:
    case CTRL_E:
        go_to(line, line->length);
        break;
    case KEY_DELETE:
        if (line->cursor < line->length) {
            erase(line, line->cursor, step_right(line, line->cursor));
            break;
        }
        /* fall through */
    case BACKSPACE:
        erase(line, step_left(line, line->cursor), line->cursor);
        break;
    case CTRL_U:
        erase(line, 0, line->cursor);
        break;
    case CTRL_K:
        erase(line, line->cursor, line->length);
        break;
    case CTRL_W:
        erase(line, word_left(line, line->cursor), line->cursor);
        break;
    case KEY_ESCAPE:
    case KEY_CTRL_C:
        erase(line, 0, line->length);
        break;
    case KEY_UP:
        recall_older(line);
        break;
    case KEY_DOWN:
        recall_newer(line);
        break;
    case TAB:
        complete(line);
        break;
    default:
        if (key >= ' ' && key < KEY_UP && !(key >= DELETE_CODE && key < C1_END)) {
            type(line, (uint32_t)key);
        }
    }
}

bool line_key(struct line *line, int key)
{
    if (key != KEY_ENTER && key != NEWLINE) {
        edit(line, key);
        return false;
    }
    put(line, "\n", 1);
    if (line->history != NULL) {
        history_add(line->history, line->text);
    }
    return true;
}
