/* The products of AVX-VNNI, which has one instruction for a dot product of bytes. The rest of the kernel is in
   x86_avx2.c. */
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

#include "kernel/x86_avx2_products.h"

void avxvnni_matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                    bool add)
{
    matmul(out, out_stride, w, x, count, add);
}

void avxvnni_matmul_q4(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                       uint32_t count, bool add)
{
    matmul_q4(out, out_stride, w, x, count, add);
}
