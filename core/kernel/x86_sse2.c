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

/* The compiler would load p. QEMU translates a vector's way from memory into a register badly, but not that into a
   product. */
static inline __m128i ints_madd_at(__m128i sum, const int16_t *p, __m128i y)
{
    __asm__("pmaddwd %1, %0" : "+x"(y) : "m"(*(const __m128i *)p));
    return _mm_add_epi32(sum, y);
}

/* The ways of the two kernels: sse2emu's takes more instructions, which QEMU translates to better ones. */
enum { WAY_SSE2, WAY_EMULATED };

static inline __m128i ints_nearest(__m128 x, uint32_t way)
{
    const __m128 rounder = _mm_set1_ps(EXP2_ROUNDER);
    return way == WAY_SSE2 ? _mm_cvtps_epi32(x)
                           : _mm_sub_epi32(_mm_castps_si128(_mm_add_ps(x, rounder)), _mm_castps_si128(rounder));
}

/* SSE2 has no minimum of unsigned 16-bit integers. */
static inline __m128i ints_least(__m128i z)
{
    return _mm_sub_epi16(z, _mm_subs_epu16(z, _mm_set1_epi16(ATTENTION_POWER_LAST)));
}

/* Shifts by 2^bit where n has that bit. */
static inline __m128i shift_by_bit(__m128i x, __m128i n, int bit)
{
    const __m128i mask = _mm_srai_epi16(_mm_slli_epi16(n, 15 - bit), 15);
    return _mm_xor_si128(x, _mm_and_si128(_mm_xor_si128(x, _mm_srli_epi16(x, 1 << bit)), mask));
}

