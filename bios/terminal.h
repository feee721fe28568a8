/* Screen and serial port, keyboard and serial port, as one. */
#ifndef BOOTLLAMA_TERMINAL_H
#define BOOTLLAMA_TERMINAL_H

#include <stddef.h>

#include "keyboard.h"
#include "platform.h"
#include "screen.h"
#include "serial.h"

struct terminal {
    struct screen screen;
    struct serial serial;
    struct keyboard keyboard;
    bool redirected; /* the BIOS sends what the screen gets to a serial port, most likely ours: not a second time */
    bool stopping;   /* by terminal_stop */
};

/* Needs interrupts and the clock. */
void terminal_init(struct terminal *terminal);

/* Writes n bytes of UTF-8 to both. */
void terminal_put(struct terminal *terminal, const char *utf8, size_t n);

/* The colour of what is written from now on, on the screen alone. */
void terminal_colour(struct terminal *terminal, enum platform_colour colour);

/* Writes text up to its NUL, then a line end. */
void terminal_line(struct terminal *terminal, const char *text);

/* The next key of either, or KEY_NONE (core/platform.h). */
int terminal_get_key(struct terminal *terminal);

/* Rests the processor until an interrupt: a key, a byte on the serial port, at the latest the next timer tick. */
void terminal_idle(struct terminal *terminal);

/* Shows `text` and waits for a key, then restarts the machine. */
_Noreturn void terminal_stop(struct terminal *terminal, const char *text);

#endif
