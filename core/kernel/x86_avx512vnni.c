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
    ROWS_AT_ONCE = MANY_REGISTERS ? 2 : 1, /* vectors of sixteen rows */
    PAIRS_UNROLLED = MANY_REGISTERS ? 2 : 1,
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

/* The products of one row tile and `count` vectors, a constant, at most VECTORS_AT_ONCE. */
static inline __attribute__((always_inline)) void
row_products(__m512 sum[][2], const struct tile_quad *tile, uint32_t groups, const struct q8_vector *x, uint32_t count)
{
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
}

static inline __attribute__((always_inline)) void multiply(float *out, size_t out_stride, const struct tile_quad *tile,
                                                           uint32_t groups, const struct q8_vector *x, uint32_t count,
                                                           bool add)
{
    __m512 sum[VECTORS_AT_ONCE][2];
    row_products(sum, tile, groups, x, count);
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

#ifdef __x86_64__
static void avx512vnni_matmul_swiglu(struct q8_vector *out, const struct q8_matrix *w, const struct q8_vector *x)
{
    const uint32_t groups = w->groups, rows = w->row_tiles / 2;
    const struct tile_quad *gate = (const struct tile_quad *)w->tiles, *up = gate + (size_t)rows * groups;
    for (uint32_t i = 0; i < rows; i++, gate += groups, up += groups) {
        __m512 gates[1][2], ups[1][2];
        row_products(gates, gate, groups, x, 1);
        row_products(ups, up, groups, x, 1);
        __m512 part[2] = {silu(gates[0][0], ups[0][0]), silu(gates[0][1], ups[0][1])};
        out->scale[i] = quantize_part(out, i, part);
    }
}
#else /* 32-bit code, where room is short */
#define avx512vnni_matmul_swiglu NULL
#endif

/* Sixteen rows of a four-bit tile: their scales, and the values of n = 0 by which a q8_vector's sum counts (not with
   Q4_SCALE). */
struct scales {
    __m512 scale, minimum;
};

static inline __m512 load_factors(const uint8_t *factor)
{
    return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_load_si128((const __m128i *)factor)));
}

static inline struct scales scales_q4(const struct q4_place *place, enum narrow_kind kind, uint32_t row)
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

/* Four columns of sixteen rows in each half of the columns, or sums of their products. */
struct halves {
    __m512i low, high;
};

/* Adds a quad's products with `count` vectors to dot [ROWS_AT_ONCE][count]. */
static inline __attribute__((always_inline)) void add_quad(struct halves dot[][VECTORS_AT_ONCE],
                                                           const struct halves w[ROWS_AT_ONCE],
                                                           const struct q8_vector *x, uint32_t group, uint32_t quad,
                                                           uint32_t count)
{
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        const int32_t *quads = (const int32_t *)(x[i].q + group * Q8_GROUP) + quad;
        const __m512i x_low = _mm512_set1_epi32(quads[0]), x_high = _mm512_set1_epi32(quads[NARROW_QUADS]);
#pragma GCC unroll 2
        for (uint32_t j = 0; j < ROWS_AT_ONCE; j++) {
            dot[j][i].low = _mm512_dpbusd_epi32(dot[j][i].low, w[j].low, x_low);
            dot[j][i].high = _mm512_dpbusd_epi32(dot[j][i].high, w[j].high, x_high);
        }
    }
}

/* The lower four bits. */
static inline struct halves load_nibbles(const uint8_t low[4])
{
    const __m512i mask = _mm512_set1_epi8(0x0F), both = _mm512_load_si512(low);
    return (struct halves){_mm512_and_si512(both, mask), _mm512_and_si512(_mm512_srli_epi16(both, 4), mask)};
}

/* Adds the products of a group to sum [2][count], each for sixteen rows. */
static inline __attribute__((always_inline)) void add_tile_q4(__m512 sum[][VECTORS_AT_ONCE],
                                                              const struct q4_place *place, enum narrow_kind kind,
                                                              const struct q8_vector *x, uint32_t group, uint32_t count)
{
    struct halves dot[ROWS_AT_ONCE][VECTORS_AT_ONCE], w[ROWS_AT_ONCE];
#pragma GCC unroll 1
    for (uint32_t row = 0; row < Q8_GROUP; row += ROWS_AT_ONCE * KERNEL_LANES, sum += ROWS_AT_ONCE) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < ROWS_AT_ONCE * count; i++) {
            const __m512i start = _mm512_srai_epi32(_mm512_set1_epi32(x[i % count].sum[group]), 4);
            dot[i / count][i % count].low = kind == Q4_SCALE ? start : _mm512_setzero_si512(); /* -Q4_OFFSET times it */
            dot[i / count][i % count].high = _mm512_setzero_si512();
        }
