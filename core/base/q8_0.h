/*
 * GGUF's Q8_0: blocks of 32 numbers as int8 with one f16 scale, value = scale * q. It is in base/ because rooms that do
 * not include each other share it: gguf/ measures tensors by it, kernel/ packs its blocks into tiles, infer/ and the
 * converter quantize by its rule.
 *
 * The rule is that of ggml's reference quantizer (ggml-quants.c, quantize_row_q8_0_ref): scale = max |x| / 127 in
 * single precision, q = x * (1 / scale) rounded half away from zero, then the scale is rounded to f16.
 */
#ifndef BOOTLLAMA_Q8_0_H
#define BOOTLLAMA_Q8_0_H

#include "base/half.h"

enum { Q8_0_BLOCK = 32 };

struct q8_0_block {
    uint16_t scale; /* f16 bits */
    int8_t q[Q8_0_BLOCK];
} __attribute__((packed));
_Static_assert(sizeof(struct q8_0_block) == 34, "the layout of the file");

/* Four weights of a block, the first one in the lowest byte. -128, which quantizers do not write, becomes -127. */
static inline uint32_t q8_0_four(const int8_t *q)
{
    uint32_t four;
    __builtin_memcpy(&four, q, sizeof four);
    const uint32_t nonzero = (four & 0x7F7F7F7F) + 0x7F7F7F7F; /* a byte's top bit: whether the other seven are not 0 */
    return four + ((four & ~nonzero & 0x80808080) >> 7);
}

/* The same for eight weights. */
static inline uint64_t q8_0_eight(const int8_t *q)
{
    uint64_t eight;
    __builtin_memcpy(&eight, q, sizeof eight);
    const uint64_t low = 0x7F7F7F7F7F7F7F7F, nonzero = (eight & low) + low;
    return eight + ((eight & ~nonzero & ~low) >> 7);
}

/* Branch-free: signs and halves are unpredictable. */
static inline int8_t q8_0_round(float value)
{
    const float magnitude = float_from_bits(float_bits(value) & 0x7FFFFFFF);
    const int32_t down = (int32_t)magnitude, whole = down + (magnitude - (float)down >= 0.5f);
    const int32_t sign = -(int32_t)(float_bits(value) >> 31); /* 0 or -1 */
    return (int8_t)((whole ^ sign) - sign);
}

/* The largest magnitude in x [count]; infinite or NaN if an x is. */
static inline float q8_0_largest(const float *x, uint32_t count)
{
    uint32_t largest = 0; /* magnitudes order like their bits, infinity and NaN on top */
    for (uint32_t i = 0; i < count; i++) {
        const uint32_t magnitude = float_bits(x[i]) & 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    return float_from_bits(largest);
}

/* The scale of the rule. */
static inline float q8_0_scale(float largest)
{
    return largest / 127.0f;
}

/* What numbers are multiplied by; 0 if the scale, which is `half` as f16 bits, is too small or not finite. */
static inline float q8_0_inverse(float scale, uint16_t half)
{
    return scale >= 0x1p-126f && half_is_finite(half) ? 1.0f / scale : 0.0f;
}

/*
 * Quantizes x [count], count <= 32, into q [32] by `scale`, at least that of the rule, with zeros beyond count.
 * Returns the scale as f16 bits; it is not finite if an x is not or is too large for f16, and q is then all zeros.
 */
static inline uint16_t q8_0_quantize_by(int8_t q[Q8_0_BLOCK], const float *x, uint32_t count, float scale)
{
    const uint16_t half = half_from_float(scale);
    const float inverse = q8_0_inverse(scale, half);
    for (uint32_t i = 0; i < Q8_0_BLOCK; i++) {
        q[i] = inverse > 0 && i < count ? q8_0_round(x[i] * inverse) : 0;
    }
    return half;
}

/* The same by the scale of the rule. */
static inline uint16_t q8_0_quantize(int8_t q[Q8_0_BLOCK], const float *x, uint32_t count)
{
    return q8_0_quantize_by(q, x, count, q8_0_scale(q8_0_largest(x, count)));
}

#endif
