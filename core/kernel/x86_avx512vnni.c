/*
 * AVX-512 with VNNI: servers since 2019, Ryzen since Zen 4, some laptops.
 *
 * vpdpbusd handles four columns of 16 rows of x86_tile_quad.h's tile.
 */
#include <immintrin.h>

#include "base/exp2.h"
#include "kernel/kernel.h"
#include "kernel/x86_tile_quad.h"

#define VECTOR(name) _mm512_##name

typedef __m512 floats;
typedef __m512i ints;

/* As many as the registers hold: there are 32, but eight in 32-bit code. */
enum {
    MANY_REGISTERS = sizeof(void *) > 4,
    SCORE_VECTORS = 2,
    QUERIES = MANY_REGISTERS ? 2 : 1,
    VALUE_DIMS = MANY_REGISTERS ? 8 : 4,
    VALUE_QUERIES = MANY_REGISTERS ? 2 : 1,
    VECTORS_AT_ONCE = MANY_REGISTERS ? 4 : 1,
};

static inline __m256 upper_half(__m512 x)
{
    return _mm256_castpd_ps(_mm512_extractf64x4_pd(_mm512_castps_pd(x), 1));
}

static inline __m128 floats_fold(__m512 x)
{
    const __m256 eight = _mm256_max_ps(_mm512_castps512_ps256(x), upper_half(x));
    return _mm_max_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

static inline __m128i ints_fold(__m512i x)
{
    const __m256i eight = _mm256_add_epi32(_mm512_castsi512_si256(x), _mm512_extracti64x4_epi64(x, 1));
    return _mm_add_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
}

static inline __m512i ints_madd(__m512i sum, __m512i x, __m512i y)
{
    return _mm512_dpwssd_epi32(sum, x, y);
}

static inline __m512i ints_least(__m512i z)
{
    return z; /* ints_shift_each makes zeros of those above */
}

static inline __m512i ints_shift_each(__m512i x, __m512i n)
{
    return _mm512_srlv_epi16(x, _mm512_add_epi16(n, _mm512_set1_epi16(1)));
}

static inline __m512 floats_round(__m512 y)
{
    return _mm512_roundscale_ps(y, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

static inline __m512 floats_fraction(__m512 y, __m512 rounded)
{
    return _mm512_sub_ps(y, rounded);
}

static inline __m512 floats_scale(__m512 p, __m512 rounded, __m512 y)
{
    return _mm512_maskz_scalef_ps(_mm512_cmp_ps_mask(y, _mm512_set1_ps(EXP2_LOWEST), _CMP_GE_OQ), p, rounded);
}

static inline __m128 lanes_fold(const __m512 sum[1])
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(sum[0]), upper_half(sum[0]));
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

static inline uint32_t group_magnitude(const __m512 x[Q8_GROUP / 16])
{
    const __m512i mask = _mm512_set1_epi32(0x7FFFFFFF);
    const __m512i sixteen = _mm512_max_epi32(_mm512_and_si512(_mm512_castps_si512(x[0]), mask),
                                             _mm512_and_si512(_mm512_castps_si512(x[1]), mask));
    return (uint32_t)_mm512_reduce_max_epi32(sixteen);
}

static inline void store_group(struct q8_vector *out, uint32_t group, const __m512 x[Q8_GROUP / 16])
{
    const __m512i low = _mm512_cvtps_epi32(x[0]), high = _mm512_cvtps_epi32(x[1]);
    int8_t *q = out->q + group * Q8_GROUP;
    _mm_store_si128((__m128i *)q, _mm512_cvtepi32_epi8(low));
    _mm_store_si128((__m128i *)(q + KERNEL_LANES), _mm512_cvtepi32_epi8(high));
    out->sum[group] = -BIAS * _mm512_reduce_add_epi32(_mm512_add_epi32(low, high));
}

#include "kernel/x86_vector.h"
#include "kernel/x86_attention.h"

static void blocks_quantize(struct q8_0_block *out, const void *x, bool halves, const float *scale, uint32_t groups)
{
    kernel_avx2.blocks_quantize(out, x, halves, scale, groups);
}

static void heads_quantize(int16_t *out, float *scale, const float *x, uint32_t heads, uint32_t size, float range)
{
    kernel_avx2.heads_quantize(out, scale, x, heads, size, range);
}

static inline __m512 load_scales(const uint16_t *scale)
{
    return _mm512_cvtph_ps(_mm256_load_si256((const __m256i *)scale));
}

static inline __m512 add_scaled(__m512 sum, __m512i dot, __m512 w_scale, __m512 x_scale)
{
    return _mm512_add_ps(sum, _mm512_mul_ps(_mm512_cvtepi32_ps(dot), _mm512_mul_ps(w_scale, x_scale)));
}

static inline void store_rows(float *out, __m512 sum, bool add)
{
    _mm512_store_ps(out, add ? _mm512_add_ps(_mm512_load_ps(out), sum) : sum);
}

/* One row tile by `count` vectors, a constant, at most VECTORS_AT_ONCE. */
static inline __attribute__((always_inline)) void multiply(float *out, size_t out_stride, const struct tile_quad *tile,
                                                           uint32_t groups, const struct q8_vector *x, uint32_t count,
                                                           bool add)
{
    __m512 sum[VECTORS_AT_ONCE][2];
    __m512i dot[VECTORS_AT_ONCE][2];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    }
    for (uint32_t group = 0; group < groups; group++, tile++) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < count; i++) {
            dot[i][0] = dot[i][1] = _mm512_set1_epi32(x[i].sum[group]);
        }
#pragma GCC unroll 8
        for (uint32_t quad = 0; quad < QUADS; quad++) {
            const __m512i w0 = _mm512_load_si512(tile->q[quad][0]), w1 = _mm512_load_si512(tile->q[quad][KERNEL_LANES]);
#pragma GCC unroll 4
            for (uint32_t i = 0; i < count; i++) {
                const __m512i x4 = _mm512_set1_epi32(((const int32_t *)(x[i].q + group * Q8_GROUP))[quad]);
                dot[i][0] = _mm512_dpbusd_epi32(dot[i][0], w0, x4);
                dot[i][1] = _mm512_dpbusd_epi32(dot[i][1], w1, x4);
            }
        }
        const __m512 scale0 = load_scales(tile->scale), scale1 = load_scales(tile->scale + KERNEL_LANES);
#pragma GCC unroll 4
        for (uint32_t i = 0; i < count; i++) {
            const __m512 x_scale = _mm512_set1_ps(x[i].scale[group]);
            sum[i][0] = add_scaled(sum[i][0], dot[i][0], scale0, x_scale);
            sum[i][1] = add_scaled(sum[i][1], dot[i][1], scale1, x_scale);
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        store_rows(out + i * out_stride, sum[i][0], add);
        store_rows(out + i * out_stride + KERNEL_LANES, sum[i][1], add);
    }
}

