/*
 * Quantizing the numbers of a model file, for every vector width: the operations of base/q8_0.h, lane by lane.
 *
 * A kernel's .c file includes this after x86_vector.h and after defining
 *   floats_of_halves(halves)   WIDTH f16 numbers, at any address, as floats; a NaN stays one
 *   store_bytes(q, whole)      integers -127..127 as bytes, ints [Q8_GROUP / WIDTH] to any address
 */
#ifndef BOOTLLAMA_X86_BLOCKS_H
#define BOOTLLAMA_X86_BLOCKS_H

#include <immintrin.h>

#include "kernel/kernel.h"

/* Nearest integers, halves away from zero: cut off after adding the largest float below a half. For magnitudes below
   2^22 that is q8_0_round. */
static inline ints floats_whole(floats x)
{
    const floats sign = VECTOR(and_ps)(x, VECTOR(set1_ps)(-0.0f));
    return VECTOR(cvttps_epi32)(VECTOR(add_ps)(x, VECTOR(or_ps)(sign, VECTOR(set1_ps)(0x1.fffffep-2f))));
}

static __attribute__((cold)) void blocks_quantize(struct q8_0_block *out, const void *x, bool halves,
                                                  const float *scale, uint32_t groups)
{
    const uint8_t *next = x;
    for (uint32_t group = 0; group < groups; group++, out++) {
        floats part[Q8_GROUP / WIDTH];
        ints whole[Q8_GROUP / WIDTH];
#pragma GCC unroll 1
        for (uint32_t i = 0; i < Q8_GROUP / WIDTH; i++, next += WIDTH * (halves ? sizeof(uint16_t) : sizeof(float))) {
            part[i] = halves ? floats_of_halves(next) : VECTOR(loadu_ps)((const float *)next);
        }
        const float by = scale != NULL ? scale[group] : q8_0_scale(float_from_bits(group_magnitude(part)));
        out->scale = half_from_float(by);
        const float inverse = q8_0_inverse(by, out->scale);
#pragma GCC unroll 1
        for (uint32_t i = 0; i < Q8_GROUP / WIDTH; i++) {
            const floats one = VECTOR(set1_ps)(inverse);
            whole[i] = floats_whole(inverse > 0 ? VECTOR(mul_ps)(part[i], one) : one);
        }
        store_bytes(out->q, whole);
    }
}

#endif
