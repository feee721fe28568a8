/*
 * The SSE2 kernels' products with tiles of four and six bits, which x86_sse2.c includes.
 *
 * Four bits. Two bytes of a row are four weights: a 16-bit lane. With activations times 256, 16, 1 and 256, its first,
 * second and third nibble in place and its fourth moved down give 256 times the products. A 32-bit lane has two of
 * these, of columns 0 and 2 (the even bytes) and 1 and 3; the upper halves of bytes are columns from 16 on.
 *
 * Six bits. The numbers become bytes, and each product a 16-bit lane, as do their sums: half of a half's 16 columns are
 * in a lane, at most 8 * 32 * 127. pmaddwd joins the two lanes of a row and multiplies them with their factor at once.
 */
#ifndef BOOTLLAMA_X86_SSE2_NARROW_H
#define BOOTLLAMA_X86_SSE2_NARROW_H

#include <emmintrin.h>

#include "kernel/kernel.h"

struct pairs_q4 {
    _Alignas(16) int32_t even_low[NARROW_QUADS], even_high[NARROW_QUADS], odd_low[NARROW_QUADS], odd_high[NARROW_QUADS];
};

static inline void load_pairs_q4(struct pairs_q4 *out, const int8_t *q)
{
    const __m128i low = _mm_load_si128((const __m128i *)q), high = _mm_load_si128((const __m128i *)(q + 16));
    _mm_store_si128((__m128i *)out->even_low, _mm_slli_epi16(low, 8));
    _mm_store_si128((__m128i *)out->even_high, _mm_srai_epi16(_mm_slli_epi16(high, 8), 4));
    _mm_store_si128((__m128i *)out->odd_low, _mm_srai_epi16(low, 8));
    _mm_store_si128((__m128i *)out->odd_high, _mm_and_si128(high, _mm_set1_epi16((short)0xFF00)));
}

static inline __m128 load_factors(const uint8_t *factor)
{
    const __m128i zero = _mm_setzero_si128();
    int32_t four;
    __builtin_memcpy(&four, factor, sizeof four);
    return _mm_cvtepi32_ps(_mm_unpacklo_epi16(_mm_unpacklo_epi8(_mm_cvtsi32_si128(four), zero), zero));
}

#include "kernel/x86_q4_scales.h"

/* Adds 256 times the products of eight columns of four rows. */
static inline __m128i add_octet(__m128i dot, const uint8_t low[4][4], __m128i even_low, __m128i even_high,
                                __m128i odd_low, __m128i odd_high)
{
    const __m128i w = _mm_load_si128((const __m128i *)low);
    const __m128i even = _mm_add_epi32(_mm_madd_epi16(_mm_and_si128(w, _mm_set1_epi16(0x000F)), even_low),
                                       _mm_madd_epi16(_mm_and_si128(w, _mm_set1_epi16(0x00F0)), even_high));
    const __m128i odd = _mm_add_epi32(_mm_madd_epi16(_mm_and_si128(w, _mm_set1_epi16(0x0F00)), odd_low),
                                      _mm_madd_epi16(_mm_srli_epi16(w, 12), odd_high));
    return _mm_add_epi32(dot, _mm_add_epi32(even, odd));
}

enum { ROWS_Q4 = 16, VECTORS_Q4 = ROWS_Q4 / 4 };

