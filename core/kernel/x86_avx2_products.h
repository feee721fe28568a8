/*
 * The matrix products of the AVX2 and the AVX-VNNI kernel, each with x86_tile_quad.h's tile. Four columns of eight rows
 * are one vector.
 *
 * A .c file includes this after x86_tile_quad.h and after defining
 * VECTOR, floats, ints   as for x86_vector.h
 * QUADS_UNROLLED, NARROW_UNROLLED  steps of the loops over a group of eight bits, and of fewer with several vectors
 * struct quad            four activations, as the next functions take them
 * load_columns(x, group, quad)  those of a group, repeated for eight rows
 * add_quad(sum, w, x)       adds the products of a struct quad and the tile's vector at w to 32-bit sums
 * sum_start(x, group)       what a group's sums start from
 * narrow_madd(sum, n, x)    adds the products of bytes n <= 63 and signed bytes x >= -127, in a form of the kernel's
 *                           own
 * narrow_add(sum, sum)      adds two such sums
 * narrow_sum(sum)           the 32-bit sums: of at most Q8_GROUP products of magnitudes <= 15 * 127, or of half as
 *                           many of magnitudes <= 32 * 127
 */
#ifndef BOOTLLAMA_X86_AVX2_PRODUCTS_H
#define BOOTLLAMA_X86_AVX2_PRODUCTS_H

#include "kernel/kernel.h"
#include "kernel/x86_tile_quad.h"

static inline __m256 load_halves(const uint16_t *halves)
{
    return _mm256_cvtph_ps(_mm_load_si128((const __m128i *)halves));
}

static inline __m256 add_scaled(__m256 sum, __m256i dot, const uint16_t *scale, __m256 x_scale)
{
    return _mm256_add_ps(sum, _mm256_mul_ps(_mm256_cvtepi32_ps(dot), _mm256_mul_ps(load_halves(scale), x_scale)));
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

/* ---- Tiles narrower than a byte ---- */

enum {
    ROWS_NARROW = Q8_GROUP / 8,                          /* vectors of eight rows */
    ROWS_AT_ONCE = sizeof(void *) > 4 ? ROWS_NARROW : 1, /* 32-bit code has eight registers */
    VECTORS_AT_ONCE = sizeof(void *) > 4 ? 4 : 1,        /* of activations; they share the unpacking of weights */
};

/* Four columns of eight rows in each half of the columns, or sums of their products. */
struct halves {
    __m256i low, high;
};

/* The lower four bits. */
static inline struct halves load_nibbles(const uint8_t low[4])
{
    const __m256i mask = _mm256_set1_epi8(0x0F), both = _mm256_load_si256((const __m256i *)low);
    return (struct halves){_mm256_and_si256(both, mask), _mm256_and_si256(_mm256_srli_epi16(both, 4), mask)};
}

/* A quad of a vector's group, in each half, repeated for eight rows. */
static inline struct halves load_activations(const int32_t *quads, uint32_t quad)
{
    return (struct halves){_mm256_set1_epi32(quads[quad]), _mm256_set1_epi32(quads[quad + NARROW_QUADS])};
}

static inline const int32_t *group_quads(const struct q8_vector *x, uint32_t group)
{
    return (const int32_t *)(x->q + group * Q8_GROUP);
}

/* ---- Four bits ---- */

static inline __m256 load_factors(const uint8_t *factor)
{
    return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_loadl_epi64((const __m128i *)factor)));
}

#include "kernel/x86_q4_scales.h"

/* Adds a group's products with one vector to the sums. */
static inline void add_tile_q4(__m256 sum[ROWS_NARROW], const struct q4_place *place, enum narrow_kind kind,
                               const int32_t *quads, int32_t total, float x_scale)
{
    narrow_prefetch(place->tile, Q4_LINES);
#pragma GCC unroll 1
    for (uint32_t first = 0; first < ROWS_NARROW; first += ROWS_AT_ONCE) {
        __m256i dot[ROWS_AT_ONCE] = {_mm256_setzero_si256()};
#pragma GCC unroll 4
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
            const struct halves four = load_activations(quads, quad);
#pragma GCC unroll 4
            for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
                const struct halves n = load_nibbles(place->tile->low[quad][8 * (first + i)]);
                dot[i] = narrow_madd(narrow_madd(dot[i], n.low, four.low), n.high, four.high);
            }
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
            const struct scales scales = scales_q4(place, kind, 8 * (first + i));
            sum[first + i] = add_scaled_q4(sum[first + i], narrow_sum(dot[i]), scales, kind, total, x_scale);
        }
    }
}

