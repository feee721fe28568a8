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

/* The table, which unicode_table.py generates from the Unicode Character Database: the first code point of each range
   times 8, plus the class of the range, ascending from 0. */
extern const uint32_t unicode_ranges[], unicode_range_count;

#endif
