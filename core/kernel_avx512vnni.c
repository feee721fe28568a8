/*
 * AVX-512 with VNNI: servers since 2019, Ryzen since Zen 4, some laptops.
 *
 * The tile is that of kernel_avx2.c with 128 added to every weight, because vpdpbusd multiplies unsigned by signed bytes:
 * one instruction does four columns of 16 rows. What the 128 adds to a row, 128 * sum(x), does not depend on the row, so
 * every sum starts at its negative.
 */
#include <immintrin.h>

#include "half.h"
#include "kernel.h"

enum { BIAS = 128 };
#define TILE_FLIP BIAS
#include "tile_quad.h"

typedef __m512 lanes;

enum { SCORE_BLOCKS = 4, VALUE_DIMS = 8 };

static inline lanes lanes_load(const float *p)
{
    return _mm512_load_ps(p);
}

static inline void lanes_store(float *p, lanes x)
{
    _mm512_store_ps(p, x);
}

static inline lanes lanes_set(float value)
{
    return _mm512_set1_ps(value);
}

#define LANES_OPERATION(name)                          \
    static inline lanes lanes_##name(lanes x, lanes y) \
    {                                                  \
        return _mm512_##name##_ps(x, y);               \
    }

LANES_OPERATION(add)
LANES_OPERATION(sub)
LANES_OPERATION(mul)
LANES_OPERATION(div)
LANES_OPERATION(max)
LANES_OPERATION(min)

static inline lanes lanes_keep(lanes y, lanes limit, lanes p)
{
    return _mm512_maskz_mov_ps(_mm512_cmp_ps_mask(y, limit, _CMP_GE_OQ), p);
}

static inline lanes lanes_scale(lanes p, lanes rounded)
{
    const __m512i exponent = _mm512_slli_epi32(_mm512_castps_si512(rounded), 23);
    return _mm512_castsi512_ps(_mm512_add_epi32(_mm512_castps_si512(p), exponent));
}

static inline __m256 upper_half(lanes x)
{
    return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
}

static inline __m128 lanes_fold(lanes x)
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(x), upper_half(x));
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

static inline __m128 lanes_fold_max(lanes x)
{
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), upper_half(x));
    return _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

static inline uint32_t lanes_magnitude(lanes x, lanes y)
{
    const __m512i mask = _mm512_set1_epi32(0x7FFFFFFF);
    const __m512i sixteen = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(x), mask),
                                             _mm512_and_si512(_mm512_castps_si512(y), mask));
    return (uint32_t)_mm512_reduce_max_epi32(sixteen);
}

static inline void store_group(struct q8_vector *out, uint32_t group, lanes x, lanes y)
{
    const __m512i low = _mm512_cvtps_epi32(x), high = _mm512_cvtps_epi32(y);
    int8_t *q = out->q + group * GROUP;
    _mm_store_si128((__m128i *)q, _mm512_cvtepi32_epi8(low));
    _mm_store_si128((__m128i *)(q + LANES), _mm512_cvtepi32_epi8(high));
    out->sum[group] = _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
}

#include "kernel_vector.h"

static inline __m512 add_scaled(__m512 sum, __m512i dot, const uint16_t *scale, __m512 x_scale)
{
    const __m512 w_scale = _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)scale));
    return _mm512_add_ps(sum, _mm512_mul_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(w_scale, x_scale)));
}

static inline void store_rows(float *out, __m512 sum, bool add)
{
    _mm512_store_ps(out, add ? _mm512_add_ps(_mm512_load_ps(out), sum) : sum);
}

static void matmul(float *out, const struct matrix *w, const struct q8_vector *x, bool add)
{
    const struct tile_quad *tile = (const struct tile_quad *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += GROUP) {
        __m512 sum0 = _mm512_setzero_ps(), sum1 = sum0;
        for (uint32_t group = 0; group < w->groups; group++, tile++) {
            const int32_t *q = (const int32_t *)(x->q + group * GROUP);
            __m512i dot0 = _mm512_set1_epi32(-BIAS * x->sum[group]), dot1 = dot0;
#pragma GCC unroll 8
            for (uint32_t quad = 0; quad < QUADS; quad++) {
                const __m512i x4 = _mm512_set1_epi32(q[quad]);
                dot0 = _mm512_dpbusd_epi32(dot0, _mm512_load_si512(tile->q[quad][0]), x4);
                dot1 = _mm512_dpbusd_epi32(dot1, _mm512_load_si512(tile->q[quad][LANES]), x4);
            }
            const __m512 x_scale = _mm512_set1_ps(x->scale[group]);
            sum0 = add_scaled(sum0, dot0, tile->scale, x_scale);
            sum1 = add_scaled(sum1, dot1, tile->scale + LANES, x_scale);
        }
        store_rows(out, sum0, add);
        store_rows(out + LANES, sum1, add);
    }
}

DEFINE_KERNEL(avx512vnni, struct tile_quad);
