/* Text on the firmware's console (ConOut), on whatever devices are behind it. */
#ifndef BOOTLLAMA_UEFI_SCREEN_H
#define BOOTLLAMA_UEFI_SCREEN_H

#include "efi_headers.h"
#include "font.h"
#include <stddef.h>

enum { SCREEN_CHUNK_MAX = 128 /* characters given to the firmware at once */ };

struct screen {
    EFI_SIMPLE_TEXT_OUT_PROTOCOL *out; /* NULL on a machine without a console */
    struct font font;
    uint32_t columns;                  /* 1..999, 80 if the firmware reports nonsense; 0 without a console */
    BOOLEAN cursor_was_visible;        /* for screen_close */
    CHAR16 text[SCREEN_CHUNK_MAX + 1]; /* gathered, not yet shown */
    uint32_t gathered;
};

/* Writes `text`; screen_greet first switches the screen to text and clears it of the firmware's leftovers (a logo).
   Both may be called before screen_open. */
void screen_say(EFI_SYSTEM_TABLE *table, const CHAR16 *text);
void screen_greet(EFI_SYSTEM_TABLE *table, const CHAR16 *text);

/* Takes over ConOut in its current mode. Makes the cursor visible. */
void screen_open(struct screen *screen, EFI_SYSTEM_TABLE *table);

/* Writes n bytes of UTF-8: '\n' as CR LF, '\b' one column back, a character that a device cannot show as '?'. A
   firmware call costs far more than a character in it, so text is buffered until screen_flush or until the buffer is
   full. */
void screen_put(struct screen *screen, const char *utf8, size_t n);
void screen_flush(struct screen *screen);

/* Gives the console back with its original cursor. */
void screen_close(struct screen *screen);

#endif
