/* Screen and serial port, keyboard and serial port, as one. */
#ifndef BOOTLLAMA_TERMINAL_H
#define BOOTLLAMA_TERMINAL_H

#include <stddef.h>

#include "platform.h"

/* Needs interrupts and the clock. */
void terminal_init(void);

/* Writes n bytes of UTF-8 to both. */
void terminal_put(const char *utf8, size_t n);

/* The colour of what is written from now on, on the screen alone. */
void terminal_colour(enum platform_colour colour);

/* Writes text up to its NUL, then a line end. */
void terminal_line(const char *text);

/* The next key of either, or KEY_NONE (core/platform.h). */
int terminal_get_key(void);

/* Rests the processor until an interrupt: a key, a byte on the serial port, at the latest the next timer tick. */
void terminal_idle(void);

/* Shows `text` and waits for a key, then restarts the machine. */
_Noreturn void terminal_stop(const char *text);

#endif
