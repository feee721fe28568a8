/*
 * Keys out of the bytes that a terminal sends: UTF-8, control characters, and the escape sequences of xterm, VT220 and the
 * Linux console for arrows, Home, End and Delete (ECMA-48: ESC [ numbers letter; ESC O letter).
 */
#ifndef BOOTLLAMA_TERMINAL_KEYS_H
#define BOOTLLAMA_TERMINAL_KEYS_H

#include <stdbool.h>
#include <stdint.h>

struct terminal_keys { /* all zero at first */
    uint8_t state;
    uint8_t number;     /* the first number of an escape sequence */
    uint8_t held;       /* a byte still to be looked at, 0 = none: terminal_keys_idle comes before the next byte */
    uint8_t used;       /* bytes of `sequence` */
    bool after_return;  /* the last byte was CR: a LF belongs to it */
    uint8_t sequence[4];
    uint64_t since;     /* microseconds: when the last byte came */
};

/* Takes a byte that came at time `now` (microseconds). Returns a key, or KEY_NONE while a sequence is not complete. */
int terminal_keys_byte(struct terminal_keys *keys, uint8_t byte, uint64_t now);

/* Whether there is anything for terminal_keys_idle to finish. */
bool terminal_keys_pending(const struct terminal_keys *keys);

/* With a byte held, or none there at time `now`: the key from it or from silence (Escape alone), or KEY_NONE. */
int terminal_keys_idle(struct terminal_keys *keys, uint64_t now);

#endif
