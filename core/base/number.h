/* Numbers from text, whole text or nothing, the same bits on every machine; and rates. */
#ifndef BOOTLLAMA_NUMBER_H
#define BOOTLLAMA_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Reads a decimal number that fills text[0..n) wholly: "12", "0.8", ".5", "-1.5e-3" (the last three: float only).
 * A float keeps its first seven significant digits; up to ten decimal places it then rounds correctly (one IEEE
 * operation), and always alike on every machine. Return false, leaving *value alone, on anything else, on overflow,
 * and on floats beyond 1e30 or finer than 1e-30.
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

/* Ten times amount / microseconds, so tenths of millions a second; 0 if no time has passed. amount < 2^60; what exceeds
   32 bits is UINT32_MAX. */
uint32_t number_rate_tenths(uint64_t amount, uint64_t microseconds);

#endif