/* One row of four-bit tiles by one vector. */
static inline void multiply_q4(__m256 sum[ROWS_NARROW], const uint8_t *tiles, enum narrow_kind kind, uint32_t groups,
                               const struct q8_vector *x)
{
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    for (uint32_t group = 0; group < groups; group++) {
        q4_next(&place, kind, group);
        add_tile_q4(sum, &place, kind, group_quads(x, group), ((const struct signed_group *)x->form)[group].total,
                    x->scale[group]);
    }
}

/* Adds the products of a group with several vectors to their sums, two vectors of rows at a time. */
static inline void add_tile_q4_several(__m256 sum[ROWS_NARROW][VECTORS_AT_ONCE], const struct q4_place *place,
                                       enum narrow_kind kind, const struct q8_vector *x, uint32_t group)
{
    narrow_prefetch(place->tile, Q4_LINES);
#pragma GCC unroll 1
    for (uint32_t row = 0; row < ROWS_NARROW; row += 2) {
        __m256i dot[2][VECTORS_AT_ONCE] = {{_mm256_setzero_si256()}};
#pragma GCC unroll NARROW_UNROLLED
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
            const struct halves w0 = load_nibbles(place->tile->low[quad][8 * row]);
            const struct halves w1 = load_nibbles(place->tile->low[quad][8 * (row + 1)]);
#pragma GCC unroll 4
            for (uint32_t i = 0; i < VECTORS_AT_ONCE; i++) {
                const struct halves four = load_activations(group_quads(x + i, group), quad);
                dot[0][i] = narrow_madd(narrow_madd(dot[0][i], w0.low, four.low), w0.high, four.high);
                dot[1][i] = narrow_madd(narrow_madd(dot[1][i], w1.low, four.low), w1.high, four.high);
            }
        }
#pragma GCC unroll 2
        for (uint32_t i = 0; i < 2; i++) {
            const struct scales scales = scales_q4(place, kind, 8 * (row + i));
#pragma GCC unroll 4
            for (uint32_t j = 0; j < VECTORS_AT_ONCE; j++) {
                const int32_t total = ((const struct signed_group *)x[j].form)[group].total;
                sum[row + i][j] =
                    add_scaled_q4(sum[row + i][j], narrow_sum(dot[i][j]), scales, kind, total, x[j].scale[group]);
            }
        }
    }
}

static inline void multiply_q4_several(__m256 sum[ROWS_NARROW][VECTORS_AT_ONCE], const uint8_t *tiles,
                                       enum narrow_kind kind, uint32_t groups, const struct q8_vector *x)
{
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    for (uint32_t group = 0; group < groups; group++) {
        q4_next(&place, kind, group);
        add_tile_q4_several(sum, &place, kind, x, group);
    }
}

/* ---- Six bits ---- */

/* All six bits; of_low, of_high: the upper ones in bits 4 and 5. */
static inline struct halves load_sixes(const uint8_t low[4], __m256i of_low, __m256i of_high)
{
    const struct halves four = load_nibbles(low);
    const __m256i mask = _mm256_set1_epi8(0x30);
    return (struct halves){_mm256_or_si256(four.low, _mm256_and_si256(of_low, mask)),
                           _mm256_or_si256(four.high, _mm256_and_si256(of_high, mask))};
}

/* Adds a quad's products in both halves. */
static inline struct halves add_sixes(struct halves sum, struct halves w, struct halves x)
{
    return (struct halves){narrow_madd(sum.low, w.low, x.low), narrow_madd(sum.high, w.high, x.high)};
}

/* The sum of a half's products for eight rows, times the factors. */
static inline __m256i times_factor(__m256i dot, const int8_t *factor)
{
    return _mm256_mullo_epi32(narrow_sum(dot), _mm256_cvtepi8_epi32(_mm_loadl_epi64((const __m128i *)factor)));
}

/* What the sums start from: -Q6_OFFSET times the activations. */
static inline struct halves start_q6(const int32_t *quads)
{
    const __m256i zero = _mm256_setzero_si256(), x = _mm256_load_si256((const __m256i *)quads);
    const __m256i four = narrow_madd(zero, _mm256_set1_epi8(Q6_OFFSET), _mm256_sub_epi8(zero, x));
    const __m256i two = narrow_add(four, _mm256_shuffle_epi32(four, 0x4E));
    const __m256i start = narrow_add(two, _mm256_shuffle_epi32(two, 0xB1));
    return (struct halves){_mm256_broadcastd_epi32(_mm256_castsi256_si128(start)),
                           _mm256_broadcastd_epi32(_mm256_extracti128_si256(start, 1))};
}

