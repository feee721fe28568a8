/*
 * AVX2 with F16C: PCs since 2013. AVX-VNNI, PCs since 2021 that have no AVX-512, differs in its products alone.
 *
 * The instructions take unsigned by signed bytes, so they get the activations' magnitudes, and weights with the bits
 * inverted where the activation is negative: ~w = -w - 1. The result is too low by the sum of the negative activations'
 * magnitudes, for every row, so every sum starts from that.
 */
#include <immintrin.h>

#include "base/exp2.h"
#include "kernel/x86_tile_quad.h"

#define VECTOR(name) _mm256_##name

typedef __m256 floats;
typedef __m256i ints;

enum { QUADS_UNROLLED = 4, NARROW_UNROLLED = 1 };

struct quad {
    __m256i magnitude, negative;
};

static inline struct quad load_columns(const struct q8_vector *x, uint32_t group, uint32_t quad)
{
    const struct signed_group *signs = (const struct signed_group *)x->form + group;
    return (struct quad){_mm256_set1_epi32(signs->magnitude[quad]), _mm256_set1_epi32(signs->negative[quad])};
}

/* 127 * -128 twice does not saturate 16 bits. */
static inline __m256i add_quad(__m256i sum, const int8_t *w, struct quad x)
{
    const __m256i turned = _mm256_xor_si256(_mm256_load_si256((const __m256i *)w), x.negative);
    const __m256i two = _mm256_maddubs_epi16(x.magnitude, turned);
    return _mm256_add_epi32(sum, _mm256_madd_epi16(two, _mm256_set1_epi16(1)));
}

static inline int32_t sum_start(const struct q8_vector *x, uint32_t group)
{
    return x->sum[group];
}

/* 16-bit sums, half of the products in each. On the way they may wrap round: only a pair must not saturate. */
static inline __m256i narrow_madd(__m256i sum, __m256i n, __m256i x)
{
    return _mm256_add_epi16(sum, _mm256_maddubs_epi16(n, x));
}

static inline __m256i narrow_add(__m256i a, __m256i b)
{
    return _mm256_add_epi16(a, b);
}

static inline __m256i narrow_sum(__m256i sum)
{
    return _mm256_madd_epi16(sum, _mm256_set1_epi16(1));
}

#include "kernel/x86_avx2_products.h"

static inline __m256i ints_madd(__m256i sum, __m256i x, __m256i y)
{
    return _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
}

enum { VALUE_DIMS = sizeof(void *) > 4 ? 8 : 4, VALUE_QUERIES = 1 };

#include "kernel/x86_avx2_attention.h"

static inline __m256i ints_least(__m256i z)
{
    return _mm256_min_epu16(z, _mm256_set1_epi16(ATTENTION_POWER_LAST));
}

/* The upper half of x * 2^(15 - n). The power is looked up by bytes: the lower one by n, where it has the bits of 2^7
   and below, the upper one by n + 8. */
static inline __m256i ints_shift_each(__m256i x, __m256i n)
{
    const __m256i powers = _mm256_setr_epi8(0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1, /* both halves */
                                            0, 0, 0, 0, 0, 0, 0, 0, -128, 64, 32, 16, 8, 4, 2, 1);
    const __m256i both = _mm256_mullo_epi16(n, _mm256_set1_epi16(1 << 8 | 1));
    const __m256i index = _mm256_add_epi16(both, _mm256_set1_epi16(8 << 8));
    return _mm256_mulhi_epu16(x, _mm256_shuffle_epi8(powers, index));
}

static inline __m128i max_quad(__m128i x, __m128i y)
{
    return _mm_max_epi32(x, y);
}

static inline __m256 floats_round(__m256 y)
{
    return _mm256_add_ps(y, _mm256_set1_ps(EXP2_ROUNDER));
}

static inline __m256 floats_fraction(__m256 y, __m256 rounded)
{
    return _mm256_sub_ps(y, _mm256_sub_ps(rounded, _mm256_set1_ps(EXP2_ROUNDER)));
}

static inline __m256 floats_scale(__m256 p, __m256 rounded, __m256 y)
{
    const __m256i exponent = _mm256_slli_epi32(_mm256_castps_si256(rounded), 23);
    const __m256 scaled = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), exponent));
    return _mm256_and_ps(_mm256_cmp_ps(y, _mm256_set1_ps(EXP2_LOWEST), _CMP_GE_OQ), scaled);
}

