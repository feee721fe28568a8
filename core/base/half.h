/* IEEE 754 binary16 ("half", f16), to and from single precision. */
#ifndef BOOTLLAMA_HALF_H
#define BOOTLLAMA_HALF_H

#include <stdbool.h>

#include "base/float.h"

/* Exact for every half: zero, subnormal, normal, infinity and NaN. */
static inline float half_to_float(uint16_t half)
{
    const uint32_t sign = (uint32_t)(half & 0x8000) << 16;
    const uint32_t magnitude = half & 0x7FFF;
    if (magnitude >= 0x7C00) {
        return float_from_bits(sign | 0x7F800000 | (magnitude & 0x3FF) << 13);
    }
    if (magnitude >= 0x0400) {
        return float_from_bits(sign | ((magnitude << 13) + (112u << 23)));
    }
    const float subnormal = (float)(int32_t)magnitude * 0x1p-24f;
    return float_from_bits(sign | float_bits(subnormal));
}

/* Rounds to nearest even; overflow gives infinity, NaN stays NaN. */
static inline uint16_t half_from_float(float value)
{
    const uint32_t bits = float_bits(value);
    const uint16_t sign = (uint16_t)(bits >> 16 & 0x8000);
    const uint32_t magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000) {
        return sign | 0x7E00;
    }
    if (magnitude >= 0x477FF000) { /* 65520 and up round beyond the largest half */
        return sign | 0x7C00;
    }
    if (magnitude < 0x38800000) { /* below 2^-14: adding 2^-1 lines the bits of a subnormal up, rounded by the adder */
        const float aligned = float_from_bits(magnitude) + 0.5f;
        return sign | (uint16_t)(float_bits(aligned) - float_bits(0.5f));
    }
    const uint32_t odd = magnitude >> 13 & 1;
    return sign | (uint16_t)((magnitude - (112u << 23) + 0xFFF + odd) >> 13);
}

static inline bool half_is_finite(uint16_t half)
{
    return (half & 0x7C00) != 0x7C00;
}

#endif
