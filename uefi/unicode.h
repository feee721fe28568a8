/* Converts between core/'s UTF-8 and the UTF-16 of firmware. */
#ifndef BOOTLLAMA_UEFI_UNICODE_H
#define BOOTLLAMA_UEFI_UNICODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Writes NUL-terminated UTF-8 as NUL-terminated UTF-16 of at most `capacity` units. Returns false, with out[]
   undefined, if it does not fit, is ill-formed or holds U+FFFD. */
bool utf16_from_utf8(uint16_t *out, size_t capacity, const char *text);

/* Writes NUL-terminated UTF-16 as NUL-terminated UTF-8 of at most `size` bytes; an unpaired surrogate becomes
   UTF8_REPLACEMENT_CODE. Returns false, with the part that fits in out[], if not all of it does. size > 0. */
bool utf8_from_utf16(char *out, size_t size, const uint16_t *text);

#endif