/* WAY_SSE2: twice the upper half of x * 2^(14 - n), the power built as the bits of a float. */
static inline __m128i ints_shift(__m128i x, __m128i n, uint32_t way)
{
    if (way == WAY_EMULATED) {
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
    __m128i four = magnitude(x[0]);
#pragma GCC unroll 8
    for (uint32_t i = 1; i < Q8_GROUP / 4; i++) {
        four = max_int(four, magnitude(x[i]));
    }
    const __m128i two = max_int(four, _mm_shuffle_epi32(four, 0x4E));
    return (uint32_t)_mm_cvtsi128_si32(max_int(two, _mm_shuffle_epi32(two, 0xB1)));
}

enum { SETS = 4, PAIRS = Q8_GROUP / 2 };

/* A group of activations as matmul reads it: two int16 in each. */
struct pairs {
    int32_t x[PAIRS];
};

static inline void store_group(struct q8_vector *out, uint32_t group, const __m128 x[Q8_GROUP / 4])
{
    __m128i *pairs = (__m128i *)((struct pairs *)out->form)[group].x, *q = (__m128i *)(out->q + group * Q8_GROUP);
    __m128i sums = _mm_setzero_si128();
#pragma GCC unroll 2
    for (uint32_t i = 0; i < 2; i++, x += 4) {
        const __m128i low = _mm_packs_epi32(_mm_cvtps_epi32(x[0]), _mm_cvtps_epi32(x[1]));
        const __m128i high = _mm_packs_epi32(_mm_cvtps_epi32(x[2]), _mm_cvtps_epi32(x[3]));
        _mm_store_si128(pairs + 2 * i, low);
        _mm_store_si128(pairs + 2 * i + 1, high);
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

/* The bits of a half 13 places up, with 112 more in the exponent. A subnormal one has no leading bit: it gets one,
   2^-14, which is then subtracted. */
static inline __m128 floats_of_halves(const uint8_t *halves)
{
    const __m128i four = _mm_unpacklo_epi16(_mm_loadl_epi64((const __m128i *)halves), _mm_setzero_si128());
    const __m128i low = _mm_and_si128(four, _mm_set1_epi32(0x7FFF)),
                  sign = _mm_slli_epi32(_mm_xor_si128(four, low), 16);
    const __m128i subnormal = _mm_cmpgt_epi32(_mm_set1_epi32(0x0400), low);
    const __m128i endless = _mm_and_si128(_mm_cmpgt_epi32(low, _mm_set1_epi32(0x7BFF)), _mm_set1_epi32(FLOAT_INFINITY));
    const __m128i exponent = _mm_sub_epi32(_mm_set1_epi32(112 << 23), _mm_slli_epi32(subnormal, 23));
    const __m128i leading = _mm_and_si128(subnormal, _mm_set1_epi32(113 << 23));
    const __m128 value =
        _mm_sub_ps(_mm_castsi128_ps(_mm_add_epi32(_mm_slli_epi32(low, 13), exponent)), _mm_castsi128_ps(leading));
    return _mm_or_ps(value, _mm_castsi128_ps(_mm_or_si128(sign, endless)));
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

/* Adds two finished sums of one set to the sums of its eight rows. */
static inline void add_scaled(__m128 *upper_sum, __m128 *lower_sum, __m128i both, __m128i high, const float *scale,
                              __m128 x_scale)
{
    const __m128i upper = MASKS ? _mm_srai_epi32(high, 8) : high;
    const __m128i lower = _mm_sub_epi32(both, MASKS ? high : _mm_slli_epi32(high, 8));
    const __m128 upper_scale = _mm_mul_ps(_mm_load_ps(scale), x_scale);
    const __m128 lower_scale = _mm_mul_ps(_mm_load_ps(scale + 4), x_scale);
    *upper_sum = _mm_add_ps(*upper_sum, _mm_mul_ps(_mm_cvtepi32_ps(upper), upper_scale));
    *lower_sum = _mm_add_ps(*lower_sum, _mm_mul_ps(_mm_cvtepi32_ps(lower), lower_scale));
}

static inline void add_pair(__m128i *both, __m128i *high, const int16_t unit[4][2], __m128i x)
{
    const __m128i w = _mm_load_si128((const __m128i *)unit);
    *both = _mm_add_epi32(*both, _mm_madd_epi16(w, x));
    const __m128i upper = MASKS ? _mm_and_si128(w, _mm_set1_epi16((short)0xFF00)) : _mm_srai_epi16(w, 8);
    *high = _mm_add_epi32(*high, _mm_madd_epi16(upper, x));
}

static inline void store_rows(float *out, __m128 upper, __m128 lower, bool add)
{
    _mm_store_ps(out, add ? _mm_add_ps(_mm_load_ps(out), upper) : upper);
    _mm_store_ps(out + 4, add ? _mm_add_ps(_mm_load_ps(out + 4), lower) : lower);
}

/* Two sets at once: the eight registers of a 32-bit build hold no more. */
static inline void multiply_sets(float *out, const struct tile *tile, uint32_t groups, uint32_t set,
                                 const struct q8_vector *x, bool add)
{
    __m128 upper0 = _mm_setzero_ps(), lower0 = upper0, upper1 = upper0, lower1 = upper0;
    for (uint32_t group = 0; group < groups; group++, tile++) {
        const int32_t *pairs = ((const struct pairs *)x->form)[group].x;
        __m128i both0 = _mm_set1_epi32(-128 * x->sum[group]), both1 = both0;
        __m128i high0 = _mm_setzero_si128(), high1 = high0;
#pragma GCC unroll 4
        for (uint32_t pair = 0; pair < PAIRS; pair++) {
            const __m128i x2 = _mm_set1_epi32(pairs[pair]);
            add_pair(&both0, &high0, tile->unit[pair][set], x2);
            add_pair(&both1, &high1, tile->unit[pair][set + 1], x2);
        }
        const __m128 x_scale = _mm_set1_ps(x->scale[group]);
        add_scaled(&upper0, &lower0, both0, high0, tile->scale + set * 8, x_scale);
        add_scaled(&upper1, &lower1, both1, high1, tile->scale + set * 8 + 8, x_scale);
    }
    store_rows(out + set * 8, upper0, lower0, add);
    store_rows(out + set * 8 + 8, upper1, lower1, add);
}

static void matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add)
{
    const struct tile *tile = (const struct tile *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP, tile += w->groups) {
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t set = 0; set < SETS; set += 2) {
                multiply_sets(out + i * out_stride, tile, w->groups, set, x + i, add);
            }
        }
    }
}

#include "kernel/x86_sse2_narrow.h"

KERNEL_DEFINE(sse2, struct tile, sizeof(struct pairs));

/*
 * sse2emu: the same kernel as QEMU's translator likes it, which makes one instruction each of additions, shifts and
 * products of 16 bits, but calls a function for pmaddwd and for most others, and stores and loads a vector on its way
 * from memory into a register. Its tile is [column / 4][row / 4] vectors: a 16-bit lane has columns 4 i + c of a row as
 * the low byte and 4 i + 2 + c as the high byte, c = 0, 1.
 */
enum { QUADS = Q8_GROUP / 4, QUADS_AT_ONCE = MANY_REGISTERS ? 8 : 4 };

struct emulated_tile {
    int8_t w[Q8_GROUP / 4][QUADS][4][2][2]; /* [column / 4][row / 4][row % 4][column % 2][column / 2 % 2] */
    float scale[Q8_GROUP];
};

/* Swaps the two inner bytes. */
static inline uint32_t bytes_swapped(uint32_t four)
{
    return (four & 0xFF0000FF) | (four & 0xFF00) << 8 | (four >> 8 & 0xFF00);
}

static __attribute__((cold)) void emulated_tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct emulated_tile *tile = (struct emulated_tile *)bytes;
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        for (uint32_t i = 0; i < Q8_GROUP / 4; i++) {
            *(uint32_t *)tile->w[i][row / 4][row % 4] = bytes_swapped(q8_0_four(block->q + 4 * i));
        }
        tile->scale[row] = half_to_float(block->scale);
    }
}

