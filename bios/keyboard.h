/* The keyboard through INT 16h, which is also how a BIOS serves USB keyboards. */
#ifndef BOOTLLAMA_KEYBOARD_H
#define BOOTLLAMA_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

struct keyboard {
    uint8_t calls;      /* added to AH of INT 16h: which set of calls the BIOS has */
    bool busy;          /* computing goes on */
    bool expected;      /* there may be a key right now */
    uint32_t last_tick; /* when the BIOS was asked last while busy */
    uint64_t next;      /* when it may be asked again, microseconds */
};

/* Finds out whether the BIOS has the calls for the enhanced keyboard. */
void keyboard_init(struct keyboard *keyboard);

/*
 * The next key typed, or KEY_NONE (core/platform.h). Asks the BIOS at most once in 10 ms, and only with each timer tick
 * (55 ms) while the processor is busy, so that polling costs nothing. Works, and finds no key, without a keyboard.
 */
int keyboard_get_key(struct keyboard *keyboard);

/* Says that the program computes: the next poll is one of a busy program. */
void keyboard_busy(struct keyboard *keyboard);

/* Says that an interrupt came: the next poll asks the BIOS at once. */
void keyboard_expect(struct keyboard *keyboard);

#endif
