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

void screen_put(const char *utf8, size_t n)
{
    const char *end = utf8 + n;
    uint32_t used = 0;

    while (utf8 < end) {
        const uint32_t code = utf8_next(&utf8, end);
        if (code == '\n') {
            text[used++] = '\r';
        }
        text[used++] = code == '\n' || code == '\b' || code == '\r' ? (uint8_t)code : cp437_from_unicode(code);
        if (used + 2 > sizeof text) {
            flush(used);
            used = 0;
        }
    }
    flush(used);
}
