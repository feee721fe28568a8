/* Decodes a serial terminal's bytes into keys: UTF-8 text and the escape sequences of cursor keys. */
#ifndef BOOTLLAMA_PC_TERMINAL_KEYS_H
#define BOOTLLAMA_PC_TERMINAL_KEYS_H

#include <stdint.h>

struct terminal_keys {
    enum { TERMINAL_TEXT, TERMINAL_ESCAPE, TERMINAL_SEQUENCE } state;
    uint32_t parameter; /* first number of an escape sequence */
    char pending[4];    /* start of a UTF-8 sequence */
    uint32_t pending_count;
    uint64_t since;   /* time of the last byte, us */
    uint8_t previous; /* byte before this one: LF after CR is not a second Enter */
};

/* Takes the byte received at time `now` (microseconds). Returns the key that it completes, or KEY_NONE. The struct
   starts as all zeros. No key is lost: terminal_keys_idle returns an Escape without a sequence. */
int terminal_keys_byte(struct terminal_keys *keys, uint8_t byte, uint64_t now);

/* Call it before each byte and while none arrives: a lone Escape becomes a key after 50 ms without another byte.
   Returns that key or KEY_NONE. */
int terminal_keys_idle(struct terminal_keys *keys, uint64_t now);

#endif
