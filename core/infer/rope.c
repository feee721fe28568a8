#include "base/half.h"
#include "infer/rope.h"

/* The upper 64 bits of a * b: the product of two fractions in units of 2^-64. */
static uint64_t multiply_high(uint64_t a, uint64_t b)
{
    const uint64_t a_low = (uint32_t)a, a_high = a >> 32;
    const uint64_t b_low = (uint32_t)b, b_high = b >> 32;
    const uint64_t middle = a_high * b_low + (a_low * b_low >> 32);
    const uint64_t middle2 = a_low * b_high + (uint32_t)middle;
    return a_high * b_high + (middle >> 32) + (middle2 >> 32);
}

/* log2(value) for a finite float > 1, in units of 2^-56: the integer part is the exponent, each further bit comes from
   squaring the mantissa and looking whether it passed 2. */
static uint64_t log2_fixed(float value)
{
    const uint32_t bits = float_bits(value);
    uint64_t result = (bits >> 23) - 127;
    uint64_t mantissa = (uint64_t)(bits & 0x7FFFFF) << 40 | 1ull << 63; /* in [1, 2), units of 2^-63 */
    for (uint32_t bit = 0; bit < 56; bit++) {
        mantissa = multiply_high(mantissa, mantissa); /* in [1, 4), units of 2^-62 */
        result <<= 1;
        if (mantissa >> 63 != 0) {
            result |= 1;
        } else {
            mantissa <<= 1;
        }
    }
    return result;
}

/* 2^-exponent for an exponent in units of 2^-56; the result in units of 2^-64, below 1. */
static uint64_t exp2_negative_fixed(uint64_t exponent)
{
    const uint64_t LN2 = 0xB17217F7D1CF79ABull; /* ln 2, units of 2^-64 */
    const uint32_t whole = (uint32_t)(exponent >> 56);
    const uint64_t x = multiply_high(exponent << 8, LN2); /* the fraction times ln 2 */
    uint64_t result = UINT64_MAX; /* e^-x = 1 - x (1 - x/2 (1 - x/3 (...))) from the inside out */
    for (uint32_t term = 20; term > 0; term--) {
        result = UINT64_MAX - multiply_high(x / term, result);
    }
    return whole < 64 ? result >> whole : 0;
}

uint32_t rope_place(const struct gguf *gguf, uint32_t element)
{
    const uint32_t half = gguf->rope_size / 2, i = element % gguf->head_size;
    if (!gguf->architecture->rope_halves || i >= 2 * half) {
        return element;
    }
    return element - i + (i < half ? 2 * i : 2 * (i - half) + 1);
}

void rope_frequencies(uint64_t *frequency, uint32_t rope_size, float base)
{
    const uint64_t ONE_BY_TWO_PI = 0x28BE60DB9391054Aull; /* turns of one radian, units of 2^-64 */
    const uint64_t octaves = log2_fixed(base);
    for (uint32_t i = 0; i < rope_size / 2; i++) {
        const uint64_t whole = octaves / rope_size, rest = octaves % rope_size;
        const uint64_t exponent = whole * (2 * i) + rest * (2 * i) / rope_size;
        frequency[i] = multiply_high(exp2_negative_fixed(exponent), ONE_BY_TWO_PI);
    }
}

uint64_t rope_divide(uint64_t frequency, float factor)
{
    const uint32_t bits = float_bits(factor);
    const int32_t exponent = (int32_t)(bits >> 23) - 127;
    const uint32_t mantissa = (bits & 0x7FFFFF) | 0x800000; /* in [1, 2), units of 2^-23 */
    const uint64_t whole = frequency / mantissa, rest = frequency % mantissa;
    const uint64_t result = (whole << 23) + (rest << 23) / mantissa; /* below 2^64: it is at most `frequency` */
    if (exponent < 0) {
        return result << -exponent;
    }
    return exponent < 64 ? result >> exponent : 0;
}

/* Turns in rope_original positions: llama.cpp's yarn_beta_fast and yarn_beta_slow. */
#define YARN_TURNS_KEPT 32.0f
#define YARN_TURNS_STRETCHED 1.0f

/* log2(value) for a float of 1 or more, units of 2^-40. */
static int64_t log2_short(float value)
{
    return (int64_t)log2_fixed(value) >> 16;
}

/* The number of the pair that makes `turns` turns in gguf->rope_original positions, counted from 0 and fractional, as
   ggml_rope_yarn_corr_dim has it; rounded down or up to a whole number of at least 0. */
