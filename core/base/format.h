/* Text without a libc: bounded strings, printf-like formatting, numbers to and from text. */
#ifndef BOOTLLAMA_FORMAT_H
#define BOOTLLAMA_FORMAT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Writes formatted text of at most size - 1 bytes and a NUL; cuts what does not fit. Returns bytes written
 * without the NUL. Conversions: %s (NULL prints as "(null)"), %c, %d (int), %u (uint32_t), %llu (uint64_t),
 * %x (uint32_t, lower case), %zu, %%, with an optional width; before it '-' fills on the right, 0 fills with zeros.
 */
size_t format(char *out, size_t size, const char *pattern, ...) __attribute__((format(printf, 3, 4)));
size_t format_list(char *out, size_t size, const char *pattern, va_list arguments);

/* One line for the user: names the file, the place and what to do. No newline at its end. */
struct error {
    char text[512]; /* room for the longest path, a tensor name and what is wrong */
};

/* Fills *error with formatted text and returns -1, so that a function fails in one statement. */
int fail(struct error *error, const char *pattern, ...) __attribute__((format(printf, 2, 3)));

size_t text_length(const char *text);
bool text_equal(const char *a, const char *b);
/* ASCII letters compare without case. */
bool text_equal_nocase(const char *a, const char *b);

/* Ten times amount / microseconds, so tenths of millions a second; 0 if no time has passed. amount < 2^60; what exceeds
   32 bits is UINT32_MAX. */
uint32_t rate_tenths(uint64_t amount, uint64_t microseconds);

/*
 * Reads a decimal number that fills text[0..n) wholly: "12", "0.8", ".5", "-1.5e-3" (the last three: float only).
 * A float keeps its first seven significant digits; up to ten decimal places it then rounds correctly (one IEEE
 * operation), and always alike on every machine. Return false, leaving *value alone, on anything else, on overflow,
 * and on floats beyond 1e30 or finer than 1e-30.
 */
bool parse_u64(const char *text, size_t n, uint64_t *value);
bool parse_float(const char *text, size_t n, float *value);

#endif
