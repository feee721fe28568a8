/* What kind of character a code point is, as far as the pre-tokenizers ask (words.h). */
#ifndef BOOTLLAMA_UNICODE_H
#define BOOTLLAMA_UNICODE_H

#include <stdint.h>

/* The general category, or the property White_Space, which goes first. unicode_table.py has the same numbers. */
enum unicode_class {
    UNICODE_OTHER, /* marks, symbols, controls, and what is not assigned */
    UNICODE_LETTER,
    UNICODE_NUMBER,
    UNICODE_PUNCTUATION,
    UNICODE_SPACE,
};

/* Any number may be asked for; what is no code point is UNICODE_OTHER. */
enum unicode_class unicode_class(uint32_t code_point);

/* The table, which unicode_table.py makes of the Unicode Character Database: the first code point of each range times
   8, plus the class of the range, ascending from 0. */
extern const uint32_t unicode_ranges[], unicode_range_count;

#endif
