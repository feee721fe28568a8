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
    uint16_t cells[SCREEN_CELLS]; /* what the screen shows or shall show */
    uint16_t shown[SCREEN_CELLS]; /* what it shows */
    bool is_changed;              /* these may differ */
    uint32_t updated;             /* tick of the clock when they were last the same */
    uint8_t text[1024];           /* code page 437, on its way to INT 10h: one trip to real mode for all of it */
};

/* Sets 80x25 text mode; keeps the screen's contents if it is in that mode already. */
void screen_init(struct screen *screen);

/* Whether INT 10h has no adapter: a BIOS with console redirection then sends its text to a serial port. */
bool screen_is_redirected(const struct screen *screen);

/* Writes n bytes of UTF-8: '\n' ends a line, '\b' and '\r' move back; characters that code page 437 lacks become
   '?'. The screen is updated at most once in a tick of the clock; what comes too soon after that waits for the next
   call of these functions. */
void screen_put(struct screen *screen, const char *utf8, size_t n);
void screen_update_in_time(struct screen *screen);

/* Updates the screen now: before anything that may take long, or for ever. */
void screen_update(struct screen *screen);

/* Sets the colour of the text that follows; no effect through INT 10h. */
void screen_colour(struct screen *screen, enum platform_colour colour);

#endif
