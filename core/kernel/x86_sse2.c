/*
 * SSE2: any x86-64 and every PC since the Pentium 4.
 *
 * A tile is [column / 2][set 0..3] units of 16 bytes, then 32 scales as f32. Unit `set` holds rows 8 set .. 8 set + 7
 * for two columns: in 16-bit lane 2 i + c, row 8 set + i as the high byte and row 8 set + 4 + i, plus 128, as the low
 * byte. With x the pair of activations in every 32-bit lane,
 *   both = madd(unit, x)        sums to 256 * upper + lower
 *   upper = madd(unit >> 8, x)
 * exactly, and lower is 128 * sum(x) too large, which the sum begins with: nothing needs unpacking.
 */
#include <emmintrin.h>

#include "base/exp2.h"
#include "kernel/kernel.h"

#define VECTOR(name) _mm_##name
#define HAS_WAYS

typedef __m128 floats;
typedef __m128i ints;

enum {
    MANY_REGISTERS = sizeof(void *) > 4,
    SCORE_VECTORS = 4,
    QUERIES = MANY_REGISTERS ? 2 : 1,
    VALUE_DIMS = MANY_REGISTERS ? 8 : 4,
    VALUE_QUERIES = 1,
};

static inline __m128 floats_fold(__m128 x)
{
    return x;
}

static inline __m128i ints_fold(__m128i x)
{
    return x;
}

static inline __m128i ints_madd(__m128i sum, __m128i x, __m128i y)
{
    return _mm_add_epi32(sum, _mm_madd_epi16(x, y));
}

/* The compiler would load p, and join sums, so that they do not fit into the registers. QEMU translates a vector's way
   from memory into a register badly, but not that into a product. */
static inline __m128i ints_madd_at(__m128i sum, const int16_t *p, __m128i y)
{
    __asm__("pmaddwd %2, %1\n\t"
            "paddd %1, %0"
            : "+x"(sum), "+x"(y)
            : "m"(*(const __m128i *)p));
    return sum;
}

/* The ways of the two kernels: sse2emu's takes more instructions, which QEMU translates to better ones. */
enum { WAY_SSE2, WAY_EMULATED };

static inline __m128i ints_nearest(__m128 x, uint32_t way)
{
    const __m128 rounder = _mm_set1_ps(EXP2_ROUNDER);
    return way == WAY_SSE2 ? _mm_cvtps_epi32(x)
                           : _mm_sub_epi32(_mm_castps_si128(_mm_add_ps(x, rounder)), _mm_castps_si128(rounder));
}

/* ints_shift takes any: its n has the upper five bits of z. */
static inline __m128i ints_least(__m128i z)
{
    return z;
}

/* Shifts by 2^bit where n has that bit. */
static inline __m128i shift_by_bit(__m128i x, __m128i n, int bit)
{
    const __m128i mask = _mm_srai_epi16(_mm_slli_epi16(n, 15 - bit), 15);
    return _mm_xor_si128(x, _mm_and_si128(_mm_xor_si128(x, _mm_srli_epi16(x, 1 << bit)), mask));
}

/* WAY_SSE2: twice the upper half of x * 2^(14 - n), the power built as the bits of a float and cut off to a whole
   number. */
static inline __m128i ints_shift(__m128i x, __m128i n, uint32_t way)
{
    if (way == WAY_EMULATED) {
        n = _mm_sub_epi16(n, _mm_subs_epu16(n, _mm_set1_epi16(15)));
        x = shift_by_bit(shift_by_bit(_mm_srli_epi16(x, 1), n, 0), n, 1);
        return shift_by_bit(shift_by_bit(x, n, 2), n, 3);
    }
    const __m128i bits = _mm_slli_epi16(_mm_sub_epi16(_mm_set1_epi16(127 + 14), n), 7), zero = _mm_setzero_si128();
    const __m128i low = _mm_cvttps_epi32(_mm_castsi128_ps(_mm_unpacklo_epi16(zero, bits)));
    const __m128i high = _mm_cvttps_epi32(_mm_castsi128_ps(_mm_unpackhi_epi16(zero, bits)));
    const __m128i half = _mm_mulhi_epu16(x, _mm_packs_epi32(low, high));
    return _mm_add_epi16(half, half);
}

