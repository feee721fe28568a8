/* Text on the firmware's console (ConOut), with whatever devices are behind it. */
#ifndef BOOTLLAMA_UEFI_SCREEN_H
#define BOOTLLAMA_UEFI_SCREEN_H

#include "efi_headers.h"
#include <stddef.h>

enum { SCREEN_CHUNK_MAX = 128 /* characters given to the firmware at once */ };

struct screen {
    EFI_SIMPLE_TEXT_OUT_PROTOCOL *out; /* NULL on a machine without a console */
    uint32_t columns;                  /* 1..999, 80 where the firmware says nothing sensible; 0 without a console */
    BOOLEAN cursor_was_visible;        /* for screen_close */
    CHAR16 text[SCREEN_CHUNK_MAX + 1]; /* gathered, not yet shown */
    uint32_t gathered;
};

/* Clears the screen of what the firmware left there (a logo) and writes `text`. May be called before screen_open. */
void screen_greet(EFI_SYSTEM_TABLE *table, const CHAR16 *text);

/* Takes over ConOut in the mode that it is in. The cursor becomes visible. */
void screen_open(struct screen *screen, EFI_SYSTEM_TABLE *table);

/* Writes n bytes of UTF-8: '\n' as CR LF, '\b' one column back, a character that a device cannot show as '?'. A call of
   the firmware costs far more than a character in it, so text is gathered until screen_flush or until there is much. */
void screen_put(struct screen *screen, const char *utf8, size_t n);
void screen_flush(struct screen *screen);

/* Gives the console back with the cursor as it was found. */
void screen_close(struct screen *screen);

#endif
