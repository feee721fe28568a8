/*
 * A trip to real mode and INT 10h for a few characters costs an emulated machine a fifth of the time of a small model's
 * token, and a trip that scrolls costs several tokens. So characters and attributes are written straight to the text
 * memory of every adapter since the CGA, at B8000h, or at B0000h in monochrome mode 7. It is never read, because
 * reading is slow; `shown` holds its contents. Where a write takes half a microsecond, scrolling takes a millisecond,
 * so the screen is updated at most once in a tick of the clock, and before anyone waits. The BIOS's own cursor position
 * (0040:0050) is kept up to date with it.
 */
#include "screen.h"

#include "base/memory.h"
#include "base/utf8.h"
#include "bios_call.h"
#include "clock.h"
#include "cp437.h"
#include "io.h"

enum {
    MODE_COLOUR_80X25 = 3,
    MODE_MONO_80X25 = 7,
    DISPLAY_CODE = 0x1A00,    /* AX of INT 10h; AL = 1Ah afterwards on a VGA BIOS */
    WRITE_CHARACTER = 0x0A00, /* AX of INT 10h, + the character: BH = page, CX = how many; the cursor stays */
    BDA_PAGE_START = 0x44E,   /* of the page shown, in the adapter's memory */
    BDA_CURSOR = 0x450,       /* of page 0: column, row */
    BDA_CRT_PORT = 0x463,     /* index register of the CRT controller */
    BDA_LAST_ROW = 0x484,     /* EGA and later; 0 on older adapters, which have 25 rows */

    COLOUR_MEMORY = 0xB8000,
    MONO_MEMORY = 0xB0000,
    COLOUR_CRT_PORT = 0x3D4,
    MONO_CRT_PORT = 0x3B4,
    CRT_CURSOR_HIGH = 0x0E, /* registers: cursor position in cells */
    CRT_CURSOR_LOW = 0x0F,

};

void thunk_print(void); /* thunk.asm */

/* The adapter's attributes: on a colour screen, and on one that has only bright and dim. */
static const uint8_t attributes[2][5] = {
    {[COLOUR_TEXT] = 0x07, [COLOUR_NOTE] = 0x03, [COLOUR_ACCENT] = 0x0F, [COLOUR_ERROR] = 0x0C, [COLOUR_THOUGHT] = 8},
    {[COLOUR_TEXT] = 0x07, [COLOUR_NOTE] = 0x07, [COLOUR_ACCENT] = 0x0F, [COLOUR_ERROR] = 0x0F, [COLOUR_THOUGHT] = 7},
};

/* Whether this code can write in the mode. */
static bool is_text(uint8_t *mode)
{
    struct bios_regs regs = {.eax = 0x0F00};
    bios_call(0x10, &regs);
    uint8_t columns = (uint8_t)(regs.eax >> 8), page = (uint8_t)(regs.ebx >> 8), last_row = memory_read8(BDA_LAST_ROW);

    *mode = regs.eax & 0x7F;
    return (*mode == MODE_COLOUR_80X25 || *mode == MODE_COLOUR_80X25 - 1 || *mode == MODE_MONO_80X25) &&
           columns == SCREEN_COLUMNS && page == 0 && (last_row == 0 || last_row == SCREEN_ROWS - 1);
}

/* Whether a character that the BIOS writes at the cursor appears in this cell. */
static bool shows(const volatile uint16_t *cell, char character)
{
    struct bios_regs regs = {.eax = WRITE_CHARACTER | (uint8_t)character, .ebx = 0, .ecx = 1};
    bios_call(0x10, &regs);
    return (*cell & 0xFF) == (uint8_t)character;
}

/* Takes over the screen's contents from the BIOS, unless the BIOS shows its text in some other way: on a framebuffer,
   or on a serial line if there is no adapter. */
static void take_screen(struct screen *screen, bool is_mono)
{
    uint16_t port = memory_read16(BDA_CRT_PORT), start = memory_read16(BDA_PAGE_START);
    volatile uint16_t *memory = memory_at((is_mono ? MONO_MEMORY : COLOUR_MEMORY) + start);
    uint32_t column = memory_read8(BDA_CURSOR), row = memory_read8(BDA_CURSOR + 1);
    uint32_t at = row * SCREEN_COLUMNS + column;

    if (port != (is_mono ? MONO_CRT_PORT : COLOUR_CRT_PORT) || start % 2 != 0 || column >= SCREEN_COLUMNS ||
        row >= SCREEN_ROWS || !shows(memory + at, '?') || !shows(memory + at, ' ')) {
        return;
    }
    for (uint32_t i = 0; i < SCREEN_CELLS; i++) {
        screen->cells[i] = screen->shown[i] = memory[i];
    }
    screen->memory = memory;
    screen->is_mono = is_mono;
    screen->crt_port = port;
    screen->start = start / 2;
    screen->cursor = at;
}