static inline __m128 floats_round(__m128 y)
{
    return _mm_add_ps(y, _mm_set1_ps(EXP2_ROUNDER));
}

static inline __m128 floats_fraction(__m128 y, __m128 rounded)
{
    return _mm_sub_ps(y, _mm_sub_ps(rounded, _mm_set1_ps(EXP2_ROUNDER)));
}

static inline __m128 floats_scale(__m128 p, __m128 rounded, __m128 y)
{
    const __m128i exponent = _mm_slli_epi32(_mm_castps_si128(rounded), 23);
    const __m128 scaled = _mm_castsi128_ps(_mm_add_epi32(_mm_castps_si128(p), exponent));
    return _mm_and_ps(_mm_cmpge_ps(y, _mm_set1_ps(EXP2_LOWEST)), scaled);
}

static inline __m128 lanes_fold(const __m128 sum[4])
{
    return _mm_add_ps(_mm_add_ps(sum[0], sum[2]), _mm_add_ps(sum[1], sum[3]));
}

/* SSE2 has no maximum of 32-bit integers. */
static inline __m128i max_int(__m128i x, __m128i y)
{
    const __m128i greater = _mm_cmpgt_epi32(x, y);
    return _mm_or_si128(_mm_and_si128(greater, x), _mm_andnot_si128(greater, y));
}

static inline __m128i magnitude(__m128 x)
{
    return _mm_and_si128(_mm_castps_si128(x), _mm_set1_epi32(0x7FFFFFFF));
}

static inline __m128i max_quad(__m128i x, __m128i y)
{
    return max_int(x, y);
}

static inline uint32_t group_magnitude(const __m128 x[Q8_GROUP / 4])
{
    __m128i pair[Q8_GROUP / 8];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < Q8_GROUP / 8; i++) {
        pair[i] = max_int(magnitude(x[2 * i]), magnitude(x[2 * i + 1]));
    }
    const __m128i four = max_int(max_int(pair[0], pair[1]), max_int(pair[2], pair[3]));
    const __m128i two = max_int(four, _mm_shuffle_epi32(four, 0x4E));
    return (uint32_t)_mm_cvtsi128_si32(max_int(two, _mm_shuffle_epi32(two, 0xB1)));
}

enum { SETS = 4, PAIRS = Q8_GROUP / 2 };

/* A group of activations as matmul reads it: two int16, four times. */
struct pairs {
    _Alignas(16) int32_t x[PAIRS][4];
};

static inline void store_pairs(int32_t pairs[4][4], __m128i four)
{
    _mm_store_si128((__m128i *)pairs[0], _mm_shuffle_epi32(four, 0x00));
    _mm_store_si128((__m128i *)pairs[1], _mm_shuffle_epi32(four, 0x55));
    _mm_store_si128((__m128i *)pairs[2], _mm_shuffle_epi32(four, 0xAA));
    _mm_store_si128((__m128i *)pairs[3], _mm_shuffle_epi32(four, 0xFF));
}

static inline void store_group(struct q8_vector *out, uint32_t group, const __m128 x[Q8_GROUP / 4])
{
    struct pairs *pairs = (struct pairs *)out->form + group;
    __m128i *q = (__m128i *)(out->q + group * Q8_GROUP);
    __m128i sums = _mm_setzero_si128();
#pragma GCC unroll 2
    for (uint32_t i = 0; i < 2; i++, x += 4) {
        const __m128i low = _mm_packs_epi32(_mm_cvtps_epi32(x[0]), _mm_cvtps_epi32(x[1]));
        const __m128i high = _mm_packs_epi32(_mm_cvtps_epi32(x[2]), _mm_cvtps_epi32(x[3]));
        store_pairs(pairs->x + 8 * i, low);
        store_pairs(pairs->x + 8 * i + 4, high);
        _mm_store_si128(q + i, _mm_packs_epi16(low, high));
        sums = _mm_add_epi16(sums, _mm_add_epi16(low, high));
    }
    const __m128i four = _mm_madd_epi16(sums, _mm_set1_epi16(1));
    const __m128i two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    out->sum[group] = _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}

