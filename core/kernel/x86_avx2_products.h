/*
 * The matrix products of the AVX2 and the AVX-VNNI kernel, each with x86_tile_quad.h's tile. Four columns of eight rows
 * are one vector.
 *
 * A .c file includes this after x86_tile_quad.h and after defining
 * struct quad            four activations, as the next functions take them
 * load_columns(x, group, quad)  those of a group, repeated for eight rows
 * add_quad(sum, w, x)       adds the products of a struct quad and the tile's vector at w to 32-bit sums
 * sum_start(x, group)       what a group's sums start from
 * narrow_madd(sum, n, x)    adds the products of bytes n <= 63 and signed bytes x >= -127, in a form of the kernel's own
 * narrow_sum(sum)           the 32-bit sums of at most Q8_GROUP products of magnitudes <= 15 * 127, or of half as many of
 *                           magnitudes <= 32 * 127
 */
#ifndef BOOTLLAMA_X86_AVX2_PRODUCTS_H
#define BOOTLLAMA_X86_AVX2_PRODUCTS_H

#include "kernel/kernel.h"
#include "kernel/x86_tile_quad.h"

static inline __m256 add_scaled(__m256 sum, __m256i dot, const uint16_t *scale, __m256 x_scale)
{
    const __m256 w_scale = _mm256_cvtph_ps(_mm_load_si128((const __m128i *)scale));
    return _mm256_add_ps(sum, _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(w_scale, x_scale)));
}

static inline void store_rows(float *out, __m256 sum, bool add)
{
    _mm256_store_ps(out, add ? _mm256_add_ps(_mm256_load_ps(out), sum) : sum);
}

/* One row tile by one vector. */
static inline void multiply(float *out, const struct tile_quad *tile, uint32_t groups, const struct q8_vector *x,
                            bool add)
{
    __m256 sum0 = _mm256_setzero_ps(), sum1 = sum0, sum2 = sum0, sum3 = sum0;
    for (uint32_t group = 0; group < groups; group++, tile++) {
        tile_prefetch(tile);
        __m256i dot0 = _mm256_set1_epi32(sum_start(x, group)), dot1 = dot0, dot2 = dot0, dot3 = dot0;
#pragma GCC unroll QUADS_UNROLLED
        for (uint32_t quad = 0; quad < QUADS; quad++) {
            const struct quad four = load_columns(x, group, quad);
            dot0 = add_quad(dot0, tile->q[quad][0], four);
            dot1 = add_quad(dot1, tile->q[quad][8], four);
            dot2 = add_quad(dot2, tile->q[quad][16], four);
            dot3 = add_quad(dot3, tile->q[quad][24], four);
        }
        const __m256 x_scale = _mm256_set1_ps(x->scale[group]);
        sum0 = add_scaled(sum0, dot0, tile->scale, x_scale);
        sum1 = add_scaled(sum1, dot1, tile->scale + 8, x_scale);
        sum2 = add_scaled(sum2, dot2, tile->scale + 16, x_scale);
        sum3 = add_scaled(sum3, dot3, tile->scale + 24, x_scale);
    }
    store_rows(out, sum0, add);
    store_rows(out + 8, sum1, add);
    store_rows(out + 16, sum2, add);
    store_rows(out + 24, sum3, add);
}

static void matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add)
{
    const struct tile_quad *tile = (const struct tile_quad *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP, tile += w->groups) {
        for (uint32_t i = 0; i < count; i++) {
            multiply(out + i * out_stride, tile, w->groups, x + i, add);
        }
    }
}

/* ---- Four-bit tiles ---- */

enum { ROWS_Q4 = Q8_GROUP / 8 }; /* vectors of eight rows */

/* Eight rows of a four-bit tile: their scales, and the values of n = 0 (not with Q4_SCALE). */
struct scales {
    __m256 scale, minimum;
};

static inline __m256 load_scales(const uint16_t *scale)
{
    return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)scale));
}

static inline __m256 load_factors(const uint8_t *factor)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)factor)));
}

static inline struct scales scales_q4(const struct q4_place *place, enum narrow_kind kind, uint32_t row)
{
    const struct q4_tile *tile = place->tile;
    if (kind == Q4_FACTORS) {
        const __m256 minimum =
            _mm256_mul_ps(load_scales(place->super->minimum + row), load_factors(tile->minimum_factor + row));
        return (struct scales){
            _mm256_mul_ps(load_scales(place->super->scale + row), load_factors(tile->scale_factor + row)),
            _mm256_sub_ps(_mm256_setzero_ps(), minimum)};
    }
    return (struct scales){load_scales(tile->scale + row),
                           kind == Q4_MINIMUM ? load_scales(tile->minimum + row) : _mm256_setzero_ps()};
}

/* Adds a group's products for eight rows: `dot` without the offset, `total` the sum of the activations. */
static inline __m256 add_scaled_q4(__m256 sum, __m256i dot, struct scales w, enum narrow_kind kind, int32_t total,
                                   float x_scale)
{
    if (kind == Q4_SCALE) {
        const __m256i centred = _mm256_sub_epi32(dot, _mm256_set1_epi32(Q4_OFFSET * total));
        const __m256 scale = _mm256_mul_ps(w.scale, _mm256_set1_ps(x_scale));
        return _mm256_add_ps(sum, _mm256_mul_ps(_mm256_cvtepi32_ps(centred), scale));
    }
    const __m256 below = _mm256_mul_ps(w.minimum, _mm256_set1_ps((float)total));
    const __m256 group = _mm256_add_ps(_mm256_mul_ps(_mm256_cvtepi32_ps(dot), w.scale), below);
    return _mm256_add_ps(sum, _mm256_mul_ps(group, _mm256_set1_ps(x_scale)));
}