/* Rows row .. row + ROWS_Q4 - 1 of a row of four-bit tiles by one vector. */
static void multiply_q4(float *out, const uint8_t *tiles, const struct q8_matrix *w, uint32_t row,
                        const struct q8_vector *x, bool add)
{
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    __m128 sum[VECTORS_Q4] = {_mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps(), _mm_setzero_ps()};
    for (uint32_t group = 0; group < w->groups; group++) {
        const __m128i zero = _mm_setzero_si128();
        __m128i dot[VECTORS_Q4] = {zero, zero, zero, zero};
        struct pairs_q4 pairs;
        load_pairs_q4(&pairs, x->q + group * Q8_GROUP);
        q4_next(&place, w->narrow, group);
        narrow_prefetch(place.tile, Q4_LINES);
#pragma GCC unroll 1
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
            const __m128i even_low = _mm_set1_epi32(pairs.even_low[quad]);
            const __m128i even_high = _mm_set1_epi32(pairs.even_high[quad]);
            const __m128i odd_low = _mm_set1_epi32(pairs.odd_low[quad]);
            const __m128i odd_high = _mm_set1_epi32(pairs.odd_high[quad]);
#pragma GCC unroll 4
            for (uint32_t i = 0; i < VECTORS_Q4; i++) {
                dot[i] = add_octet(dot[i], &place.tile->low[quad][row + 4 * i], even_low, even_high, odd_low, odd_high);
            }
        }
#pragma GCC unroll 1
        for (uint32_t i = 0; i < VECTORS_Q4; i++) {
            const struct scales scales = scales_q4(&place, w->narrow, row + 4 * i);
            const __m128i product = _mm_srai_epi32(dot[i], 8);
            sum[i] = add_scaled_q4(sum[i], product, scales, w->narrow, x->sum[group], x->scale[group]);
        }
    }
    for (uint32_t i = 0; i < VECTORS_Q4; i += 2) {
        store_rows(out + row + 4 * i, sum[i], sum[i + 1], add);
    }
}

/* A group of activations for six-bit tiles: 16-bit numbers of two columns for each of four rows, those of a quad's even
   columns and of its odd ones. */
struct pairs_q6 {
    __m128i even[NARROW_QUADS], odd[NARROW_QUADS];
    __m128i start; /* of the sums: -Q6_OFFSET times the activations */
};

/* Of both halves, q [Q8_GROUP]. */
static inline void load_pairs_q6(struct pairs_q6 out[2], const int8_t *q)
{
#pragma GCC unroll 1
    for (uint32_t half = 0; half < 2; half++, out++) {
        const __m128i bytes = _mm_load_si128((const __m128i *)q + half);
        const __m128i even = _mm_srai_epi16(_mm_slli_epi16(bytes, 8), 8), odd = _mm_srai_epi16(bytes, 8);
        const __m128i one = _mm_add_epi16(even, odd), two = _mm_add_epi16(one, _mm_shuffle_epi32(one, 0x4E));
        const __m128i four = _mm_add_epi16(two, _mm_shuffle_epi32(two, 0xB1));
        out->even[0] = _mm_shuffle_epi32(even, 0x00);
        out->even[1] = _mm_shuffle_epi32(even, 0x55);
        out->even[2] = _mm_shuffle_epi32(even, 0xAA);
        out->even[3] = _mm_shuffle_epi32(even, 0xFF);
        out->odd[0] = _mm_shuffle_epi32(odd, 0x00);
        out->odd[1] = _mm_shuffle_epi32(odd, 0x55);
        out->odd[2] = _mm_shuffle_epi32(odd, 0xAA);
        out->odd[3] = _mm_shuffle_epi32(odd, 0xFF);
        out->start = _mm_mullo_epi16(four, _mm_set1_epi16(-Q6_OFFSET));
    }
}

/* Adds the products of four columns of four rows, the lower bits in the lower halves of `low`, the upper ones in bits
   4 and 5 of `high`. */
static inline __m128i add_sixes(__m128i sum, __m128i low, __m128i high, const struct pairs_q6 *x, uint32_t quad)
{
    const __m128i n = _mm_or_si128(_mm_and_si128(low, _mm_set1_epi8(0x0F)), _mm_and_si128(high, _mm_set1_epi8(0x30)));
    const __m128i even = _mm_mullo_epi16(_mm_and_si128(n, _mm_set1_epi16(0x00FF)), x->even[quad]);
    return _mm_add_epi16(sum, _mm_add_epi16(even, _mm_mullo_epi16(_mm_srli_epi16(n, 8), x->odd[quad])));
}

