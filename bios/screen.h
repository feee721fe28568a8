/* The text screen through INT 10h. */
#ifndef BOOTLLAMA_SCREEN_H
#define BOOTLLAMA_SCREEN_H

#include <stddef.h>

enum { SCREEN_COLUMNS = 80 };

/* Sees to 80x25 text: keeps what is on the screen if that is its mode already. */
void screen_init(void);

/* Writes n bytes of UTF-8: '\n' ends a line, '\b' and '\r' move back; what code page 437 lacks shows as '?'. */
void screen_put(const char *utf8, size_t n);

#endif