#include "kernel/x86_vector.h"
#include "kernel/x86_attention.h"
#include "kernel/x86_heads.h"

/* Four finite halves: their bits 13 places up, with 112 more in the exponent. A subnormal one has no leading bit: it
   gets one, 2^-14, which is then subtracted. */
static inline __m128 load_halves(const void *halves)
{
    const __m128i four = _mm_unpacklo_epi16(_mm_loadl_epi64((const __m128i *)halves), _mm_setzero_si128());
    const __m128i low = _mm_and_si128(four, _mm_set1_epi32(0x7FFF)),
                  sign = _mm_slli_epi32(_mm_xor_si128(four, low), 16);
    const __m128i subnormal = _mm_cmpgt_epi32(_mm_set1_epi32(0x0400), low);
    const __m128i exponent = _mm_sub_epi32(_mm_set1_epi32(112 << 23), _mm_slli_epi32(subnormal, 23));
    const __m128i leading = _mm_and_si128(subnormal, _mm_set1_epi32(113 << 23));
    const __m128 value =
        _mm_sub_ps(_mm_castsi128_ps(_mm_add_epi32(_mm_slli_epi32(low, 13), exponent)), _mm_castsi128_ps(leading));
    return _mm_or_ps(value, _mm_castsi128_ps(sign));
}

static inline __m128 floats_of_halves(const uint8_t *halves)
{
    const __m128i four = _mm_unpacklo_epi16(_mm_loadl_epi64((const __m128i *)halves), _mm_setzero_si128());
    const __m128i low = _mm_and_si128(four, _mm_set1_epi32(0x7FFF));
    const __m128i endless = _mm_and_si128(_mm_cmpgt_epi32(low, _mm_set1_epi32(0x7BFF)), _mm_set1_epi32(FLOAT_INFINITY));
    return _mm_or_ps(load_halves(halves), _mm_castsi128_ps(endless));
}

static inline void store_bytes(int8_t *q, const __m128i whole[Q8_GROUP / 4])
{
#pragma GCC unroll 2
    for (uint32_t i = 0; i < 2; i++, whole += 4) {
        const __m128i low = _mm_packs_epi32(whole[0], whole[1]), high = _mm_packs_epi32(whole[2], whole[3]);
        _mm_storeu_si128((__m128i *)q + i, _mm_packs_epi16(low, high));
    }
}

#include "kernel/x86_blocks.h"

struct tile {
    int16_t unit[PAIRS][SETS][4][2];
    float scale[Q8_GROUP];
};

/* Sixteen weights plus 128, 1..255. */
static inline __m128i biased(const int8_t *q)
{
    const __m128i sixteen = _mm_xor_si128(_mm_loadu_si128((const __m128i *)q), _mm_set1_epi8(-128));
    return _mm_max_epu8(sixteen, _mm_set1_epi8(1));
}

/* Sixteen columns of one set, from `column` on. */
static inline void pack_half_set(struct tile *tile, uint32_t set, uint32_t column, const struct q8_0_block *block,
                                 size_t stride)
{
    __m128 pairs[2][4]; /* [columns / 8][i] four pairs of columns, a lane each */
    block += 8 * set * stride;
    for (uint32_t i = 0; i < 4; i++, block += stride) {
        const __m128i upper = _mm_xor_si128(biased(block->q + column), _mm_set1_epi8(-128));
        const __m128i lower = biased(block[4 * stride].q + column);
        pairs[0][i] = _mm_castsi128_ps(_mm_unpacklo_epi8(lower, upper));
        pairs[1][i] = _mm_castsi128_ps(_mm_unpackhi_epi8(lower, upper));
    }
    for (uint32_t half = 0; half < 2; half++) {
        _MM_TRANSPOSE4_PS(pairs[half][0], pairs[half][1], pairs[half][2], pairs[half][3]);
        for (uint32_t pair = 0; pair < 4; pair++) {
            _mm_store_ps((float *)tile->unit[column / 2 + 4 * half + pair][set], pairs[half][pair]);
        }
    }
}

