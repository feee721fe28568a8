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

KERNEL_DEFINE(avx2, struct tile_quad, sizeof(struct signed_group));
