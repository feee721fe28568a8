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
    bool redirected; /* the BIOS copies the screen's text to a serial port, most likely ours: do not send it twice */
    bool stopping;   /* by terminal_stop */
    bool dimmed;     /* the text on the serial port */
};

/* Needs interrupts and the clock. */
void terminal_init(struct terminal *terminal);

/* Writes n bytes of UTF-8 to both. */
void terminal_put(struct terminal *terminal, const char *utf8, size_t n);

/* Sets the colour of the text that follows, on the screen; on the serial port COLOUR_THOUGHT alone. */
void terminal_colour(struct terminal *terminal, enum platform_colour colour);

/* Writes text up to its NUL, then a line end. */
void terminal_line(struct terminal *terminal, const char *text);

/* Returns the next key from either, or KEY_NONE (core/platform.h). */
int terminal_get_key(struct terminal *terminal);

/* Idles the processor until an interrupt: a key, a byte on the serial port, or at the latest the next timer tick. */
void terminal_idle(struct terminal *terminal);

/* Shows `text` and waits for a key, then restarts the machine. */
_Noreturn void terminal_stop(struct terminal *terminal, const char *text);

#endif
