#include "terminal_keys.h"

#include "platform.h"
#include "utf8.h"

enum state { PLAIN, ESCAPE, BRACKET, LETTER_O };

enum {
    ESC = 0x1B,
    SILENCE = 50000, /* microseconds after which an Escape was typed by itself; a sequence's bytes come within 1 ms */
};

static int key_of_letter(uint8_t letter)
{
    switch (letter) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return KEY_RIGHT;
    case 'D':
        return KEY_LEFT;
    case 'H':
        return KEY_HOME;
    case 'F':
        return KEY_END;
    default:
        return KEY_NONE;
    }
}

/* ESC [ number ~ */
static int key_of_number(uint8_t number)
{
    switch (number) {
    case 1:
    case 7:
        return KEY_HOME;
    case 3:
        return KEY_DELETE;
    case 4:
    case 8:
        return KEY_END;
    default:
        return KEY_NONE;
    }
}

/* A byte inside ESC [ ...: digits of the first number, other parameters, and a final byte 40h..7Eh. */
static int bracket_byte(struct terminal_keys *keys, uint8_t byte)
{
    if (byte >= '0' && byte <= '9' && !keys->later) {
        keys->number = keys->number < 10 ? (uint8_t)(keys->number * 10 + byte - '0') : UINT8_MAX;
        return KEY_NONE;
    }
    if (byte >= 0x20 && byte < 0x40) {
        keys->later = true;
        return KEY_NONE;
    }
    keys->state = PLAIN;
    return byte == '~' ? key_of_number(keys->number) : key_of_letter(byte);
}

/* A byte of a UTF-8 sequence; the code point once it is complete. */
static int text_byte(struct terminal_keys *keys, uint8_t byte)
{
    keys->sequence[keys->used++] = byte;
    int length = utf8_sequence(keys->sequence, keys->used);
    if (length == 0) {
        return KEY_NONE;
    }
    keys->used = 0;
    if (length < 0) {
        return KEY_NONE;
    }
    int code_point = keys->sequence[0] & (0x7F >> length);
    for (int i = 1; i < length; i++) {
        code_point = code_point << 6 | (keys->sequence[i] & 0x3F);
    }
    return code_point;
}

static int plain_byte(struct terminal_keys *keys, uint8_t byte)
{
    bool after_return = keys->after_return;

    keys->after_return = byte == '\r';
    if (byte >= 0x80) {
        return text_byte(keys, byte);
    }
    keys->used = 0;
    switch (byte) {
    case ESC:
        keys->state = ESCAPE;
        return KEY_NONE;
    case '\n':
        return after_return ? KEY_NONE : '\r';
    case 0x7F:
        return '\b';
    case 0:
        return KEY_NONE;
    default:
        return byte;
    }
}

static int escape_byte(struct terminal_keys *keys, uint8_t byte)
{
    if (byte == '[' || byte == 'O') {
        keys->state = byte == '[' ? BRACKET : LETTER_O;
        keys->number = 0;
        keys->later = false;
        return KEY_NONE;
    }
    keys->state = byte == ESC ? ESCAPE : PLAIN;
    return ESC;
}

int terminal_keys_byte(struct terminal_keys *keys, uint8_t byte, uint64_t now)
{
    keys->since = now;
    switch ((enum state)keys->state) {
    case ESCAPE:
        return escape_byte(keys, byte);
    case BRACKET:
        return bracket_byte(keys, byte);
    case LETTER_O:
        keys->state = PLAIN;
        return key_of_letter(byte);
    case PLAIN:
    default:
        return plain_byte(keys, byte);
    }
}

int terminal_keys_idle(struct terminal_keys *keys, uint64_t now)
{
    if (keys->state == PLAIN || now - keys->since < SILENCE) {
        return KEY_NONE;
    }
    int key = keys->state == ESCAPE ? ESC : KEY_NONE;
    keys->state = PLAIN;
    return key;
}
