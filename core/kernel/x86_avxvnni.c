/* AVX-VNNI: PCs since 2021 that have no AVX-512. The AVX2 kernel with one instruction for a dot product of bytes. */
#include <immintrin.h>

static inline __m256i bytes_madd(__m256i sum, __m256i x, __m256i y)
{
    return _mm256_dpbusd_avx_epi32(sum, x, y);
}

static inline __m256i nibbles_madd(__m256i sum, __m256i n, __m256i x)
{
    return _mm256_dpbusd_avx_epi32(sum, n, x);
}

static inline __m256i nibbles_sum(__m256i sum)
{
    return sum;
}

#include "kernel/x86_avx2.h"

static void blocks_quantize(struct q8_0_block *out, const void *x, bool halves, const float *scale, uint32_t groups)
{
    kernel_avx2.blocks_quantize(out, x, halves, scale, groups);
}

KERNEL_DEFINE(avxvnni, struct tile_quad, sizeof(struct signed_group));
