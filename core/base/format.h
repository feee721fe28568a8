/* Formatted text without a libc. */
#ifndef BOOTLLAMA_FORMAT_H
#define BOOTLLAMA_FORMAT_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes formatted text, truncated to size - 1 bytes, and a NUL. Returns the bytes written without the NUL.
 * Conversions: %s (NULL prints as "(null)"), %c, %d (int), %u (uint32_t), %llu (uint64_t), %x (uint32_t, lower case),
 * %zu, %%, with an optional width; a '-' before it pads on the right, a 0 pads with zeros.
 */
size_t format(char *out, size_t size, const char *pattern, ...) __attribute__((format(printf, 3, 4)));
size_t format_list(char *out, size_t size, const char *pattern, va_list arguments);

#endif
