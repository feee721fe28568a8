/* What AVX2 and AVX-VNNI define for x86_gate.h, which comes at the end. */
#ifndef BOOTLLAMA_X86_AVX2_FLOATS_H
#define BOOTLLAMA_X86_AVX2_FLOATS_H

#include "base/exp2.h"
#include "kernel/x86_tile_quad.h"

static inline __m128 floats_fold(__m256 x)
{
    return _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
}

static inline __m256 floats_round(__m256 y)
{
    return _mm256_add_ps(y, _mm256_set1_ps(EXP2_ROUNDER));
}

static inline __m256 floats_fraction(__m256 y, __m256 rounded)
{
    return _mm256_sub_ps(y, _mm256_sub_ps(rounded, _mm256_set1_ps(EXP2_ROUNDER)));
}

static inline __m256 floats_scale(__m256 p, __m256 rounded, __m256 y)
{
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(rounded), 23);
    const __m256 scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
    return _mm256_and_ps(_mm256_cmp_ps(y, _mm256_set1_ps(EXP2_LOWEST), _CMP_GE_OQ), scaled);
}

static inline __m256i magnitude(__m256 x)
{
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7FFFFFFF));
}

static inline uint32_t group_magnitude(const __m256 x[Q8_GROUP / 8])
{
    const __m256i eight = _mm256_max_epi32(_mm256_max_epi32(magnitude(x[0]), magnitude(x[1])),
                                           _mm256_max_epi32(magnitude(x[2]), magnitude(x[3])));
    const __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    const __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}

/* 32 integers as bytes, in order: the pack instructions work within halves, so their quarters are permuted back. */
static inline __m256i to_bytes(__m256i a, __m256i b, __m256i c, __m256i d)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)), order);
}

static inline void store_group(struct q8_vector *out, uint32_t group, const __m256 x[Q8_GROUP / 8])
{
    const __m256i q = to_bytes(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]), _mm256_cvtps_epi32(x[2]),
                               _mm256_cvtps_epi32(x[3]));
    const __m256i zero = _mm256_setzero_si256(), magnitude = _mm256_abs_epi8(q), negative = _mm256_cmpgt_epi8(zero, q);
    struct signed_group *signs = (struct signed_group *)out->form + group;
    _mm256_store_si256((__m256i *)(out->q + group * Q8_GROUP), q);
    _mm256_store_si256((__m256i *)signs->magnitude, magnitude);
    _mm256_store_si256((__m256i *)signs->negative, negative);
    const __m256i four = _mm256_sad_epu8(_mm256_and_si256(magnitude, negative), zero);
    const __m128i two = _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    const int32_t negatives = _mm_cvtsi128_si32(two) + _mm_extract_epi16(two, 4);
    out->sum[group] = negatives;
    const __m256i all = _mm256_sad_epu8(magnitude, zero);
    const __m128i both = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    signs->total = _mm_cvtsi128_si32(both) + _mm_extract_epi16(both, 4) - 2 * negatives;
}

#include "kernel/x86_gate.h"

#endif