/* Adds the products of two quads to the sums of some rows, those of vector `first` on. */
static inline void add_pair(struct halves dot[ROWS_AT_ONCE], const struct q6_tile *tile, uint32_t pair, uint32_t first,
                            const int32_t *quads)
{
    const uint32_t quad = 2 * pair;
    const struct halves first_four = load_activations(quads, quad), next_four = load_activations(quads, quad + 1);
#pragma GCC unroll 4
    for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
        const uint32_t row = 8 * (first + i);
        const __m256i upper = _mm256_load_si256((const __m256i *)tile->high[pair][row]);
        const __m256i of_low = _mm256_slli_epi16(upper, 4), of_high = _mm256_slli_epi16(upper, 2);
        dot[i] = add_sixes(dot[i], load_sixes(tile->low[quad][row], of_low, of_high), first_four);
        dot[i] = add_sixes(dot[i], load_sixes(tile->low[quad + 1][row], upper, _mm256_srli_epi16(upper, 2)), next_four);
    }
}

/* Adds a group's products with one vector to the sums, scale [Q8_GROUP] that of the rows. */
static inline void add_tile_q6(__m256 sum[ROWS_NARROW], const struct q6_tile *tile, const uint16_t *scale,
                               const int32_t *quads, float x_scale)
{
    const struct halves start = start_q6(quads);
    narrow_prefetch(tile, Q6_LINES);
#pragma GCC unroll 1
    for (uint32_t first = 0; first < ROWS_NARROW; first += ROWS_AT_ONCE) {
        struct halves dot[ROWS_AT_ONCE];
#pragma GCC unroll 4
        for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
            dot[i] = start;
        }
#pragma GCC unroll 1
        for (uint32_t pair = 0; pair < NARROW_QUADS / 2; pair++) {
            add_pair(dot, tile, pair, first, quads);
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
            const uint32_t row = 8 * (first + i);
            const __m256i product = _mm256_add_epi32(times_factor(dot[i].low, tile->factor[0] + row),
                                                     times_factor(dot[i].high, tile->factor[1] + row));
            sum[first + i] = add_scaled(sum[first + i], product, scale + row, _mm256_set1_ps(x_scale));
        }
    }
}

/* One row of six-bit tiles by one vector. */
static inline void multiply_q6(__m256 sum[ROWS_NARROW], const struct q6_super *super, uint32_t groups,
                               const struct q8_vector *x)
{
    for (uint32_t group = 0; group < groups; super++) {
#pragma GCC unroll 1
        for (uint32_t i = 0; i < NARROW_SUPER; i++, group++) {
            add_tile_q6(sum, &super->tile[i], super->scale, group_quads(x, group), x->scale[group]);
        }
    }
}

/* Adds a quad's products with several vectors to their sums. */
static inline void add_sixes_several(struct halves dot[VECTORS_AT_ONCE], struct halves w, const struct q8_vector *x,
                                     uint32_t group, uint32_t quad)
{
#pragma GCC unroll 4
    for (uint32_t i = 0; i < VECTORS_AT_ONCE; i++) {
        dot[i] = add_sixes(dot[i], w, load_activations(group_quads(x + i, group), quad));
    }
}

/* Adds the products of a group with several vectors to their sums, one vector of rows at a time. */
static inline void add_tile_q6_several(__m256 sum[ROWS_NARROW][VECTORS_AT_ONCE], const struct q6_tile *tile,
                                       const uint16_t *scale, const struct q8_vector *x, uint32_t group)
{
    struct halves start[VECTORS_AT_ONCE], dot[VECTORS_AT_ONCE];
    narrow_prefetch(tile, Q6_LINES);
#pragma GCC unroll 4
    for (uint32_t i = 0; i < VECTORS_AT_ONCE; i++) {
        start[i] = start_q6(group_quads(x + i, group));
    }
#pragma GCC unroll 1
    for (uint32_t first = 0, row = 0; first < ROWS_NARROW; first++, row += 8) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < VECTORS_AT_ONCE; i++) {
            dot[i] = start[i];
        }
