/*
 * The gate of a feed-forward network and the quantization of a group, in registers, for every vector width: what comes
 * after a matrix product, in x86_vector.h or at once.
 *
 * A kernel's .c file includes this after defining VECTOR, floats, floats_fold, floats_round, floats_fraction,
 * floats_scale, group_magnitude and store_group as for x86_vector.h.
 */
#ifndef BOOTLLAMA_X86_GATE_H
#define BOOTLLAMA_X86_GATE_H

#include "base/exp2.h"
#include "kernel/x86_width.h"

/* exp2_single of y <= EXP2_HIGHEST or NaN. */
static inline floats exp2_floats(floats y)
{
    static const float coefficients[] = {EXP2_C4, EXP2_C3, EXP2_C2, EXP2_C1, 1.0f};
    const floats power = floats_round(y), f = floats_fraction(y, power);
    floats p = VECTOR(set1_ps)(EXP2_C5);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < sizeof coefficients / sizeof *coefficients; i++) {
        p = VECTOR(add_ps)(VECTOR(mul_ps)(p, f), VECTOR(set1_ps)(coefficients[i]));
    }
    return floats_scale(p, power, y);
}

/* gate / (1 + 2^exponent) * up, an exponent above EXP2_HIGHEST counting as that. */
static inline floats gated(floats gate, floats exponent, floats up)
{
    const floats decay = exp2_floats(VECTOR(min_ps)(VECTOR(set1_ps)(EXP2_HIGHEST), exponent));
    return VECTOR(mul_ps)(VECTOR(div_ps)(gate, VECTOR(add_ps)(VECTOR(set1_ps)(1.0f), decay)), up);
}

static inline floats silu(floats gate, floats up)
{
    return gated(gate, VECTOR(mul_ps)(gate, VECTOR(set1_ps)(-LOG2_E)), up);
}

static inline floats gelu(floats gate, floats up)
{
    const floats cubic = VECTOR(mul_ps)(VECTOR(mul_ps)(gate, gate), VECTOR(set1_ps)(KERNEL_GELU_CUBIC));
    const floats y = VECTOR(mul_ps)(gate, VECTOR(add_ps)(cubic, VECTOR(set1_ps)(KERNEL_GELU_LINEAR)));
    return gated(gate, y, up);
}

/* Quantizes one group, which it changes; returns its scale. */
static inline float quantize_part(struct q8_vector *out, uint32_t group, floats part[Q8_GROUP / WIDTH])
{
    const uint32_t largest = group_magnitude(part);
    const bool usable = largest >= Q8_SMALLEST && largest < Q8_LIMIT;
    const floats inverse = VECTOR(set1_ps)(usable ? 127.0f / float_from_bits(largest) : 0.0f);
#pragma GCC unroll 8
    for (uint32_t i = 0; i < Q8_GROUP / WIDTH; i++) {
        part[i] = largest < Q8_LIMIT ? VECTOR(mul_ps)(part[i], inverse) : inverse;
    }
    store_group(out, group, part);
    return largest >= Q8_LIMIT ? float_from_bits(FLOAT_NAN) : usable ? float_from_bits(largest) * Q8_STEP : 0.0f;
}

#endif