static __attribute__((cold)) void emulated_tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP],
                                                    float *scale)
{
    const struct emulated_tile *tile = (const struct emulated_tile *)bytes;
    for (uint32_t column = 0; column < Q8_GROUP; column++) {
        q[column] = tile->w[column / 4][row / 4][row % 4][column % 2][column / 2 % 2];
    }
    *scale = tile->scale[row];
}

/* Adds four columns of four rows, with x0 and x1 the pairs of activations in every 32-bit lane. A sum of two products
   has 16 bits, as each is at most 127^2. In C it takes more registers than 32-bit code has. */
static inline __m128i add_columns(__m128i sum, const int8_t w[4][2][2], __m128i x0, __m128i x1)
{
    __m128i low, high;
    __asm__("pshufd $0xE4, %[w], %[low]\n\t" /* faster than a load */
            "movdqa %[low], %[high]\n\t"
            "psraw $8, %[high]\n\t"
            "psllw $8, %[low]\n\t"
            "psraw $8, %[low]\n\t"
            "pmullw %[x1], %[high]\n\t"
            "pmullw %[x0], %[low]\n\t"
            "paddw %[low], %[high]\n\t"
            "movdqa %[high], %[low]\n\t"
            "pslld $16, %[low]\n\t"
            "psrad $16, %[high]\n\t"
            "psrad $16, %[low]\n\t"
            "paddd %[high], %[sum]\n\t"
            "paddd %[low], %[sum]"
            : [low] "=&x"(low), [high] "=&x"(high), [sum] "+x"(sum)
            : [w] "m"(*(const __m128i *)w), [x0] "x"(x0), [x1] "x"(x1));
    return sum;
}

static inline __m128i four_times(const int32_t *x)
{
    return _mm_castps_si128(_mm_load1_ps((const float *)x));
}

/* Some rows from row 4 * quad on. */
static inline void multiply_emulated(float *out, const struct emulated_tile *tile, uint32_t groups, uint32_t quad,
                                     const struct q8_vector *x, bool add)
{
    __m128 sum[QUADS_AT_ONCE] = {_mm_setzero_ps()};
    for (uint32_t group = 0; group < groups; group++, tile++) {
        const int32_t *pairs = ((const struct pairs *)x->form)[group].x;
        const __m128i zero = _mm_setzero_si128();
        __m128i dot[QUADS_AT_ONCE] = {zero};
#pragma GCC unroll 2
        for (uint32_t i = 0; i < Q8_GROUP / 4; i++) {
            const __m128i x0 = four_times(pairs + 2 * i), x1 = four_times(pairs + 2 * i + 1);
#pragma GCC unroll 8
            for (uint32_t j = 0; j < QUADS_AT_ONCE; j++) {
                dot[j] = add_columns(dot[j], tile->w[i][quad + j], x0, x1);
            }
        }
#pragma GCC unroll 8
        for (uint32_t j = 0; j < QUADS_AT_ONCE; j++) {
            const __m128 scale = _mm_mul_ps(_mm_set1_ps(x->scale[group]), _mm_load_ps(tile->scale + 4 * (quad + j)));
            sum[j] = _mm_add_ps(sum[j], _mm_mul_ps(_mm_cvtepi32_ps(dot[j]), scale));
        }
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < QUADS_AT_ONCE; j += 2) {
        store_rows(out + 4 * (quad + j), sum[j], sum[j + 1], add);
    }
}

static void emulated_matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                            uint32_t count, bool add)
{
    const struct emulated_tile *tile = (const struct emulated_tile *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP, tile += w->groups) {
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t quad = 0; quad < QUADS; quad += QUADS_AT_ONCE) {
                multiply_emulated(out + i * out_stride, tile, w->groups, quad, x + i, add);
            }
        }
    }
}

static __attribute__((noinline)) void emulated_coefficients(const struct passes *passes)
{
    all_coefficients(passes, WAY_EMULATED);
}

static void emulated_attention(const struct attention_task *task)
{
    attention_by(task, emulated_coefficients);
}

KERNEL_DEFINE_TILES(emulated_tile_pack, emulated_tile_row, emulated_matmul, matmul_narrow, emulated_attention, sse2emu,
                    struct emulated_tile, sizeof(struct pairs));
