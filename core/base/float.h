/* Single precision and its bits. */
#ifndef BOOTLLAMA_FLOAT_H
#define BOOTLLAMA_FLOAT_H

#include <stdint.h>

/* Bits of the positive infinity and NaN. */
#define FLOAT_INFINITY 0x7F800000u
#define FLOAT_NAN 0x7FC00000u

static inline uint32_t float_bits(float value)
{
    union {
        float f;
        uint32_t u;
    } both = {.f = value};
    return both.u;
}

static inline float float_from_bits(uint32_t bits)
{
    union {
        uint32_t u;
        float f;
    } both = {.u = bits};
    return both.f;
}

/* Maps a float's bits to an integer in the same order, NaNs outermost; its own inverse. */
static inline int32_t float_order(int32_t bits)
{
    return bits ^ (bits >> 31 & 0x7FFFFFFF);
}

/* bfloat16 is the upper half of a float. */
static inline float float_from_bfloat(uint16_t bfloat)
{
    return float_from_bits((uint32_t)bfloat << 16);
}

#endif
