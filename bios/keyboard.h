/* The keyboard through INT 16h, which is also how a BIOS serves USB keyboards. */
#ifndef BOOTLLAMA_KEYBOARD_H
#define BOOTLLAMA_KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

struct keyboard {
    uint8_t calls;      /* added to AH of INT 16h: selects the set of calls that the BIOS has */
    bool busy;          /* the program is computing */
    bool expected;      /* there may be a key now */
    uint32_t last_tick; /* tick of the last BIOS query while busy */
    uint64_t next;      /* time of the next query allowed, microseconds */
};

/* Detects whether the BIOS has the calls for the enhanced keyboard. */
void keyboard_init(struct keyboard *keyboard);

/*
 * Returns the next key typed, or KEY_NONE (core/platform.h). Queries the BIOS at most every 10 ms, and while the
 * processor is busy only once per timer tick (55 ms), so that polling costs nothing. Without a keyboard it finds no
 * key.
 */
int keyboard_get_key(struct keyboard *keyboard);

/* Notes that the program is computing: the next poll counts as busy. */
void keyboard_busy(struct keyboard *keyboard);

/* Notes an interrupt: the next poll queries the BIOS immediately. */
void keyboard_expect(struct keyboard *keyboard);

#endif