static void matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add)
{
    const struct tile_quad *tile = (const struct tile_quad *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP, tile += w->groups) {
        uint32_t i = 0;
        for (; VECTORS_AT_ONCE > 1 && i + VECTORS_AT_ONCE <= count; i += VECTORS_AT_ONCE) {
            multiply(out + i * out_stride, out_stride, tile, w->groups, x + i, VECTORS_AT_ONCE, add);
        }
        for (; i < count; i++) {
            multiply(out + i * out_stride, out_stride, tile, w->groups, x + i, 1, add);
        }
    }
}

/* Sixteen rows of a four-bit tile: their scales, and the values of n = 0 by which a q8_vector's sum counts (not with
   Q4_SCALE). */
struct scales {
    __m512 scale, minimum;
};

static inline __m512 load_factors(const uint8_t *factor)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)factor)));
}

static inline struct scales scales_q4(const struct q4_place *place, enum q4_kind kind, uint32_t row)
{
    const struct q4_tile *tile = place->tile;
    const __m512 unit = _mm512_set1_ps(1.0f / BIAS);
    if (kind == Q4_FACTORS) {
        const __m512 scale = load_scales(place->super->scale + row);
        const __m512 minimum = _mm512_mul_ps(load_scales(place->super->minimum + row), unit);
        return (struct scales){_mm512_mul_ps(scale, load_factors(tile->scale_factor + row)),
                               _mm512_mul_ps(minimum, load_factors(tile->minimum_factor + row))};
    }
    const __m512 zero = _mm512_setzero_ps();
    const __m512 minimum = kind == Q4_MINIMUM ? load_scales(tile->minimum + row) : zero;
    return (struct scales){load_scales(tile->scale + row), _mm512_sub_ps(zero, _mm512_mul_ps(minimum, unit))};
}

/* Adds the products of a group, x_sum that of its vector. */
static inline __m512 add_scaled_q4(__m512 sum, __m512i dot, struct scales w, __m512 x_sum, __m512 x_scale)
{
    const __m512 product = _mm512_mul_ps(_mm512_cvtepi32_ps(dot), w.scale);
    return _mm512_add_ps(sum, _mm512_mul_ps(_mm512_add_ps(product, _mm512_mul_ps(w.minimum, x_sum)), x_scale));
}

