/* The products of AVX-VNNI, which has one instruction for a dot product of bytes, and one for that of int16. The rest
   of the kernel is in x86_avx2.c. */
#include <immintrin.h>

#include "kernel/x86_tile_quad.h"

#define VECTOR(name) _mm256_##name

typedef __m256 floats;
typedef __m256i ints;

enum { QUADS_UNROLLED = 8, NARROW_UNROLLED = 4 };

struct quad {
    __m256i x;
};

static inline struct quad load_columns(const struct q8_vector *x, uint32_t group, uint32_t quad)
{
    return (struct quad){_mm256_set1_epi32(((const int32_t *)(x->q + group * Q8_GROUP))[quad])};
}

static inline __m256i add_quad(__m256i sum, const int8_t *w, struct quad x)
{
    return _mm256_dpbusd_avx_epi32(sum, _mm256_load_si256((const __m256i *)w), x.x);
}

static inline int32_t sum_start(const struct q8_vector *x, uint32_t group)
{
    return -BIAS * ((const struct signed_group *)x->form)[group].total;
}

static inline __m256i narrow_madd(__m256i sum, __m256i n, __m256i x)
{
    return _mm256_dpbusd_avx_epi32(sum, n, x);
}

static inline __m256i narrow_add(__m256i a, __m256i b)
{
    return _mm256_add_epi32(a, b);
}

static inline __m256i narrow_sum(__m256i sum)
{
    return sum;
}

#include "kernel/x86_avx2_products.h"

void avxvnni_matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                    bool add)
{
    matmul(out, out_stride, w, x, count, add);
}

void avxvnni_matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                           uint32_t count, bool add)
{
    matmul_narrow(out, out_stride, w, x, count, add);
}

#ifdef __x86_64__ /* 32-bit code, where room is short, has AVX2's attention */
static inline __m256i ints_madd(__m256i sum, __m256i x, __m256i y)
{
    return _mm256_dpwssd_avx_epi32(sum, x, y);
}

enum { VALUE_DIMS = 4, VALUE_QUERIES = 2 };

#include "kernel/x86_avx2_attention.h"

void avxvnni_score_heads(const struct passes *passes)
{
    score_heads(passes);
}

void avxvnni_sum_values(const struct passes *passes)
{
    sum_values(passes);
}
#endif
