/*
 * Keys out of the bytes that a terminal sends: UTF-8, control characters, and the escape sequences of xterm, VT220 and
 * the Linux console for arrows, Home, End and Delete (ECMA-48: ESC [ numbers letter; ESC O letter).
 */
#ifndef BOOTLLAMA_TERMINAL_KEYS_H
#define BOOTLLAMA_TERMINAL_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct terminal_keys { /* all zero at first */
    uint8_t state;
    uint8_t number;      /* the first number of an escape sequence */
    uint8_t used;        /* bytes of `sequence` */
    bool later;          /* past the first number */
    bool after_return;   /* the last byte was CR: a LF belongs to it */
    uint8_t sequence[4]; /* the start of a UTF-8 sequence */
    uint64_t since;      /* microseconds: when the last byte came */
};

/* Takes a byte that came at time `now` (microseconds). Returns the key that it completes, or KEY_NONE. What is
   ill-formed is dropped; of Escape and a key that is no sequence (Alt on many terminals) the Escape stays. */
int terminal_keys_byte(struct terminal_keys *keys, uint8_t byte, uint64_t now);

/* With no byte there at time `now`: Escape, once 50 ms of silence show that it was typed by itself; else KEY_NONE. */
int terminal_keys_idle(struct terminal_keys *keys, uint64_t now);

#endif