#pragma GCC unroll 1
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad += 2) {
            const __m256i upper = _mm256_load_si256((const __m256i *)tile->high[quad / 2][row]);
            const __m256i of_low = _mm256_slli_epi16(upper, 4), of_high = _mm256_slli_epi16(upper, 2);
            add_sixes_several(dot, load_sixes(tile->low[quad][row], of_low, of_high), x, group, quad);
            add_sixes_several(dot, load_sixes(tile->low[quad + 1][row], upper, _mm256_srli_epi16(upper, 2)), x, group,
                              quad + 1);
        }
#pragma GCC unroll 4
        for (uint32_t i = 0; i < VECTORS_AT_ONCE; i++) {
            const __m256i product = _mm256_add_epi32(times_factor(dot[i].low, tile->factor[0] + row),
                                                     times_factor(dot[i].high, tile->factor[1] + row));
            sum[first][i] = add_scaled(sum[first][i], product, scale + row, _mm256_set1_ps(x[i].scale[group]));
        }
    }
}

static inline void multiply_q6_several(__m256 sum[ROWS_NARROW][VECTORS_AT_ONCE], const struct q6_super *super,
                                       uint32_t groups, const struct q8_vector *x)
{
    for (uint32_t group = 0; group < groups; group++) {
        const struct q6_super *at = super + group / NARROW_SUPER;
        add_tile_q6_several(sum, &at->tile[group % NARROW_SUPER], at->scale, x, group);
    }
}

/* ---- Both ---- */

/* One row of tiles of either kind by several vectors. */
static __attribute__((noinline)) void multiply_narrow_several(float *out, size_t out_stride, const uint8_t *tiles,
                                                              const struct q8_matrix *w, const struct q8_vector *x,
                                                              bool add)
{
    __m256 sum[ROWS_NARROW][VECTORS_AT_ONCE] = {{_mm256_setzero_ps()}};
    if (w->narrow == Q6_FACTORS) {
        multiply_q6_several(sum, (const struct q6_super *)tiles, w->groups, x);
    } else {
        multiply_q4_several(sum, tiles, w->narrow, w->groups, x);
    }
#pragma GCC unroll 1
    for (uint32_t i = 0; i < ROWS_NARROW * VECTORS_AT_ONCE; i++) {
        const uint32_t row = i / VECTORS_AT_ONCE, vector = i % VECTORS_AT_ONCE;
        store_rows(out + vector * out_stride + 8 * row, sum[row][vector], add);
    }
}

/* One row of tiles of either kind by one vector. */
static inline void multiply_narrow(float *out, const uint8_t *tiles, const struct q8_matrix *w,
                                   const struct q8_vector *x, bool add)
{
    __m256 sum[ROWS_NARROW] = {_mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps(), _mm256_setzero_ps()};
    if (w->narrow == Q6_FACTORS) {
        multiply_q6(sum, (const struct q6_super *)tiles, w->groups, x);
    } else {
        multiply_q4(sum, tiles, w->narrow, w->groups, x);
    }
#pragma GCC unroll 1
    for (uint32_t i = 0; i < ROWS_NARROW; i++) {
        store_rows(out + 8 * i, sum[i], add);
    }
}

/* One vector after the other. */
static __attribute__((noinline)) void matmul_narrow_each(float *out, size_t out_stride, const struct q8_matrix *w,
                                                         const struct q8_vector *x, uint32_t count, bool add)
{
    const uint8_t *tiles = w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP) {
        for (uint32_t i = 0; i < count; i++) {
            multiply_narrow(out + i * out_stride, tiles, w, x + i, add);
        }
        tiles += narrow_row_bytes(w->narrow, w->groups);
    }
}

static void matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                          uint32_t count, bool add)
{
    const uint32_t most = VECTORS_AT_ONCE > 1 ? count - count % VECTORS_AT_ONCE : 0;
    const size_t row_bytes = narrow_row_bytes(w->narrow, w->groups);
    for (uint32_t row_tile = 0; most > 0 && row_tile < w->row_tiles; row_tile++) {
        for (uint32_t i = 0; i < most; i += VECTORS_AT_ONCE) {
            multiply_narrow_several(out + i * out_stride + (size_t)row_tile * Q8_GROUP, out_stride,
                                    w->tiles + row_tile * row_bytes, w, x + i, add);
        }
    }
    if (most < count) {
        matmul_narrow_each(out + most * out_stride, out_stride, w, x + most, count - most, add);
    }
}

#endif
