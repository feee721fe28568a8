#include "pc/terminal_keys.h"

#include "base/utf8.h"
#include "platform.h"

enum { ESCAPE = 0x1B, ESCAPE_WAIT_US = 50000, PARAMETER_MAX = 99 };

/* Final byte of "ESC [ ... byte" and "ESC O byte" (ECMA-48, xterm, VT220). */
static int from_sequence(uint8_t final, uint32_t parameter)
{
    switch (final) {
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
    case '~':
        break;
    default:
        return KEY_NONE;
    }
    switch (parameter) {
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

static int sequence_byte(struct terminal_keys *keys, uint8_t byte)
{
    if (byte >= '0' && byte <= '9') {
        keys->parameter = keys->parameter * 10 + (byte - '0');
        if (keys->parameter > PARAMETER_MAX) {
            keys->parameter = PARAMETER_MAX + 1;
        }
        return KEY_NONE;
    }
    if (byte >= 0x20 && byte < 0x40) { /* further parameters: modifiers, ignored */
        return KEY_NONE;
    }
    keys->state = TERMINAL_TEXT;
    return from_sequence(byte, keys->parameter);
}

/* A byte above 7Fh: the last byte of a sequence completes a key; an ill-formed sequence gives none. */
static int multibyte(struct terminal_keys *keys, uint8_t byte)
{
    keys->pending[keys->pending_count++] = (char)byte;
    int length = utf8_sequence((const uint8_t *)keys->pending, keys->pending_count);
    if (length == 0) {
        return KEY_NONE;
    }
    const char *text = keys->pending, *end = text + keys->pending_count;
    keys->pending_count = 0;
    return length > 0 ? (int)utf8_next(&text, end) : KEY_NONE;
}

static int text_byte(struct terminal_keys *keys, uint8_t byte, uint8_t previous)
{
    if (byte >= 0x80) {
        return multibyte(keys, byte);
    }
    keys->pending_count = 0;
    switch (byte) {
    case 0:
        return KEY_NONE;
    case ESCAPE:
        keys->state = TERMINAL_ESCAPE;
        return KEY_NONE;
    case 0x7F:
        return '\b';
    case '\n':
        return previous == '\r' ? KEY_NONE : '\r';
    default:
        return byte;
    }
}

int terminal_keys_byte(struct terminal_keys *keys, uint8_t byte, uint64_t now)
{
    uint8_t previous = keys->previous;

    keys->previous = byte;
    keys->since = now;
    switch (keys->state) {
    case TERMINAL_ESCAPE:
        if (byte == '[' || byte == 'O') {
            keys->state = TERMINAL_SEQUENCE;
            keys->parameter = 0;
            return KEY_NONE;
        }
        if (byte != ESCAPE) {
            keys->state = TERMINAL_TEXT; /* Alt and a key: the key is lost, the Escape is not */
        }
        return ESCAPE;
    case TERMINAL_SEQUENCE:
        return sequence_byte(keys, byte);
    default:
        return text_byte(keys, byte, previous);
    }
}

int terminal_keys_idle(struct terminal_keys *keys, uint64_t now)
{
    if (keys->state == TERMINAL_TEXT || now - keys->since < ESCAPE_WAIT_US) {
        return KEY_NONE;
    }
    int key = keys->state == TERMINAL_ESCAPE ? ESCAPE : KEY_NONE;
    keys->state = TERMINAL_TEXT;
    return key;
}