static inline __m128 lanes_fold(const __m256 sum[2])
{
    const __m256 eight = _mm256_add_ps(sum[0], sum[1]);
    return _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
}

static inline __m256i magnitude(__m256 x)
{
    return _mm256_and_si256(_mm256_castps_si256(x), _mm256_set1_epi32(0x7FFFFFFF));
}

static inline uint32_t group_magnitude(const __m256 x[Q8_GROUP / 8])
{
    const __m256i eight = _mm256_max_epi32(_mm256_max_epi32(magnitude(x[0]), magnitude(x[1])),
                                           _mm256_max_epi32(magnitude(x[2]), magnitude(x[3])));
    const __m128i four = _mm_max_epi32(_mm256_castsi256_si128(eight), _mm256_extracti128_si256(eight, 1));
    const __m128i two = _mm_max_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 0xB1)));
}

/* 32 integers as bytes, in order: the pack instructions work within halves, so their quarters are permuted back. */
static inline __m256i to_bytes(__m256i a, __m256i b, __m256i c, __m256i d)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    return _mm256_permutevar8x32_epi32(_mm256_packs_epi16(_mm256_packs_epi32(a, b), _mm256_packs_epi32(c, d)), order);
}

static inline void store_group(struct q8_vector *out, uint32_t group, const __m256 x[Q8_GROUP / 8])
{
    const __m256i q = to_bytes(_mm256_cvtps_epi32(x[0]), _mm256_cvtps_epi32(x[1]), _mm256_cvtps_epi32(x[2]),
                               _mm256_cvtps_epi32(x[3]));
    const __m256i zero = _mm256_setzero_si256(), magnitude = _mm256_abs_epi8(q), negative = _mm256_cmpgt_epi8(zero, q);
    struct signed_group *signs = (struct signed_group *)out->form + group;
    _mm256_store_si256((__m256i *)(out->q + group * Q8_GROUP), q);
    _mm256_store_si256((__m256i *)signs->magnitude, magnitude);
    _mm256_store_si256((__m256i *)signs->negative, negative);
    const __m256i four = _mm256_sad_epu8(_mm256_and_si256(magnitude, negative), zero);
    const __m128i two = _mm_add_epi32(_mm256_castsi256_si128(four), _mm256_extracti128_si256(four, 1));
    const int32_t negatives = _mm_cvtsi128_si32(two) + _mm_extract_epi16(two, 4);
    out->sum[group] = negatives;
    const __m256i all = _mm256_sad_epu8(magnitude, zero);
    const __m128i both = _mm_add_epi32(_mm256_castsi256_si128(all), _mm256_extracti128_si256(all, 1));
    signs->total = _mm_cvtsi128_si32(both) + _mm_extract_epi16(both, 4) - 2 * negatives;
}

#include "kernel/x86_vector.h"
#include "kernel/x86_attention.h"

#ifdef __x86_64__
#define HAS_EIGHTS

/* A head of eight numbers is one vector. Only tiny models, which take little time for all the rest, have such heads. */
static void eights_quantize(int16_t *out, float *scale, const float *x, uint32_t heads, float range)
{
    const __m256 ranges = _mm256_set1_ps(range), step = _mm256_set1_ps(1.0f / range);
    for (uint32_t head = 0; head < heads; head++, out += 8, x += 8) {
        const __m256 eight = _mm256_loadu_ps(x);
        const __m256i one = magnitude(eight), two = _mm256_max_epi32(one, _mm256_permute2x128_si256(one, one, 1));
        const __m256i four = _mm256_max_epi32(two, _mm256_shuffle_epi32(two, 0x4E));
        const __m256i largest = _mm256_max_epi32(four, _mm256_shuffle_epi32(four, 0xB1));
        const __m256i counts = _mm256_cmpgt_epi32(largest, _mm256_set1_epi32(KV_SMALLEST - 1));
        const __m256i too_large = _mm256_cmpgt_epi32(largest, _mm256_set1_epi32(Q8_LIMIT - 1));
        const __m256i usable = _mm256_andnot_si256(too_large, counts);
        const __m256 inverse = _mm256_div_ps(ranges, _mm256_castsi256_ps(largest));
        const __m256i whole = _mm256_and_si256(usable, _mm256_cvtps_epi32(_mm256_mul_ps(eight, inverse)));
        const __m256 size =
            _mm256_and_ps(_mm256_castsi256_ps(usable), _mm256_mul_ps(_mm256_castsi256_ps(largest), step));
        const __m256i no_number = _mm256_and_si256(too_large, _mm256_set1_epi32(FLOAT_NAN));
        _mm_storeu_si128((__m128i *)out,
                         _mm_packs_epi32(_mm256_castsi256_si128(whole), _mm256_extracti128_si256(whole, 1)));
        scale[head] = _mm256_cvtss_f32(_mm256_or_ps(size, _mm256_castsi256_ps(no_number)));
    }
}
#endif

