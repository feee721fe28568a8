/* Numbers from text, which must be all number, with the same bits on every machine; and rates. */
#ifndef BOOTLLAMA_NUMBER_H
#define BOOTLLAMA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a decimal number that fills all of text[0..n): "12", "0.8", ".5", "-1.5e-3" (the last three: float only).
 * A float keeps its first seven significant digits; up to ten decimal places rounding is correct (one IEEE operation),
 * and it is always the same on every machine. Returns false, with *value unchanged, for anything else, on overflow, and
 * for floats beyond 1e30 or finer than 1e-30.
 */
bool number_parse_u64(const char *text, size_t n, uint64_t *value);
bool number_parse_float(const char *text, size_t n, float *value);

/* n rounded up to a multiple of `step`. */
static inline uint32_t number_round_up(uint32_t n, uint32_t step)
{
    return (n + step - 1) / step * step;
}

static inline uint32_t number_min(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static inline uint32_t number_max(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

/* Returns ten times amount / microseconds, that is, tenths of millions a second; 0 if no time has passed. amount <
   2^60; the result saturates at UINT32_MAX. */
uint32_t number_rate_tenths(uint64_t amount, uint64_t microseconds);

#endif