/* Each of four factors twice. */
static inline __m128i load_twice(const int8_t *factor)
{
    int32_t four;
    __builtin_memcpy(&four, factor, sizeof four);
    const __m128i bytes = _mm_cvtsi32_si128(four), words = _mm_srai_epi16(_mm_unpacklo_epi8(bytes, bytes), 8);
    return _mm_unpacklo_epi16(words, words);
}

/* The sums of a half's products for four rows, times the factors. */
static inline __m128i times_factor(__m128i dot, const int8_t *factor)
{
    return _mm_madd_epi16(dot, load_twice(factor));
}

/* The products of a tile for four rows from `row` on, exact. */
static inline __m128i dot_q6(const struct q6_tile *tile, uint32_t row, const struct pairs_q6 x[2])
{
    __m128i low = x[0].start, high = x[1].start;
#pragma GCC unroll 1
    for (uint32_t quad = 0; quad < NARROW_QUADS; quad += 2) {
        const __m128i first = _mm_load_si128((const __m128i *)tile->low[quad][row]);
        const __m128i second = _mm_load_si128((const __m128i *)tile->low[quad + 1][row]);
        const __m128i upper = _mm_load_si128((const __m128i *)tile->high[quad / 2][row]);
        low = add_sixes(low, first, _mm_slli_epi16(upper, 4), x, quad);
        high = add_sixes(high, _mm_srli_epi16(first, 4), _mm_slli_epi16(upper, 2), x + 1, quad);
        low = add_sixes(low, second, upper, x, quad + 1);
        high = add_sixes(high, _mm_srli_epi16(second, 4), _mm_srli_epi16(upper, 2), x + 1, quad + 1);
    }
    return _mm_add_epi32(times_factor(low, tile->factor[0] + row), times_factor(high, tile->factor[1] + row));
}

enum { VECTORS_Q6 = Q8_GROUP / 4 };

/* Adds a group's products with one vector to sum [VECTORS_Q6], scale [VECTORS_Q6] that of the rows. */
static inline void add_tile_q6(__m128 *sum, const struct q6_tile *tile, const __m128 *scale, const int8_t *q,
                               float x_scale)
{
    struct pairs_q6 pairs[2];
    load_pairs_q6(pairs, q);
    narrow_prefetch(tile, Q6_LINES);
#pragma GCC unroll 1
    for (uint32_t i = 0; i < VECTORS_Q6; i++) {
        const __m128 product = _mm_cvtepi32_ps(dot_q6(tile, 4 * i, pairs));
        sum[i] = _mm_add_ps(sum[i], _mm_mul_ps(product, _mm_mul_ps(scale[i], _mm_set1_ps(x_scale))));
    }
}

/* One row of six-bit tiles by one vector. */
static void multiply_q6(float *out, const struct q6_super *super, uint32_t groups, const struct q8_vector *x, bool add)
{
    __m128 sum[VECTORS_Q6], scale[VECTORS_Q6];
#pragma GCC unroll 1
    for (uint32_t i = 0; i < VECTORS_Q6; i++) {
        sum[i] = _mm_setzero_ps();
    }
    for (uint32_t group = 0; group < groups; super++) {
#pragma GCC unroll 1
        for (uint32_t i = 0; i < VECTORS_Q6; i++) {
            scale[i] = load_halves(super->scale + 4 * i);
        }
#pragma GCC unroll 1
        for (uint32_t i = 0; i < NARROW_SUPER; i++, group++) {
            add_tile_q6(sum, &super->tile[i], scale, x->q + group * Q8_GROUP, x->scale[group]);
        }
    }
#pragma GCC unroll 1
    for (uint32_t i = 0; i < VECTORS_Q6; i += 2) {
        store_rows(out + 4 * i, sum[i], sum[i + 1], add);
    }
}

/* One row of tiles of either kind by one vector. */
static void multiply_narrow(float *out, const uint8_t *tiles, const struct q8_matrix *w, const struct q8_vector *x,
                            bool add)
{
    if (w->narrow == Q6_FACTORS) {
        multiply_q6(out, (const struct q6_super *)tiles, w->groups, x, add);
        return;
    }
    for (uint32_t row = 0; row < Q8_GROUP; row += ROWS_Q4) {
        multiply_q4(out, tiles, w, row, x, add);
    }
}