static uint64_t pair_of_turns(const struct gguf *gguf, float turns, bool up)
{
    const int64_t LOG2_TWO_PI = 0x2A6C873498E; /* units of 2^-40 */
    const int64_t octaves = log2_short((float)(int32_t)gguf->rope_original) - log2_short(turns) - LOG2_TWO_PI;
    const uint64_t octaves_of_base = 2 * (uint64_t)log2_short(gguf->rope_base);
    if (octaves <= 0) {
        return 0;
    }
    return (gguf->rope_size * (uint64_t)octaves + (up ? octaves_of_base - 1 : 0)) / octaves_of_base;
}

void rope_stretch(uint64_t *frequency, const struct gguf *gguf)
{
    uint64_t first = 0, last = 0; /* of the pairs between: the first one stays, the last one is stretched */
    if (gguf->rope_yarn) {
        first = pair_of_turns(gguf, YARN_TURNS_KEPT, false);
        last = pair_of_turns(gguf, YARN_TURNS_STRETCHED, true);
        last = last < gguf->rope_size ? last : gguf->rope_size - 1;
    }
    for (uint32_t i = 0; i < gguf->rope_size / 2; i++) {
        const uint64_t slow = rope_divide(frequency[i], gguf->rope_factor), above = frequency[i] - slow;
        if (!gguf->rope_yarn || (i > first && i >= last)) {
            frequency[i] = slow;
        } else if (i > first) {
            const uint64_t all = last - first, kept = last - i; /* below GGUF_HEAD_MAX */
            frequency[i] = slow + above / all * kept + above % all * kept / all;
        }
    }
}

float rope_magnitude(const struct gguf *gguf)
{
    if (!gguf->rope_yarn) {
        return gguf->rope_attn_factor;
    }
    const uint64_t LN2_TENTH = 0x11BE9BFF2E94BF5Eull; /* ln 2 / 10, units of 2^-64 */
    const uint64_t grown = (1ull << 56) + multiply_high(log2_fixed(gguf->rope_factor), LN2_TENTH); /* units of 2^-56 */
    uint32_t shift = 33;
    while (grown >> shift >= 1 << 24) { /* the conversion is exact */
        shift++;
    }
    const float unit = float_from_bits((shift - 56 + 127) << 23);
    return (float)(int32_t)(grown >> shift) * unit * gguf->rope_attn_factor;
}

/* cos and sin of 2 pi t for t in [-1/8, 1/8] turns: least-squares polynomials at Chebyshev points. */
static float cosine_octant(float t)
{
    const float u = t * t;
    float p = 59.2202873f * u + -85.4428482f;
    p = p * u + 64.9393158f;
    p = p * u + -19.7392082f;
    return p * u + 1.0f;
}

static float sine_octant(float t)
{
    const float u = t * t;
    float p = -75.4018402f * u + 81.5925446f;
    p = p * u + -41.3416634f;
    p = p * u + 6.28318548f;
    return p * t;
}

/* One pair's angle: cosine and sine of `turn`, units of 2^-64 turns, times `magnitude`. */
static void pair_angle(float *cosine, float *sine, uint64_t turn, float magnitude)
{
    const uint32_t upper = (uint32_t)(turn >> 32) + 0x20000000; /* quarter turns, rounded to the nearest */
    const uint32_t quarter = upper >> 30;
    const int32_t rest = (int32_t)(upper & 0x3FFFFFFF) - 0x20000000; /* units of 2^-32 turns */
    const float t = (float)(rest >> 6) * 0x1p-26f;                   /* 24 bits: the conversion is exact */
    const float c = cosine_octant(t) * magnitude, s = sine_octant(t) * magnitude;
    const float c_turned = quarter & 1 ? s : c, s_turned = quarter & 1 ? c : s;
    cosine[0] = cosine[1] = quarter == 1 || quarter == 2 ? -c_turned : c_turned;
    sine[1] = quarter >= 2 ? -s_turned : s_turned;
    sine[0] = -sine[1];
}

void rope_angles(float *cosine, float *sine, uint32_t n, const uint64_t *frequency, uint32_t pairs, uint32_t head_size,
                 float magnitude, uint32_t position)
{
    for (uint32_t i = 0; i < head_size; i += 2) {
        cosine[i] = cosine[i + 1] = 1.0f;
        sine[i] = sine[i + 1] = 0.0f;
        if (i / 2 < pairs) {
            pair_angle(cosine + i, sine + i, frequency[i / 2] * position, magnitude);
        }
    }
    for (uint32_t i = head_size; i < n; i++) {
        cosine[i] = cosine[i - head_size];
        sine[i] = sine[i - head_size];
    }
}