#pragma GCC unroll 4
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
#pragma GCC unroll 2
            for (uint32_t j = 0; j < ROWS_AT_ONCE; j++) {
                w[j] = load_nibbles(place->tile->low[quad][row + j * KERNEL_LANES]);
            }
            add_quad(dot, w, x, group, quad, count);
        }
#pragma GCC unroll 2
        for (uint32_t j = 0; j < ROWS_AT_ONCE; j++) {
            const struct scales scales = scales_q4(place, kind, row + j * KERNEL_LANES);
#pragma GCC unroll 4
            for (uint32_t i = 0; i < count; i++) {
                const __m512i product = _mm512_add_epi32(dot[j][i].low, dot[j][i].high);
                const __m512 x_scale = _mm512_set1_ps(x[i].scale[group]);
                const __m512 x_sum = _mm512_cvtepi32_ps(_mm512_set1_epi32(x[i].sum[group]));
                sum[j][i] = kind == Q4_SCALE ? add_scaled(sum[j][i], product, scales.scale, x_scale)
                                             : add_scaled_q4(sum[j][i], product, scales, x_sum, x_scale);
            }
        }
    }
}

/* multiply for a row of four-bit tiles, to sum [2][count]. */
static inline __attribute__((always_inline)) void multiply_q4(__m512 sum[][VECTORS_AT_ONCE], const uint8_t *tiles,
                                                              enum narrow_kind kind, uint32_t groups,
                                                              const struct q8_vector *x, uint32_t count)
{
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    for (uint32_t group = 0; group < groups; group++) {
        q4_next(&place, kind, group);
        if (count == 1) {
            narrow_prefetch(place.tile, Q4_LINES);
        }
        add_tile_q4(sum, &place, kind, x, group, count);
    }
}

/* All six bits; of_low, of_high: the upper ones in bits 4 and 5. */
static inline struct halves load_sixes(const uint8_t low[4], __m512i of_low, __m512i of_high)
{
    enum { A_OR_BOTH_OTHERS = 0xF8 };
    const struct halves four = load_nibbles(low);
    const __m512i mask = _mm512_set1_epi8(0x30);
    return (struct halves){_mm512_ternarylogic_epi32(four.low, of_low, mask, A_OR_BOTH_OTHERS),
                           _mm512_ternarylogic_epi32(four.high, of_high, mask, A_OR_BOTH_OTHERS)};
}

/* The sums of the halves' products for sixteen rows, times the factors. */
static inline __m512i times_factors(struct halves dot, const struct q6_tile *tile, uint32_t row)
{
    const __m512i factor0 = _mm512_cvtepi8_epi32(_mm_load_si128((const __m128i *)(tile->factor[0] + row)));
    const __m512i factor1 = _mm512_cvtepi8_epi32(_mm_load_si128((const __m128i *)(tile->factor[1] + row)));
    return _mm512_add_epi32(_mm512_mullo_epi32(dot.low, factor0), _mm512_mullo_epi32(dot.high, factor1));
}

/* What the sums start from: -Q6_OFFSET times the activations, q [Q8_GROUP]. */
static inline struct halves start_q6(const int8_t *q)
{
    const __m256i zero = _mm256_setzero_si256(), offset = _mm256_set1_epi8(Q6_OFFSET);
    const __m256i four = _mm256_dpbusd_epi32(zero, offset, _mm256_load_si256((const __m256i *)q));
    const __m256i two = _mm256_add_epi32(four, _mm256_shuffle_epi32(four, 0x4E));
    const __m256i start = _mm256_sub_epi32(zero, _mm256_add_epi32(two, _mm256_shuffle_epi32(two, 0xB1)));
    return (struct halves){_mm512_broadcastd_epi32(_mm256_castsi256_si128(start)),
                           _mm512_broadcastd_epi32(_mm256_extracti128_si256(start, 1))};
}

