/* AVX2 with F16C: PCs since 2013. */
#include <immintrin.h>

/* 127 * -128 twice does not saturate 16 bits. */
static inline __m256i bytes_madd(__m256i sum, __m256i x, __m256i y)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), _mm256_set1_epi16(1)));
}

/* 16-bit sums: 32 / 2 products of at most 15 * 127 in each. */
static inline __m256i nibbles_madd(__m256i sum, __m256i n, __m256i x)
{
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(n, x));
}

static inline __m256i nibbles_sum(__m256i sum)
{
    return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

#include "kernel/x86_avx2.h"

static inline __m256 floats_of_halves(const uint8_t *halves)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

static inline void store_bytes(int8_t *q, const __m256i whole[Q8_GROUP / 8])
{
    _mm256_storeu_si256((__m256i *)q, to_bytes(whole[0], whole[1], whole[2], whole[3]));
}

#include "kernel/x86_blocks.h"

KERNEL_DEFINE(avx2, struct tile_quad, sizeof(struct signed_group));
