/* The text screen: written to the display adapter's memory, or through INT 10h if the adapter is not standard. */
#ifndef BOOTLLAMA_SCREEN_H
#define BOOTLLAMA_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform.h"

enum { SCREEN_COLUMNS = 80, SCREEN_ROWS = 25, SCREEN_CELLS = SCREEN_COLUMNS * SCREEN_ROWS };

struct screen {
    volatile uint16_t *memory; /* NULL: through INT 10h */
    bool is_mono;
    uint16_t crt_port, start;     /* of the page shown, in cells */
    uint32_t cursor;              /* cell that the next character goes to */
    uint16_t attribute;           /* in the high byte */
    uint16_t cells[SCREEN_CELLS]; /* the screen's contents */
    uint8_t text[1024];           /* code page 437, on its way to INT 10h: one trip to real mode for all of it */
};

/* Sets 80x25 text mode; keeps the screen's contents if it is in that mode already. */
void screen_init(struct screen *screen);

/* Whether INT 10h has no adapter: a BIOS with console redirection then sends its text to a serial port. */
bool screen_is_redirected(const struct screen *screen);

/* Writes n bytes of UTF-8: '\n' ends a line, '\b' and '\r' move back; characters that code page 437 lacks become
   '?'. */
void screen_put(struct screen *screen, const char *utf8, size_t n);

/* Sets the colour of the text that follows; no effect through INT 10h. */
void screen_colour(struct screen *screen, enum platform_colour colour);

#endif
