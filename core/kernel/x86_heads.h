/*
 * heads_quantize with vectors of four: a head of queries, keys or values may be as short as two numbers. AVX-512 uses
 * that of AVX2.
 *
 * A kernel's .c file includes this after defining
 *   max_quad(x, y)   the larger of signed 32-bit numbers, of __m128i
 * and, if it defines HAS_EIGHTS,
 *   eights_quantize  heads_quantize of heads of eight numbers
 */
#ifndef BOOTLLAMA_X86_HEADS_H
#define BOOTLLAMA_X86_HEADS_H

#include <immintrin.h>

#include "base/memory.h"
#include "kernel/kernel.h"
#include "kernel/kv_cache.h"

/* The largest lanes of four vectors. */
static inline __m128i largest_four(__m128i a, __m128i b, __m128i c, __m128i d)
{
    const __m128i ab = max_quad(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    const __m128i cd = max_quad(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
    return max_quad(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
}

static inline __m128i quad_magnitude(__m128 x)
{
    return _mm_and_si128(_mm_castps_si128(x), _mm_set1_epi32(0x7FFFFFFF));
}

/* The last two elements of a head, and two zeros. */
static inline __m128 load_pair(const float *x)
{
    return _mm_castpd_ps(_mm_load_sd((const double *)x));
}

/* Bits of the largest magnitudes of `count` heads, in the first lanes of four; the others repeat the first head's. */
static inline __m128i heads_magnitudes(const float *x, uint32_t count, uint32_t size)
{
    const float *head[4];
    __m128i largest[4];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < 4; i++) {
        head[i] = x + (i < count ? i : 0) * size;
        largest[i] = _mm_setzero_si128();
    }
    uint32_t at = 0;
    for (; at + 4 <= size; at += 4) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4; i++) {
            largest[i] = max_quad(largest[i], quad_magnitude(_mm_loadu_ps(head[i] + at)));
        }
    }
    if (at < size) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < 4; i++) {
            largest[i] = max_quad(largest[i], quad_magnitude(load_pair(head[i] + at)));
        }
    }
    return largest_four(largest[0], largest[1], largest[2], largest[3]);
}

static inline void head_quantize(int16_t *out, const float *x, uint32_t size, float by)
{
    const __m128 inverse = _mm_set1_ps(by);
    uint32_t i = 0;
    for (; i + 8 <= size; i += 8) {
        const __m128i low = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x + i), inverse));
        const __m128i high = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x + i + 4), inverse));
        _mm_storeu_si128((__m128i *)(out + i), _mm_packs_epi32(low, high));
    }
    for (; i < size; i += 2) {
        const __m128i two = _mm_cvtps_epi32(_mm_mul_ps(load_pair(x + i), inverse));
        *(int32_t *)(out + i) = _mm_cvtsi128_si32(_mm_packs_epi32(two, two));
    }
}

static void heads_quantize(int16_t *out, float *scale, const float *x, uint32_t heads, uint32_t size, float range)
{
#ifdef HAS_EIGHTS
    if (size == 8) {
        eights_quantize(out, scale, x, heads, range);
        return;
    }
#endif
    while (heads > 0) {
        const uint32_t count = heads < 4 ? heads : 4;
        const __m128i largest = heads_magnitudes(x, count, size);
        const __m128i counts = _mm_cmpgt_epi32(largest, _mm_set1_epi32(KV_SMALLEST - 1));
        const __m128i too_large = _mm_cmpgt_epi32(largest, _mm_set1_epi32(Q8_LIMIT - 1));
        const __m128 usable = _mm_castsi128_ps(_mm_andnot_si128(too_large, counts));
        const __m128 no_number = _mm_castsi128_ps(_mm_and_si128(too_large, _mm_set1_epi32(FLOAT_NAN)));
        const __m128 scales = _mm_mul_ps(_mm_castsi128_ps(largest), _mm_set1_ps(1.0f / range));
        const int bits = _mm_movemask_ps(usable);
        float new_scale[4], inverse[4];
        _mm_storeu_ps(new_scale, _mm_or_ps(_mm_and_ps(scales, usable), no_number));
        _mm_storeu_ps(inverse, _mm_div_ps(_mm_set1_ps(range), _mm_castsi128_ps(largest)));
        for (uint32_t i = 0; i < count; i++, out += size, x += size) {
            *scale++ = new_scale[i];
            if (bits >> i & 1) {
                head_quantize(out, x, size, inverse[i]);
            } else {
                memset(out, 0, size * sizeof *out);
            }
        }
        heads -= count;
    }
}

#endif