/* Adds the products of eight columns of sixteen rows. */
static inline __m512i add_octet(__m512i dot, __m512i low, __m512i high, __m512i x_low, __m512i x_high)
{
    return _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(dot, low, x_low), high, x_high);
}

/* multiply for a row of four-bit tiles. */
static inline __attribute__((always_inline)) void multiply_q4(float *out, size_t out_stride, const uint8_t *tiles,
                                                              enum q4_kind kind, uint32_t groups,
                                                              const struct q8_vector *x, uint32_t count, bool add)
{
    const __m512i mask = _mm512_set1_epi8(15);
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    __m512 sum[VECTORS_AT_ONCE][2];
    __m512i dot[VECTORS_AT_ONCE][2];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        sum[i][0] = sum[i][1] = _mm512_setzero_ps();
    }
    for (uint32_t group = 0; group < groups; group++) {
        q4_next(&place, kind, group);
        if (count == 1) {
            q4_prefetch(place.tile);
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < count; i++) {
            const __m512i start =
                _mm512_srai_epi32(_mm512_set1_epi32(x[i].sum[group]), 4); /* -Q4_OFFSET times the sum */
            dot[i][0] = dot[i][1] = kind == Q4_SCALE ? start : _mm512_setzero_si512();
        }
#pragma GCC unroll 4
        for (uint32_t quad = 0; quad < Q4_QUADS; quad++) {
            const __m512i both0 = _mm512_load_si512(place.tile->low[quad][0]);
            const __m512i both1 = _mm512_load_si512(place.tile->low[quad][KERNEL_LANES]);
            const __m512i low0 = _mm512_and_si512(both0, mask), low1 = _mm512_and_si512(both1, mask);
            const __m512i high0 = _mm512_and_si512(_mm512_srli_epi16(both0, 4), mask);
            const __m512i high1 = _mm512_and_si512(_mm512_srli_epi16(both1, 4), mask);
#pragma GCC unroll 4
            for (uint32_t i = 0; i < count; i++) {
                const int32_t *quads = (const int32_t *)(x[i].q + group * Q8_GROUP);
                const __m512i x_low = _mm512_set1_epi32(quads[quad]),
                              x_high = _mm512_set1_epi32(quads[quad + Q4_QUADS]);
                dot[i][0] = add_octet(dot[i][0], low0, high0, x_low, x_high);
                dot[i][1] = add_octet(dot[i][1], low1, high1, x_low, x_high);
            }
        }
        const struct scales w0 = scales_q4(&place, kind, 0), w1 = scales_q4(&place, kind, KERNEL_LANES);
#pragma GCC unroll 4
        for (uint32_t i = 0; i < count; i++) {
            const __m512 x_scale = _mm512_set1_ps(x[i].scale[group]);
            if (kind == Q4_SCALE) {
                sum[i][0] = add_scaled(sum[i][0], dot[i][0], w0.scale, x_scale);
                sum[i][1] = add_scaled(sum[i][1], dot[i][1], w1.scale, x_scale);
            } else {
                const __m512 x_sum = _mm512_cvtepi32_ps(_mm512_set1_epi32(x[i].sum[group]));
                sum[i][0] = add_scaled_q4(sum[i][0], dot[i][0], w0, x_sum, x_scale);
                sum[i][1] = add_scaled_q4(sum[i][1], dot[i][1], w1, x_sum, x_scale);
            }
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        store_rows(out + i * out_stride, sum[i][0], add);
        store_rows(out + i * out_stride + KERNEL_LANES, sum[i][1], add);
    }
}

static void matmul_q4(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                      uint32_t count, bool add)
{
    const uint8_t *tiles = w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP) {
        uint32_t i = 0;
        for (; VECTORS_AT_ONCE > 1 && i + VECTORS_AT_ONCE <= count; i += VECTORS_AT_ONCE) {
            multiply_q4(out + i * out_stride, out_stride, tiles, w->q4, w->groups, x + i, VECTORS_AT_ONCE, add);
        }
        for (; i < count; i++) {
            multiply_q4(out + i * out_stride, out_stride, tiles, w->q4, w->groups, x + i, 1, add);
        }
        tiles += q4_row_bytes(w->q4, w->groups);
    }
}

KERNEL_DEFINE_TILES(biased_tile_pack, biased_tile_row, matmul, matmul_q4, attention, avx512vnni, struct tile_quad, 0);