/* ---- Several vectors: a tile is unpacked once for all of them ---- */

/* A tile in 16-bit numbers, at most 128 * 32 where six bits have their factor in them. */
struct unpacked {
    __m128i w[PAIRS][Q8_GROUP / 4]; /* [column / 2][row / 4] two columns of four rows */
    struct scales scales[Q8_GROUP / 4];
    enum narrow_kind kind; /* of the float part: Q4_SCALE for six bits as well */
};

/* Stores four columns of four rows, bytes n, less `offset`, times each row's factor. */
static inline void store_fours(__m128i first[Q8_GROUP / 4], __m128i second[Q8_GROUP / 4], uint32_t rows, __m128i n,
                               __m128i offset, __m128i factor)
{
    const __m128i zero = _mm_setzero_si128();
    const __m128 low = _mm_castsi128_ps(_mm_unpacklo_epi8(n, zero));
    const __m128 high = _mm_castsi128_ps(_mm_unpackhi_epi8(n, zero));
    first[rows] = _mm_mullo_epi16(_mm_sub_epi16(_mm_castps_si128(_mm_shuffle_ps(low, high, 0x88)), offset), factor);
    second[rows] = _mm_mullo_epi16(_mm_sub_epi16(_mm_castps_si128(_mm_shuffle_ps(low, high, 0xDD)), offset), factor);
}

/* Unpacks four rows, from 4 * rows on, of a tile of four bits, or of six where q6 is not NULL. */
static inline void unpack_rows(struct unpacked *out, const uint8_t low[NARROW_QUADS][Q8_GROUP][4],
                               const struct q6_tile *q6, uint32_t rows, __m128i offset)
{
    __m128i factor_low = _mm_set1_epi16(1), factor_high = factor_low;
    if (q6 != NULL) {
        factor_low = load_twice(q6->factor[0] + 4 * rows);
        factor_high = load_twice(q6->factor[1] + 4 * rows);
    }
#pragma GCC unroll 1
    for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
        const __m128i four = _mm_set1_epi8(0x0F), two = _mm_set1_epi8(0x30);
        __m128i(*w)[Q8_GROUP / 4] = out->w + 2 * quad;
        const __m128i both = _mm_load_si128((const __m128i *)low[quad][4 * rows]);
        __m128i upper = _mm_setzero_si128();
        if (q6 != NULL) {
            upper = _mm_load_si128((const __m128i *)q6->high[quad / 2][4 * rows]);
            upper = quad % 2 == 0 ? _mm_slli_epi16(upper, 4) : upper;
        }
        const __m128i n_low = _mm_or_si128(_mm_and_si128(both, four), _mm_and_si128(upper, two));
        const __m128i n_high =
            _mm_or_si128(_mm_and_si128(_mm_srli_epi16(both, 4), four), _mm_and_si128(_mm_srli_epi16(upper, 2), two));
        store_fours(w[0], w[1], rows, n_low, offset, factor_low);
        store_fours(w[NARROW_HALF / 2], w[NARROW_HALF / 2 + 1], rows, n_high, offset, factor_high);
    }
}

/* Unpacks the tile of `group`, of four bits after q4_next. */
static void unpack(struct unpacked *out, const uint8_t *tiles, const struct q4_place *place, enum narrow_kind kind,
                   uint32_t group)
{
    const struct q6_super *super = (const struct q6_super *)tiles + group / NARROW_SUPER;
    const struct q6_tile *q6 = kind == Q6_FACTORS ? &super->tile[group % NARROW_SUPER] : NULL;
    const __m128i offset = _mm_set1_epi16(kind == Q6_FACTORS ? Q6_OFFSET : kind == Q4_SCALE ? Q4_OFFSET : 0);
    out->kind = q6 != NULL ? Q4_SCALE : kind;
    narrow_prefetch(q6 != NULL ? (const void *)q6 : place->tile, q6 != NULL ? Q6_LINES : Q4_LINES);
#pragma GCC unroll 1
    for (uint32_t rows = 0; rows < Q8_GROUP / 4; rows++) {
        unpack_rows(out, q6 != NULL ? q6->low : place->tile->low, q6, rows, offset);
        out->scales[rows] = q6 != NULL ? (struct scales){load_halves(super->scale + 4 * rows), _mm_setzero_ps()}
                                       : scales_q4(place, kind, 4 * rows);
    }
}

