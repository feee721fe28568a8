/*
 * 2^y in single precision, the scalar definition that every kernel follows to the bit (x86_vector.h).
 *
 * y is split into the nearest integer n (ties to even) and f in [-0.5, 0.5]; 2^f is a polynomial of degree 5
 * (relative error below 2.5e-7 with its roundings), and n is added to the exponent. Results below 2^-125 and NaN give
 * 0, y above 126 counts as 126, so the result is never subnormal or infinite.
 */
#ifndef BOOTLLAMA_EXP2_H
#define BOOTLLAMA_EXP2_H

#include "base/float.h"

#define EXP2_LOWEST (-125.0f) /* below: 0 */
#define EXP2_HIGHEST 126.0f
#define EXP2_ROUNDER 12582912.0f /* 1.5 * 2^23: adding it rounds to an integer, held in the low bits of the sum */

/* Minimax coefficients of 2^f on [-0.5, 0.5], constant term 1. */
#define EXP2_C1 0.693146944f
#define EXP2_C2 0.240221202f
#define EXP2_C3 0.0555071309f
#define EXP2_C4 0.00967554096f
#define EXP2_C5 0.00132764725f

#define LOG2_E 1.44269504f

static inline float exp2_single(float y)
{
    if (!(y >= EXP2_LOWEST)) {
        return 0.0f;
    }
    y = y < EXP2_HIGHEST ? y : EXP2_HIGHEST;
    const float rounded = y + EXP2_ROUNDER;
    const float f = y - (rounded - EXP2_ROUNDER);
    float p = EXP2_C5 * f + EXP2_C4;
    p = p * f + EXP2_C3;
    p = p * f + EXP2_C2;
    p = p * f + EXP2_C1;
    p = p * f + 1.0f;
    return float_from_bits(float_bits(p) + (float_bits(rounded) << 23));
}

#endif