/* Adds the products of two quads to dot. */
static inline __attribute__((always_inline)) void add_pair(struct halves dot[][VECTORS_AT_ONCE],
                                                           const struct q6_tile *tile, uint32_t pair, uint32_t row,
                                                           const struct q8_vector *x, uint32_t group, uint32_t count)
{
    const uint32_t quad = 2 * pair;
    struct halves even[ROWS_AT_ONCE], odd[ROWS_AT_ONCE];
#pragma GCC unroll 2
    for (uint32_t j = 0; j < ROWS_AT_ONCE; j++, row += KERNEL_LANES) {
        const __m512i upper = _mm512_load_si512(tile->high[pair][row]);
        even[j] = load_sixes(tile->low[quad][row], _mm512_slli_epi16(upper, 4), _mm512_slli_epi16(upper, 2));
        odd[j] = load_sixes(tile->low[quad + 1][row], upper, _mm512_srli_epi16(upper, 2));
    }
    add_quad(dot, even, x, group, quad, count);
    add_quad(dot, odd, x, group, quad + 1, count);
}

/* Adds the products of a group to sum [2][count], each for sixteen rows; scale [Q8_GROUP] is that of the rows. */
static inline __attribute__((always_inline)) void add_tile_q6(__m512 sum[][VECTORS_AT_ONCE], const struct q6_tile *tile,
                                                              const uint16_t *scale, const struct q8_vector *x,
                                                              uint32_t group, uint32_t count)
{
    struct halves start[VECTORS_AT_ONCE], dot[ROWS_AT_ONCE][VECTORS_AT_ONCE];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        start[i] = start_q6(x[i].q + group * Q8_GROUP);
    }
#pragma GCC unroll 1
    for (uint32_t row = 0; row < Q8_GROUP; row += ROWS_AT_ONCE * KERNEL_LANES, sum += ROWS_AT_ONCE) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < ROWS_AT_ONCE * count; i++) {
            dot[i / count][i % count] = start[i % count];
        }
#pragma GCC unroll PAIRS_UNROLLED
        for (uint32_t pair = 0; pair < NARROW_QUADS / 2; pair++) {
            add_pair(dot, tile, pair, row, x, group, count);
        }
#pragma GCC unroll 8
        for (uint32_t i = 0; i < ROWS_AT_ONCE * count; i++) {
            const uint32_t j = i / count, of = i % count, at = row + j * KERNEL_LANES;
            sum[j][of] = add_scaled(sum[j][of], times_factors(dot[j][of], tile, at), load_scales(scale + at),
                                    _mm512_set1_ps(x[of].scale[group]));
        }
    }
}

/* multiply for a row of six-bit tiles, to sum [2][count]. */
static inline __attribute__((always_inline)) void multiply_q6(__m512 sum[][VECTORS_AT_ONCE],
                                                              const struct q6_super *super, uint32_t groups,
                                                              const struct q8_vector *x, uint32_t count)
{
    for (uint32_t group = 0; group < groups; super++) {
#pragma GCC unroll 1
        for (uint32_t i = 0; i < NARROW_SUPER; i++, group++) {
            if (count == 1) {
                narrow_prefetch(&super->tile[i], Q6_LINES);
            }
            add_tile_q6(sum, &super->tile[i], super->scale, x, group, count);
        }
    }
}

/* multiply for a row of tiles of either kind. */
static inline __attribute__((always_inline)) void multiply_narrow(float *out, size_t out_stride, const uint8_t *tiles,
                                                                  const struct q8_matrix *w, const struct q8_vector *x,
                                                                  uint32_t count, bool add)
{
    __m512 sum[2][VECTORS_AT_ONCE];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        sum[0][i] = sum[1][i] = _mm512_setzero_ps();
    }
    if (w->narrow == Q6_FACTORS) {
        multiply_q6(sum, (const struct q6_super *)tiles, w->groups, x, count);
    } else {
        multiply_q4(sum, tiles, w->narrow, w->groups, x, count);
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < count; i++) {
        store_rows(out + i * out_stride, sum[0][i], add);
        store_rows(out + i * out_stride + KERNEL_LANES, sum[1][i], add);
    }
}

static void matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                          uint32_t count, bool add)
{
    const uint8_t *tiles = w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP) {
        uint32_t i = 0;
        for (; VECTORS_AT_ONCE > 1 && i + VECTORS_AT_ONCE <= count; i += VECTORS_AT_ONCE) {
            multiply_narrow(out + i * out_stride, out_stride, tiles, w, x + i, VECTORS_AT_ONCE, add);
        }
        for (; i < count; i++) {
            multiply_narrow(out + i * out_stride, out_stride, tiles, w, x + i, 1, add);
        }
        tiles += narrow_row_bytes(w->narrow, w->groups);
    }
}

KERNEL_DEFINE_TILES(biased_tile_pack, biased_tile_row, matmul, matmul_narrow, attention, avx512vnni, struct tile_quad,
                    0, .matmul_swiglu = avx512vnni_matmul_swiglu);