/* Adds one group's products of the eight rows of a set with some vectors. */
static inline void add_unpacked(struct set_sums sums[AT_ONCE], const struct unpacked *tile, uint32_t set,
                                const struct q8_vector *x, uint32_t group)
{
    const int16_t *two[AT_ONCE];
    __m128i upper[AT_ONCE], lower[AT_ONCE];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        two[i] = (const int16_t *)((const struct pairs *)x[i].form)[group].x;
        upper[i] = lower[i] = _mm_setzero_si128();
    }
#pragma GCC unroll 2
    for (size_t pair = 0; pair < PAIRS; pair++) {
        const __m128i first = tile->w[pair][2 * set], second = tile->w[pair][2 * set + 1];
#pragma GCC unroll 4
        for (uint32_t i = 0; i < AT_ONCE; i++) {
            upper[i] = ints_madd_at(upper[i], two[i] + 8 * pair, first);
            lower[i] = ints_madd_at(lower[i], two[i] + 8 * pair, second);
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        const int32_t total = tile->kind == Q4_SCALE ? 0 : x[i].sum[group];
        const float x_scale = x[i].scale[group];
        const struct scales *scales = tile->scales + 2 * set;
        sums[i].upper = add_scaled_q4(sums[i].upper, upper[i], scales[0], tile->kind, total, x_scale);
        sums[i].lower = add_scaled_q4(sums[i].lower, lower[i], scales[1], tile->kind, total, x_scale);
    }
}

enum { VECTORS_MAX = 16 };

/* One row of tiles by at most VECTORS_MAX vectors, a multiple of AT_ONCE. */
static void multiply_unpacked(float *out, size_t out_stride, const uint8_t *tiles, const struct q8_matrix *w,
                              const struct q8_vector *x, uint32_t count, bool add)
{
    struct set_sums sums[SETS][VECTORS_MAX] = {0};
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    for (uint32_t group = 0; group < w->groups; group++) {
        struct unpacked tile;
        if (w->narrow != Q6_FACTORS) {
            q4_next(&place, w->narrow, group);
        }
        unpack(&tile, tiles, &place, w->narrow, group);
        for (uint32_t set = 0; set < SETS; set++) {
            for (uint32_t i = 0; i < count; i += AT_ONCE) {
                add_unpacked(&sums[set][i], &tile, set, x + i, group);
            }
        }
    }
#pragma GCC unroll 1
    for (uint32_t i = 0; i < count; i++, out += out_stride) {
#pragma GCC unroll 1
        for (uint32_t set = 0; set < SETS; set++) {
            store_rows(out + 8 * set, sums[set][i].upper, sums[set][i].lower, add);
        }
    }
}

static void matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                          uint32_t count, bool add)
{
    const uint8_t *tiles = w->tiles;
    const uint32_t whole = MANY_REGISTERS ? count / AT_ONCE * AT_ONCE : 0; /* stage 2 has no room for 2 KB of code */
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP) {
        for (uint32_t i = 0; i < whole; i += VECTORS_MAX) {
            multiply_unpacked(out + i * out_stride, out_stride, tiles, w, x + i,
                              whole - i < VECTORS_MAX ? whole - i : VECTORS_MAX, add);
        }
        for (uint32_t i = whole; i < count; i++) {
            multiply_narrow(out + i * out_stride, tiles, w, x + i, add);
        }
        tiles += narrow_row_bytes(w->narrow, w->groups);
    }
}

#endif