/* One row of four-bit tiles by one vector. */
static inline void multiply_q4(float *out, const uint8_t *tiles, const struct q8_matrix *w, const struct q8_vector *x,
                               bool add)
{
    const __m256i mask = _mm256_set1_epi8(15);
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    __m256 sum[ROWS_Q4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (uint32_t group = 0; group < w->groups; group++) {
        const int32_t *quads = (const int32_t *)(x->q + group * Q8_GROUP);
        const int32_t total = ((const struct signed_group *)x->form)[group].total;
        __m256i dot[ROWS_Q4] = {_mm256_setzero_si256(), _mm256_setzero_si256(), _mm256_setzero_si256(),
                                _mm256_setzero_si256()};
        q4_next(&place, w->narrow, group);
        narrow_prefetch(place.tile, Q4_LINES);
#pragma GCC unroll 4
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
            const __m256i x_low = _mm256_set1_epi32(quads[quad]),
                          x_high = _mm256_set1_epi32(quads[quad + NARROW_QUADS]);
#pragma GCC unroll 4
            for (uint32_t i = 0; i < ROWS_Q4; i++) {
                const __m256i both = _mm256_load_si256((const __m256i *)place.tile->low[quad][8 * i]);
                const __m256i low = _mm256_and_si256(both, mask);
                const __m256i high = _mm256_and_si256(_mm256_srli_epi16(both, 4), mask);
                dot[i] = narrow_madd(narrow_madd(dot[i], low, x_low), high, x_high);
            }
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < ROWS_Q4; i++) {
            const struct scales scales = scales_q4(&place, w->narrow, 8 * i);
            sum[i] = add_scaled_q4(sum[i], narrow_sum(dot[i]), scales, w->narrow, total, x->scale[group]);
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < ROWS_Q4; i++) {
        store_rows(out + 8 * i, sum[i], add);
    }
}

/* ---- Six-bit tiles ---- */

/* Four columns of eight rows, in both halves. */
struct sixes {
    __m256i low, high;
};

static inline struct sixes load_sixes(const struct q6_tile *tile, uint32_t quad, uint32_t row)
{
    const __m256i four = _mm256_set1_epi8(0x0F), two = _mm256_set1_epi8(0x30);
    const __m256i both = _mm256_load_si256((const __m256i *)tile->low[quad][row]);
    const __m256i upper = _mm256_load_si256((const __m256i *)tile->high[quad / 2][row]);
    const __m256i of_low = quad % 2 == 0 ? _mm256_slli_epi16(upper, 4) : upper;
    const __m256i of_high = quad % 2 == 0 ? _mm256_slli_epi16(upper, 2) : _mm256_srli_epi16(upper, 2);
    return (struct sixes){
        _mm256_or_si256(_mm256_and_si256(both, four), _mm256_and_si256(of_low, two)),
        _mm256_or_si256(_mm256_and_si256(_mm256_srli_epi16(both, 4), four), _mm256_and_si256(of_high, two))};
}

/* The sum of a half's products for eight rows, times the factors. */
static inline __m256i times_factor(__m256i dot, const int8_t *factor)
{
    return _mm256_mullo_epi32(narrow_sum(dot), _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)factor)));
}

/* What the sum of a half's products starts from: -Q6_OFFSET times the activations. */
static inline __m256i start_q6(const int32_t *quads)
{
    __m256i start = _mm256_setzero_si256();
#pragma GCC unroll 4
    for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
        const __m256i negative = _mm256_sub_epi8(_mm256_setzero_si256(), _mm256_set1_epi32(quads[quad]));
        start = narrow_madd(start, _mm256_set1_epi8(Q6_OFFSET), negative);
    }
    return start;
}

/* One row of six-bit tiles by one vector. */
static inline void multiply_q6(float *out, const struct q6_super *super, uint32_t groups, const struct q8_vector *x,
                               bool add)
{
    __m256 sum[ROWS_Q4] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    for (uint32_t group = 0; group < groups; group++) {
        const struct q6_super *eight = super + group / NARROW_SUPER;
        const struct q6_tile *tile = &eight->tile[group % NARROW_SUPER];
        const int32_t *quads = (const int32_t *)(x->q + group * Q8_GROUP);
        const __m256i start_low = start_q6(quads), start_high = start_q6(quads + NARROW_QUADS);
        narrow_prefetch(tile, Q6_LINES);
#pragma GCC unroll 1
        for (uint32_t i = 0; i < ROWS_Q4; i++) {
            __m256i low = start_low, high = start_high;
#pragma GCC unroll 4
            for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
                const struct sixes w = load_sixes(tile, quad, 8 * i);
                low = narrow_madd(low, w.low, _mm256_set1_epi32(quads[quad]));
                high = narrow_madd(high, w.high, _mm256_set1_epi32(quads[quad + NARROW_QUADS]));
            }
            const __m256i dot = _mm256_add_epi32(times_factor(low, tile->factor[0] + 8 * i),
                                                 times_factor(high, tile->factor[1] + 8 * i));
            sum[i] = add_scaled(sum[i], dot, eight->scale + 8 * i, _mm256_set1_ps(x->scale[group]));
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < ROWS_Q4; i++) {
        store_rows(out + 8 * i, sum[i], add);
    }
}

static void matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                          uint32_t count, bool add)
{
    const uint8_t *tiles = w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP) {
        for (uint32_t i = 0; i < count; i++) {
            if (w->narrow == Q6_FACTORS) {
                multiply_q6(out + i * out_stride, (const struct q6_super *)tiles, w->groups, x + i, add);
            } else {
                multiply_q4(out + i * out_stride, tiles, w, x + i, add);
            }
        }
        tiles += narrow_row_bytes(w->narrow, w->groups);
    }
}

#endif