static __attribute__((cold)) void tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct tile *tile = (struct tile *)bytes;
    for (uint32_t set = 0; set < SETS; set++) {
        for (uint32_t column = 0; column < Q8_GROUP; column += 16) {
            pack_half_set(tile, set, column, block, stride);
        }
    }
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        tile->scale[row] = half_to_float(block[row * stride].scale);
    }
}

static __attribute__((cold)) void tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP], float *scale)
{
    const struct tile *tile = (const struct tile *)bytes;
    for (uint32_t column = 0; column < Q8_GROUP; column++) {
        const uint16_t both = (uint16_t)tile->unit[column / 2][row / 8][row % 4][column % 2];
        q[column] = row % 8 < 4 ? (int8_t)(both >> 8) : (int8_t)((both & 255) - 128);
    }
    *scale = tile->scale[row];
}

/* A mask is faster than a shift if a register holds it, and under emulation slower by far if it lies in memory. */
enum { MASKS = MANY_REGISTERS };

/* Sets, or vectors, whose sums the registers hold. */
enum { AT_ONCE = MANY_REGISTERS ? 4 : 2 };

/* Sums of the eight rows of a set. */
struct set_sums {
    __m128 upper, lower;
};

static inline __m128i upper_weights(__m128i w)
{
    return MASKS ? _mm_and_si128(w, _mm_set1_epi16((short)0xFF00)) : _mm_srai_epi16(w, 8);
}

/* Adds a group's finished sums of one set. */
static inline void add_scaled(struct set_sums *sums, __m128i both, __m128i high, const float *scale, __m128 x_scale)
{
    const __m128i upper = MASKS ? _mm_srai_epi32(high, 8) : high;
    const __m128i lower = _mm_sub_epi32(both, MASKS ? high : _mm_slli_epi32(high, 8));
    const __m128 upper_scale = _mm_mul_ps(_mm_load_ps(scale), x_scale);
    const __m128 lower_scale = _mm_mul_ps(_mm_load_ps(scale + 4), x_scale);
    sums->upper = _mm_add_ps(sums->upper, _mm_mul_ps(_mm_cvtepi32_ps(upper), upper_scale));
    sums->lower = _mm_add_ps(sums->lower, _mm_mul_ps(_mm_cvtepi32_ps(lower), lower_scale));
}

/* Adds one group's products of some sets, from `set` on, with one vector. */
static inline void add_sets(struct set_sums sums[AT_ONCE], const struct tile *tile, uint32_t set,
                            const struct q8_vector *x, uint32_t group)
{
    const __m128i *w = (const __m128i *)tile->unit[0][set];
    const __m128i *two = (const __m128i *)((const struct pairs *)x->form)[group].x;
    __m128i both[AT_ONCE], high[AT_ONCE];
    const __m128i begin = _mm_set1_epi32(-128 * x->sum[group]);
#pragma GCC unroll 4
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        both[i] = begin;
        high[i] = _mm_setzero_si128();
    }
#pragma GCC unroll 2
    for (size_t pair = 0; pair < PAIRS; pair++) {
        const __m128i pair_of_x = two[pair];
#pragma GCC unroll 4
        for (uint32_t i = 0; i < AT_ONCE; i++) {
            const __m128i unit = w[pair * SETS + i];
            both[i] = _mm_add_epi32(both[i], _mm_madd_epi16(unit, pair_of_x));
            high[i] = _mm_add_epi32(high[i], _mm_madd_epi16(upper_weights(unit), pair_of_x));
        }
    }
    const __m128 x_scale = _mm_set1_ps(x->scale[group]);
