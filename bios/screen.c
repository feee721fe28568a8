#include "screen.h"

#include <stdint.h>

#include "bios_call.h"
#include "cp437.h"
#include "io.h"
#include "utf8.h"

enum {
    MODE_COLOUR_80X25 = 3,
    MODE_MONO_80X25 = 7,
    BDA_LAST_ROW = 0x484, /* EGA and later; 0 on older adapters, which have 25 rows */
};

void thunk_print(void); /* thunk.asm */

/* A BIOS with a logo may hand over in a graphics mode, or with 50 lines. */
void screen_init(void)
{
    struct bios_regs regs = {.eax = 0x0F00};
    bios_call(0x10, &regs);
    uint8_t mode = regs.eax & 0x7F, columns = (uint8_t)(regs.eax >> 8), page = (uint8_t)(regs.ebx >> 8);
    uint8_t last_row = memory_read8(BDA_LAST_ROW);
    bool text = mode == MODE_COLOUR_80X25 || mode == MODE_COLOUR_80X25 - 1 || mode == MODE_MONO_80X25;

    if (!text || columns != SCREEN_COLUMNS || page != 0 || (last_row != 0 && last_row != 24)) {
        regs = (struct bios_regs){.eax = mode == MODE_MONO_80X25 ? MODE_MONO_80X25 : MODE_COLOUR_80X25};
        bios_call(0x10, &regs);
    }
}

static uint8_t text[1024]; /* code page 437, on its way to the screen: one trip to real mode for all of it */

/* Shows the first n characters of `text`. */
static void flush(uint32_t n)
{
    struct bios_regs regs = {.ds = bios_segment(text), .esi = bios_offset(text), .ecx = n};
    if (n > 0) {
        bios_run(thunk_print, &regs);
    }
}

/* The code point of a well-formed sequence of `length` bytes. */
static uint32_t code_point(const uint8_t *bytes, int length)
{
    uint32_t value = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        value = value << 6 | (bytes[i] & 0x3F);
    }
    return value;
}

void screen_put(const char *utf8, size_t n)
{
    const uint8_t *bytes = (const uint8_t *)utf8;
    uint32_t used = 0;

    while (n > 0) {
        int length = utf8_sequence(bytes, n);
        uint8_t glyph = '?';
        if (*bytes == '\n') {
            text[used++] = '\r';
            glyph = '\n';
        } else if (*bytes == '\b' || *bytes == '\r') {
            glyph = *bytes;
        } else if (length > 0) {
            glyph = cp437_from_unicode(code_point(bytes, length));
        }
        text[used++] = glyph;
        size_t step = length > 0 ? (size_t)length : length < 0 ? (size_t)-length : n;
        bytes += step;
        n -= step;
        if (used + 2 > sizeof text) {
            flush(used);
            used = 0;
        }
    }
    flush(used);
}
