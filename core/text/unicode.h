/* The classes of code points that the pre-tokenizers distinguish (words.h). */
#ifndef BOOTLLAMA_UNICODE_H
#define BOOTLLAMA_UNICODE_H

#include <stdint.h>

/* The general category, or the property White_Space, which takes precedence. unicode_table.py has the same numbers. */
enum unicode_class {
    UNICODE_OTHER, /* marks, symbols, controls, unassigned code points */
    UNICODE_LETTER,
    UNICODE_NUMBER,
    UNICODE_PUNCTUATION,
    UNICODE_SPACE,
};

/* Accepts any number; one that is not a code point is UNICODE_OTHER. */
enum unicode_class unicode_class(uint32_t code_point);

/* The table, which unicode_table.py generates from the Unicode Character Database. It has ranges of code points, in
   order from 0: a byte with the class above UNICODE_LENGTH_BITS bits of length or, if these are 0, with two more bytes
   of length behind it, the lower one first. A block is some ranges: where it starts, its offset in unicode_steps.
   Hidden, so that position-independent code finds it without a table of addresses to relocate. */
enum { UNICODE_LENGTH_BITS = 5 };
#pragma GCC visibility push(hidden)
extern const uint32_t unicode_blocks, unicode_starts[];
extern const uint16_t unicode_offsets[];
extern const uint8_t unicode_steps[];
#pragma GCC visibility pop

#endif
