/* The text screen: written to the display adapter's memory, or through INT 10h where that is no standard one. */
#ifndef BOOTLLAMA_SCREEN_H
#define BOOTLLAMA_SCREEN_H

#include <stdbool.h>
#include <stddef.h>

#include "platform.h"

enum { SCREEN_COLUMNS = 80 };

/* Sees to 80x25 text: keeps what is on the screen if that is its mode already. */
void screen_init(void);

/* Whether no adapter is behind INT 10h: a BIOS with console redirection sends its text to a serial port then. */
bool screen_is_redirected(void);

/* Writes n bytes of UTF-8: '\n' ends a line, '\b' and '\r' move back; what code page 437 lacks shows as '?'. */
void screen_put(const char *utf8, size_t n);

/* The colour of what is written from now on; none through INT 10h. */
void screen_colour(enum platform_colour colour);

#endif