#include "kernel/x86_heads.h"

/* Word by word, which is also fast under emulation. */
#ifdef __x86_64__
static __attribute__((cold)) void tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct tile_quad *tile = (struct tile_quad *)bytes;
    for (uint32_t row = 0; row < Q8_GROUP; row += 2, block += 2 * stride) {
#pragma GCC unroll 4
        for (uint32_t quad = 0; quad < QUADS; quad += 2) {
            const uint64_t a = q8_0_eight(block->q + 4 * quad), b = q8_0_eight(block[stride].q + 4 * quad);
            *(uint64_t *)tile->q[quad][row] = (uint32_t)a | b << 32;
            *(uint64_t *)tile->q[quad + 1][row] = a >> 32 | b >> 32 << 32;
        }
        tile->scale[row] = block->scale;
        tile->scale[row + 1] = block[stride].scale;
    }
}
#else
static __attribute__((cold)) void tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct tile_quad *tile = (struct tile_quad *)bytes;
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        for (uint32_t quad = 0; quad < QUADS; quad += 4) {
            const __m128i q = _mm_loadu_si128((const __m128i *)(block->q + 4 * quad));
            const __m128i four = _mm_max_epi8(q, _mm_set1_epi8(-127)); /* as q8_0_four */
            *(int32_t *)tile->q[quad][row] = _mm_extract_epi32(four, 0);
            *(int32_t *)tile->q[quad + 1][row] = _mm_extract_epi32(four, 1);
            *(int32_t *)tile->q[quad + 2][row] = _mm_extract_epi32(four, 2);
            *(int32_t *)tile->q[quad + 3][row] = _mm_extract_epi32(four, 3);
        }
        tile->scale[row] = block->scale;
    }
}
#endif

static __attribute__((cold)) void tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP], float *scale)
{
    const struct tile_quad *tile = (const struct tile_quad *)bytes;
    for (uint32_t quad = 0; quad < QUADS; quad++) {
        *(uint32_t *)(q + 4 * quad) = *(const uint32_t *)tile->q[quad][row];
    }
    *scale = half_to_float(tile->scale[row]);
}

__attribute__((cold)) void biased_tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    __m256i *tile = (__m256i *)bytes;
    tile_pack(bytes, block, stride);
    for (uint32_t i = 0; i < Q8_GROUP; i++) {
        tile[i] = _mm256_xor_si256(tile[i], _mm256_set1_epi8((char)BIAS));
    }
}

__attribute__((cold)) void biased_tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP], float *scale)
{
    tile_row(bytes, row, q, scale);
    _mm256_storeu_si256((__m256i *)q,
                        _mm256_xor_si256(_mm256_loadu_si256((const __m256i *)q), _mm256_set1_epi8((char)BIAS)));
}

static inline __m256 floats_of_halves(const uint8_t *halves)
{
    return _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)halves));
}

static inline void store_bytes(int8_t *q, const __m256i whole[Q8_GROUP / 8])
{
    _mm256_storeu_si256((__m256i *)q, to_bytes(whole[0], whole[1], whole[2], whole[3]));
}

#include "kernel/x86_blocks.h"

#ifdef __x86_64__
static void avxvnni_attention(const struct attention_task *task)
{
    attention_by(task, avxvnni_score_heads, compute_coefficients, avxvnni_sum_values);
}
#else
#define avxvnni_attention attention
#endif

KERNEL_DEFINE(avx2, struct tile_quad, sizeof(struct signed_group));
KERNEL_DEFINE_TILES(biased_tile_pack, biased_tile_row, avxvnni_matmul, avxvnni_matmul_narrow, avxvnni_attention,
                    avxvnni, struct tile_quad, sizeof(struct signed_group));
