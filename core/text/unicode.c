/* Classes of characters (unicode.h): the range of a code point is found from the start of its block. */
#include "text/unicode.h"

enum { CODE_POINTS = 0x110000, LENGTH_MASK = (1 << UNICODE_LENGTH_BITS) - 1 };

/* The length of the range at *step; moves on to the next one. */
static uint32_t next_length(const uint8_t **step)
{
    const uint8_t *at = *step;
    const uint32_t length = *at & LENGTH_MASK;
    *step = at + (length > 0 ? 1 : 3);
    return length > 0 ? length : at[1] | (uint32_t)at[2] << 8;
}

enum unicode_class unicode_class(uint32_t code_point)
{
    uint32_t block = unicode_blocks - 1;
    if (code_point >= CODE_POINTS) {
        return UNICODE_OTHER;
    }
    while (unicode_starts[block] > code_point) {
        block--;
    }
    const uint8_t *range = unicode_steps + unicode_offsets[block], *next = range;
    for (uint32_t end = unicode_starts[block] + next_length(&next); end <= code_point; end += next_length(&next)) {
        range = next;
    }
    return (enum unicode_class)(*range >> UNICODE_LENGTH_BITS);
}
