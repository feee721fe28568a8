/* UTF-16, in which FAT's long names and UEFI write text. */
#ifndef BOOTLLAMA_UTF16_H
#define BOOTLLAMA_UTF16_H

#include <stdint.h>

/* The code point at *at, which lies before `end`; moves *at past its one or two units. An unpaired surrogate gives
   UTF8_REPLACEMENT_CODE. */
uint32_t utf16_next(const uint16_t **at, const uint16_t *end);

enum { UTF16_MAX = 2 }; /* units of one code point at most */

/* Writes a Unicode scalar value and returns its units. */
uint32_t utf16_encode(uint16_t out[UTF16_MAX], uint32_t code_point);

#endif