bool screen_is_redirected(const struct screen *screen)
{
    struct bios_regs regs = {.eax = DISPLAY_CODE};

    if (screen->memory != NULL) {
        return false;
    }
    bios_call(0x10, &regs);
    return (regs.eax & 0xFF) != DISPLAY_CODE >> 8;
}

/* A BIOS with a logo may hand over in a graphics mode, or with 50 lines. */
void screen_init(struct screen *screen)
{
    uint8_t mode;

    *screen = (struct screen){.attribute = (uint16_t)(attributes[0][COLOUR_TEXT] << 8)};
    if (!is_text(&mode)) {
        struct bios_regs regs = {.eax = mode == MODE_MONO_80X25 ? MODE_MONO_80X25 : MODE_COLOUR_80X25};
        bios_call(0x10, &regs);
        if (!is_text(&mode)) {
            return;
        }
    }
    take_screen(screen, mode == MODE_MONO_80X25);
}

void screen_colour(struct screen *screen, enum platform_colour colour)
{
    screen->attribute = (uint16_t)(attributes[screen->is_mono][colour] << 8);
}

static void scroll_if_full(struct screen *screen)
{
    if (screen->cursor < SCREEN_CELLS) {
        return;
    }
    memmove(screen->cells, screen->cells + SCREEN_COLUMNS, (SCREEN_CELLS - SCREEN_COLUMNS) * sizeof *screen->cells);
    for (uint32_t at = SCREEN_CELLS - SCREEN_COLUMNS; at < SCREEN_CELLS; at++) {
        screen->cells[at] = (uint16_t)(attributes[0][COLOUR_TEXT] << 8 | ' ');
    }
    screen->cursor -= SCREEN_COLUMNS;
}

static void show_cursor(struct screen *screen)
{
    uint16_t at = (uint16_t)(screen->start + screen->cursor);

    port_write(screen->crt_port, CRT_CURSOR_HIGH);
    port_write(screen->crt_port + 1, (uint8_t)(at >> 8));
    port_write(screen->crt_port, CRT_CURSOR_LOW);
    port_write(screen->crt_port + 1, (uint8_t)at);
    *(volatile uint8_t *)memory_at(BDA_CURSOR) = (uint8_t)(screen->cursor % SCREEN_COLUMNS);
    *(volatile uint8_t *)memory_at(BDA_CURSOR + 1) = (uint8_t)(screen->cursor / SCREEN_COLUMNS);
}

/* A character takes as many columns as on a terminal, because each column takes one step back. */
static void put_glyph(struct screen *screen, uint32_t code)
{
    uint8_t glyph = cp437_from_unicode(code);

    for (uint32_t columns = utf8_columns(code); columns > 0; columns--) {
        screen->cells[screen->cursor++] = screen->attribute | glyph;
        scroll_if_full(screen);
    }
}

static void put_character(struct screen *screen, uint32_t code)
{
    const uint32_t column = screen->cursor % SCREEN_COLUMNS;

    if (code == '\n') {
        screen->cursor += SCREEN_COLUMNS - column;
    } else if (code == '\r') {
        screen->cursor -= column;
    } else if (code == '\b') {
        screen->cursor -= column > 0;
    } else {
        put_glyph(screen, code);
    }
    scroll_if_full(screen);
}

/* Shows the first n characters of screen->text. */
static void flush(struct screen *screen, uint32_t n)
{
    struct bios_regs regs = {.ds = bios_segment(screen->text), .esi = bios_offset(screen->text), .ecx = n};
    if (n > 0) {
        bios_run(thunk_print, &regs);
    }
}

static void put_by_bios(struct screen *screen, const char *utf8, const char *end)
{
    uint32_t used = 0;

    while (utf8 < end) {
        const uint32_t code = utf8_next(&utf8, end);
        if (code == '\n' || code == '\b' || code == '\r') {
            if (code == '\n') {
                screen->text[used++] = '\r';
            }
            screen->text[used++] = (uint8_t)code;
        } else {
            memset(screen->text + used, cp437_from_unicode(code), 2);
            used += utf8_columns(code);
        }
        if (used + 2 > sizeof screen->text) {
            flush(screen, used);
            used = 0;
        }
    }
    flush(screen, used);
}

void screen_update(struct screen *screen)
{
    if (!screen->is_changed) {
        return;
    }
    for (uint32_t at = 0; at < SCREEN_CELLS; at++) {
        if (screen->shown[at] != screen->cells[at]) {
            screen->shown[at] = screen->memory[at] = screen->cells[at];
        }
    }
    show_cursor(screen);
    screen->is_changed = false;
}

void screen_update_in_time(struct screen *screen)
{
    const uint32_t tick = clock_ticks();

    if (tick != screen->updated) {
        screen->updated = tick;
        screen_update(screen);
    }
}

void screen_put(struct screen *screen, const char *utf8, size_t n)
{
    const char *end = utf8 + n;

    if (screen->memory == NULL) {
        put_by_bios(screen, utf8, end);
        return;
    }
    while (utf8 < end) {
        put_character(screen, utf8_next(&utf8, end));
    }
    screen->is_changed = true;
    screen_update_in_time(screen);
}
