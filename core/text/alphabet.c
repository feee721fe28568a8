/* Letters to bytes (alphabet.h). */
#include "text/alphabet.h"

/* The bytes that are not visible characters become U+0100 and so on, in ascending order. */
enum { FIRST = 0x100, CONTROLS = 0x21, DELETE = 0x7F, VISIBLE = 0xA1, SOFT_HYPHEN = 0xAD };
enum { FIRST_DELETE = FIRST + CONTROLS, LAST = FIRST_DELETE + VISIBLE - DELETE }; /* the last one is the soft hyphen */

static int byte_of(uint32_t code)
{
    if (code >= FIRST) {
        return code < FIRST_DELETE ? (int)(code - FIRST)
               : code < LAST       ? (int)(code - FIRST_DELETE + DELETE)
               : code == LAST      ? SOFT_HYPHEN
                                   : -1;
    }
    return code < CONTROLS || (code >= DELETE && code < VISIBLE) || code == SOFT_HYPHEN ? -1 : (int)code;
}

/* Returns the byte of the letter at *at and moves past it, or -1. All letters beyond ASCII take two bytes. */
static int next_byte(const uint8_t *letters, size_t n, size_t *at)
{
    uint32_t code = letters[(*at)++];
    if (code < 0x80) {
        return byte_of(code);
    }
    if ((code & 0xE0) != 0xC0 || *at == n || (letters[*at] & 0xC0) != 0x80) {
        return -1;
    }
    code = (code & 0x1F) << 6 | (letters[(*at)++] & 0x3F);
    return code < 0x80 ? -1 : byte_of(code);
}

size_t alphabet_decode(const uint8_t *letters, size_t n, uint8_t *out)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        if (next_byte(letters, n, &i) < 0) {
            return ALPHABET_FOREIGN;
        }
    }
    for (size_t i = 0; i < n;) {
        out[used++] = (uint8_t)next_byte(letters, n, &i);
    }
    return used;
}