#pragma GCC unroll 4
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        add_scaled(&sums[i], both[i], high[i], tile->scale + 8 * (set + i), x_scale);
    }
}

/* Adds one group's products of one set with some vectors. */
static inline void add_vectors(struct set_sums sums[AT_ONCE], const struct tile *tile, uint32_t set,
                               const struct q8_vector *x, uint32_t group)
{
    const __m128i *w = (const __m128i *)tile->unit[0][set];
    const __m128i *two[AT_ONCE];
    __m128i both[AT_ONCE], high[AT_ONCE];
#pragma GCC unroll 4
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        two[i] = (const __m128i *)((const struct pairs *)x[i].form)[group].x;
        both[i] = _mm_set1_epi32(-128 * x[i].sum[group]);
        high[i] = _mm_setzero_si128();
    }
#pragma GCC unroll 2
    for (size_t pair = 0; pair < PAIRS; pair++) {
        const __m128i unit = w[pair * SETS], upper = upper_weights(unit);
#pragma GCC unroll 4
        for (uint32_t i = 0; i < AT_ONCE; i++) {
            both[i] = _mm_add_epi32(both[i], _mm_madd_epi16(unit, two[i][pair]));
            high[i] = _mm_add_epi32(high[i], _mm_madd_epi16(upper, two[i][pair]));
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        add_scaled(&sums[i], both[i], high[i], tile->scale + 8 * set, _mm_set1_ps(x[i].scale[group]));
    }
}

static inline void store_rows(float *out, __m128 upper, __m128 lower, bool add)
{
    _mm_store_ps(out, add ? _mm_add_ps(_mm_load_ps(out), upper) : upper);
    _mm_store_ps(out + 4, add ? _mm_add_ps(_mm_load_ps(out + 4), lower) : lower);
}

/* Some sets of a row of tiles by one vector. */
static void multiply_sets(float *out, const struct tile *tile, uint32_t groups, uint32_t set, const struct q8_vector *x,
                          bool add)
{
    struct set_sums sums[AT_ONCE] = {0};
    for (uint32_t group = 0; group < groups; group++) {
        add_sets(sums, tile + group, set, x, group);
    }
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        store_rows(out + 8 * (set + i), sums[i].upper, sums[i].lower, add);
    }
}

/* One set of a row of tiles by some vectors. Meanwhile one line of each of the next row's tiles is fetched. */
static void multiply_vectors(float *out, size_t out_stride, const struct tile *tile, uint32_t groups, uint32_t set,
                             const struct q8_vector *x, bool add, uint32_t line)
{
    struct set_sums sums[AT_ONCE] = {0};
    for (uint32_t group = 0; group < groups; group++) {
        _mm_prefetch((const char *)(tile + groups + group) + line * 64, _MM_HINT_T0);
        add_vectors(sums, tile + group, set, x, group);
    }
    for (uint32_t i = 0; i < AT_ONCE; i++) {
        store_rows(out + i * out_stride + 8 * set, sums[i].upper, sums[i].lower, add);
    }
}

static void matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add)
{
    const struct tile *tile = (const struct tile *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP, tile += w->groups) {
        uint32_t i = 0;
        for (; i + AT_ONCE <= count; i += AT_ONCE) {
            for (uint32_t set = 0; set < SETS; set++) {
                multiply_vectors(out + i * out_stride, out_stride, tile, w->groups, set, x + i, add, i + set);
            }
        }
        for (; i < count; i++) {
            for (uint32_t set = 0; set < SETS; set += AT_ONCE) {
                multiply_sets(out + i * out_stride, tile, w->groups, set, x + i, add);
            }
        }
    }
}

#include "kernel/x86_sse2_narrow.h"

KERNEL_DEFINE(sse2, struct tile, sizeof(struct pairs));

#include "kernel/x86_sse2emu.h"

KERNEL_DEFINE_TILES(emulated_tile_pack, emulated_tile_row, emulated_matmul, matmul_narrow, emulated_attention, sse2emu,
                    struct emulated_tile, sizeof(struct pairs));
