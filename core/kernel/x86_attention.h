/*
 * Attention of a vector kernel, by the definition in attention_rules.h. All of its sums are integer sums, and the
 * largest score is the same in any order, so nothing here depends on the vector length.
 *
 * It goes through all heads three times - scores, coefficients, values - because each pass ends in a long chain of
 * dependent operations that the next head's work then hides. The heads that read one KV head are taken several at once,
 * and what is one number for each head is computed in lanes, a head in each.
 *
 * A kernel's .c file includes this after x86_vector.h and after defining, for its instruction set, besides what that
 * needs,
 *   ints                        whole registers of integers
 *   ints_madd(sum, x, y)        adds the products of int16, each two neighbours to a 32-bit sum
 *   ints_madd_at(sum, p, y)     the same with x at an address
 *   ints_min(x, y)              of unsigned 16-bit numbers
 *   ints_nearest(x, way)        the nearest integers to x >= 0; any of more than 16 bits where those have more
 *   ints_shift(x, n, way)       x >> (n + 2), 16 bits, each by its own n <= 14; `way` is the kernel's own choice
 *   ints_fold(x)                the sums of its quarters
 *   max_quad(x, y)              the larger of signed 32-bit numbers, of __m128i
 *   SCORE_VECTORS, SCORE_QUERIES  a block of scores that its registers hold: positions / WIDTH, and queries
 *   MANY_REGISTERS              whether it has more than eight
 *   VALUE_DIMS, VALUE_QUERIES   dimensions, a multiple of 4, and queries whose sums its registers hold
 */
#ifndef BOOTLLAMA_X86_ATTENTION_H
#define BOOTLLAMA_X86_ATTENTION_H

#include "base/memory.h"
#include "kernel/attention.h"

enum {
    SHORTS = 2 * WIDTH,                 /* int16 in a vector */
    UNROLLED = MANY_REGISTERS ? 4 : 1,  /* steps of loops over a head */
    SCORE_STEP = SCORE_VECTORS * WIDTH, /* positions whose scores are computed at once */
};

static inline ints ints_load(const void *p)
{
    return *(const ints *)p;
}

static inline void ints_store(void *p, ints x)
{
    *(ints *)p = x;
}

/* The sums of four vectors. */
static inline __m128i sum_four(ints a, ints b, ints c, ints d)
{
    const ints ab = VECTOR(add_epi32)(VECTOR(unpacklo_epi32)(a, b), VECTOR(unpackhi_epi32)(a, b));
    const ints cd = VECTOR(add_epi32)(VECTOR(unpacklo_epi32)(c, d), VECTOR(unpackhi_epi32)(c, d));
    return ints_fold(VECTOR(add_epi32)(VECTOR(unpacklo_epi64)(ab, cd), VECTOR(unpackhi_epi64)(ab, cd)));
}

/* The largest lanes of four vectors. */
static inline __m128i largest_four(__m128i a, __m128i b, __m128i c, __m128i d)
{
    const __m128i ab = max_quad(_mm_unpacklo_epi32(a, b), _mm_unpackhi_epi32(a, b));
    const __m128i cd = max_quad(_mm_unpacklo_epi32(c, d), _mm_unpackhi_epi32(c, d));
    return max_quad(_mm_unpacklo_epi64(ab, cd), _mm_unpackhi_epi64(ab, cd));
}

static inline __m128i quad_magnitude(__m128 x)
{
    return _mm_and_si128(_mm_castps_si128(x), _mm_set1_epi32(0x7FFFFFFF));
}

/* Four elements of a head, or its last two and two zeros. */
static inline __m128 load_quad(const float *x, uint32_t left)
{
    return left >= 4 ? _mm_loadu_ps(x) : _mm_castpd_ps(_mm_load_sd((const double *)x));
}

/* Bits of the largest magnitudes, one in a lane or more. */
static inline __m128i head_magnitude(const float *x, uint32_t size)
{
    __m128i largest = quad_magnitude(load_quad(x, size));
#pragma GCC unroll UNROLLED
    for (uint32_t i = 4; i < size; i += 4) {
        largest = max_quad(largest, quad_magnitude(load_quad(x + i, size - i)));
    }
    return largest;
}

static inline void head_quantize(int16_t *out, const float *x, uint32_t size, float by)
{
    const __m128 inverse = _mm_set1_ps(by);
    uint32_t i = 0;
    for (; i + 8 <= size; i += 8) {
        const __m128i low = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x + i), inverse));
        const __m128i high = _mm_cvtps_epi32(_mm_mul_ps(_mm_loadu_ps(x + i + 4), inverse));
        _mm_storeu_si128((__m128i *)(out + i), _mm_packs_epi32(low, high));
    }
    for (; i < size; i += 2) {
        const __m128i two = _mm_cvtps_epi32(_mm_mul_ps(load_quad(x + i, 2), inverse));
        *(int32_t *)(out + i) = _mm_cvtsi128_si32(_mm_packs_epi32(two, two));
    }
}

static void heads_quantize(int16_t *out, float *scale, const float *x, uint32_t heads, uint32_t size, float range)
{
    while (heads > 0) {
        const uint32_t count = heads < 4 ? heads : 4;
        __m128i part[4];
#pragma GCC unroll UNROLLED
        for (uint32_t i = 0; i < 4; i++) {
            part[i] = head_magnitude(x + (i < count ? i : 0) * size, size);
        }
        const __m128i largest = largest_four(part[0], part[1], part[2], part[3]);
        const __m128i counts = _mm_cmpgt_epi32(largest, _mm_set1_epi32(KV_SMALLEST - 1));
        const __m128i too_large = _mm_cmpgt_epi32(largest, _mm_set1_epi32(Q8_LIMIT - 1));
        const __m128 usable = _mm_castsi128_ps(_mm_andnot_si128(too_large, counts));
        const __m128 no_number = _mm_castsi128_ps(_mm_and_si128(too_large, _mm_set1_epi32(FLOAT_NAN)));
        const __m128 scales = _mm_mul_ps(_mm_castsi128_ps(largest), _mm_set1_ps(1.0f / range));
        float new_scale[4], inverse[4];
        _mm_storeu_ps(new_scale, _mm_or_ps(_mm_and_ps(scales, usable), no_number));
        _mm_storeu_ps(inverse, _mm_div_ps(_mm_set1_ps(range), _mm_castsi128_ps(largest)));
        for (uint32_t i = 0; i < count; i++, out += size, x += size) {
            *scale++ = new_scale[i];
            if (_mm_movemask_ps(usable) >> i & 1) {
                head_quantize(out, x, size, inverse[i]);
            } else {
                memset(out, 0, size * sizeof *out);
            }
        }
        heads -= count;
    }
}

/* What the passes work on: a task with its lanes, whole blocks of positions, chunks from lanes.largest[0] on. */
struct passes {
    const struct attention_task *task;
    const struct attention *shape;
    struct attention_lanes lanes;
    uint32_t begin, attended, end, queries;
};

/* The places in a vector of scores. */
static const _Alignas(KERNEL_ALIGNMENT) float places[KV_KEY_LANES] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                                      8, 9, 10, 11, 12, 13, 14, 15};

/* A vector of scores, which begins with position `at`, with minus infinity for positions that are not attended to (or
   NaN, which counts as small). */
static inline floats attended_only(floats scores, uint32_t at, const struct attention *shape)
{
    const floats infinity = VECTOR(set1_ps)(float_from_bits(FLOAT_INFINITY)), place = VECTOR(load_ps)(places);
    const floats last = VECTOR(set1_ps)((float)((int32_t)shape->position - (int32_t)at) + 0.5f);
    const floats first = VECTOR(set1_ps)((float)((int32_t)attention_first(shape) - (int32_t)at) - 0.5f);
    scores = VECTOR(min_ps)(VECTOR(mul_ps)(VECTOR(sub_ps)(last, place), infinity), scores);
    return VECTOR(min_ps)(VECTOR(mul_ps)(VECTOR(sub_ps)(place, first), infinity), scores);
}

/* Products of SCORE_STEP positions' keys and the queries of `count` heads, a constant. */
static inline __attribute__((always_inline)) void some_scores(ints dot[SCORE_QUERIES][SCORE_VECTORS],
                                                              const struct attention_head *head, uint32_t count,
                                                              const struct attention *shape, uint32_t t)
{
    const size_t block = (size_t)shape->head_stride * KV_KEY_LANES;
    const int16_t *key = head->k + t / KV_KEY_LANES * block;
#pragma GCC unroll 4
    for (uint32_t q = 0; q < count; q++) {
#pragma GCC unroll 4
        for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
            dot[q][i] = VECTOR(set1_epi32)(0);
        }
    }
#pragma GCC unroll UNROLLED
    for (uint32_t i = 0; i < shape->head_size; i += 2, key += 2 * KV_KEY_LANES) {
        ints pair[SCORE_QUERIES];
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
            pair[q] = VECTOR(set1_epi32)(*(const int32_t *)(head->q + q * shape->head_size + i));
        }
#pragma GCC unroll 4
        for (uint32_t j = 0; j < SCORE_VECTORS; j++) {
            const uint32_t at = j * WIDTH;
            const int16_t *keys = key + at / KV_KEY_LANES * block + at % KV_KEY_LANES * 2;
#pragma GCC unroll 4
            for (uint32_t q = 0; q < count; q++) {
                dot[q][j] = ints_madd_at(dot[q][j], keys, pair[q]);
            }
        }
    }
}

/* Scores of `count` heads of one KV head, a constant; chunks' largest scores, which are never NaN, to `largest` as in
   the lanes. */
static inline __attribute__((always_inline)) void
heads_scores(const struct passes *passes, const struct attention_head *head, uint32_t count, float *largest)
{
    const struct attention *shape = passes->shape;
    const floats lowest = VECTOR(set1_ps)(-float_from_bits(FLOAT_INFINITY));
    floats most[SCORE_QUERIES];
    for (uint32_t q = 0; q < count; q++) {
        most[q] = lowest;
    }
    uint32_t chunk_end = attention_chunk_end(passes->begin, passes->end);
    for (uint32_t t = passes->begin; t < passes->end; t += SCORE_STEP) {
        ints dot[SCORE_QUERIES][SCORE_VECTORS];
        some_scores(dot, head, count, shape, t);
        const bool partial = t + SCORE_STEP > shape->position || t < passes->attended;
#pragma GCC unroll 4
        for (uint32_t i = 0; i < SCORE_VECTORS; i++) {
            const uint32_t at = t + i * WIDTH;
            const floats scale = VECTOR(load_ps)(head->k_scale + at);
#pragma GCC unroll 4
            for (uint32_t q = 0; q < count; q++) {
                floats score = VECTOR(mul_ps)(VECTOR(cvtepi32_ps)(dot[q][i]), scale);
                if (partial) {
                    score = attended_only(score, at, shape);
                }
                VECTOR(store_ps)(head->scores + q * (size_t)shape->context + at, score);
                most[q] = VECTOR(max_ps)(score, most[q]); /* the second operand if the first is NaN */
            }
        }
        if (t + SCORE_STEP == chunk_end) {
            for (uint32_t q = 0; q < count; q++) {
                largest[q] = largest_float(most[q]);
                most[q] = lowest;
            }
            largest += passes->lanes.stride;
            chunk_end = attention_chunk_end(chunk_end, passes->end);
        }
    }
}

static __attribute__((noinline)) void score_heads(const struct passes *passes)
{
    struct attention_head head = attention_head(passes->task);
    float *largest = passes->lanes.largest;
    for (uint32_t i = 0; i < passes->task->count; i++) {
        uint32_t left = passes->queries;
        for (; SCORE_QUERIES > 1 && left >= SCORE_QUERIES; left -= SCORE_QUERIES, largest += SCORE_QUERIES) {
            heads_scores(passes, &head, SCORE_QUERIES, largest);
            attention_next(&head, passes->shape, SCORE_QUERIES);
        }
        for (; left > 0; left--, largest++) {
            heads_scores(passes, &head, 1, largest);
            attention_next(&head, passes->shape, 1);
        }
        attention_next_kv(&head, passes->shape);
    }
}

/* Both halves' numbers rounded to integers, saturated, in the order of kv_value_slot. */
static inline ints rounded(floats low, floats high, uint32_t way)
{
    return VECTOR(packs_epi32)(ints_nearest(low, way), ints_nearest(high, way));
}

/* The ratios of one KV head. */
static inline void value_ratios(const struct passes *passes, const struct attention_head *head, float v_largest,
                                uint32_t way)
{
    const floats factor = VECTOR(set1_ps)(attention_ratio_factor(v_largest));
    for (uint32_t t = passes->begin; t < passes->end; t += KV_BLOCK) {
        for (uint32_t i = 0; i < KV_KEY_LANES; i += WIDTH) {
            const floats low = VECTOR(mul_ps)(VECTOR(load_ps)(head->v_scale + t + i), factor);
            const floats high = VECTOR(mul_ps)(VECTOR(load_ps)(head->v_scale + t + KV_KEY_LANES + i), factor);
            ints_store(head->ratios + t + 2 * i, rounded(low, high, way));
        }
    }
}

/* attention_power for every element. */
static inline ints powers(ints z, uint32_t way)
{
    const ints t = VECTOR(slli_epi16)(z, 16 - ATTENTION_POWER_BITS);
    ints inner = VECTOR(mulhi_epu16)(t, VECTOR(set1_epi16)(ATTENTION_POWER_C3));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)(ATTENTION_POWER_C2), inner));
    inner = VECTOR(mulhi_epu16)(t, VECTOR(sub_epi16)(VECTOR(set1_epi16)((int16_t)ATTENTION_POWER_C1), inner));
    return ints_shift(VECTOR(sub_epi16)(VECTOR(set1_epi16)(-1), inner), VECTOR(srli_epi16)(z, ATTENTION_POWER_BITS),
                      way);
}

static inline floats scaled_distance(floats score, float largest, float factor)
{
    return VECTOR(mul_ps)(VECTOR(sub_ps)(VECTOR(set1_ps)(largest), score), VECTOR(set1_ps)(factor));
}

static inline float sum_ints(ints sum)
{
    const __m128i four = ints_fold(sum), two = _mm_add_epi32(four, _mm_shuffle_epi32(four, 0x4E));
    return _mm_cvtss_f32(_mm_cvtepi32_ps(_mm_add_epi32(two, _mm_shuffle_epi32(two, 0xB1))));
}

/* Turns one head's scores into coefficients; largest, sum as in the lanes. */
static inline void head_coefficients(const struct passes *passes, const struct attention_head *head,
                                     const float *largest, float *sum, float factor, uint32_t way)
{
    int16_t *out = (int16_t *)head->scores;
    const ints one = VECTOR(set1_epi16)(1);
    uint32_t chunk_end = attention_chunk_end(passes->begin, passes->end);
    ints total = VECTOR(set1_epi32)(0);
    for (uint32_t t = passes->begin; t < passes->end; t += KV_BLOCK) {
#pragma GCC unroll 1
        for (uint32_t i = 0; i < KV_KEY_LANES; i += WIDTH) {
            const floats *score = (const floats *)(head->scores + t + i);
            const ints z = rounded(scaled_distance(score[0], *largest, factor),
                                   scaled_distance(score[KV_KEY_LANES / WIDTH], *largest, factor), way);
            const ints p = powers(ints_min(z, VECTOR(set1_epi16)(ATTENTION_POWER_LAST)), way);
            const ints more = VECTOR(add_epi16)(VECTOR(add_epi16)(p, p), one); /* attention_coefficient */
            total = ints_madd(total, p, one);
            ints_store(out + t + 2 * i, VECTOR(mulhi_epu16)(more, ints_load(head->ratios + t + 2 * i)));
        }
        if (t + KV_BLOCK == chunk_end) {
            *sum = sum_ints(total);
            total = VECTOR(set1_epi32)(0);
            sum += passes->lanes.stride;
            largest += passes->lanes.stride;
            chunk_end = attention_chunk_end(chunk_end, passes->end);
        }
    }
}

static inline __attribute__((always_inline)) void heads_coefficients(const struct passes *passes, uint32_t way)
{
    const struct attention_lanes *lanes = &passes->lanes;
    struct attention_head head = attention_head(passes->task);
    uint32_t lane = 0;
    for (uint32_t i = 0; i < passes->task->count; i++) {
        value_ratios(passes, &head, lanes->v_largest[lane], way);
        for (uint32_t j = 0; j < passes->queries; j++, lane++) {
            head_coefficients(passes, &head, lanes->largest + lane, lanes->sum + lane, lanes->factor[lane], way);
            attention_next(&head, passes->shape, 1);
        }
        attention_next_kv(&head, passes->shape);
    }
}

static __attribute__((noinline)) void compute_coefficients(const struct passes *passes)
{
    heads_coefficients(passes, 0);
}

/* Turns the largest scores of the chunks of WIDTH heads into the scales of their sums. */
static inline void weigh_lanes(const struct attention_lanes *lanes, uint32_t lane, uint32_t chunks)
{
    const floats unit = VECTOR(set1_ps)(1.0f / (1 << ATTENTION_POWER_BITS));
    const floats factor = VECTOR(mul_ps)(VECTOR(load_ps)(lanes->factor + lane), unit);
    float *chunk = lanes->largest + lane, *sum = lanes->sum + lane;
    floats largest = VECTOR(load_ps)(chunk), total = VECTOR(set1_ps)(0);
    for (uint32_t i = 1; i < chunks; i++) {
        largest = VECTOR(max_ps)(VECTOR(load_ps)(chunk + i * lanes->stride), largest);
    }
    for (uint32_t i = 0; i < chunks; i++) {
        const floats distance = VECTOR(sub_ps)(VECTOR(load_ps)(chunk + i * lanes->stride), largest);
        const floats power = exp2_floats(VECTOR(mul_ps)(distance, factor));
        total = VECTOR(add_ps)(total, VECTOR(mul_ps)(VECTOR(load_ps)(sum + i * lanes->stride), power));
        VECTOR(store_ps)(chunk + i * lanes->stride, power);
    }
    const floats share = VECTOR(div_ps)(VECTOR(load_ps)(lanes->v_largest + lane), total);
    for (uint32_t i = 0; i < chunks; i++) {
        const floats power = VECTOR(load_ps)(chunk + i * lanes->stride);
        VECTOR(store_ps)(chunk + i * lanes->stride, VECTOR(mul_ps)(power, share));
    }
}

static __attribute__((noinline)) void weigh_chunks(const struct passes *passes)
{
    uint32_t chunks = 0;
    for (uint32_t t = passes->begin; t < passes->end; t = attention_chunk_end(t, passes->end)) {
        chunks++;
    }
    for (uint32_t lane = 0; lane < passes->task->count * passes->queries; lane += WIDTH) {
        weigh_lanes(&passes->lanes, lane, chunks);
    }
}

/* out[0..count) = four, or += where `add` is set. */
static inline void store_first(float *out, __m128 four, uint32_t count, bool add)
{
    const union {
        __m128 vector;
        float element[4];
    } all = {four};
    if (count >= 4) {
        _mm_storeu_ps(out, add ? _mm_add_ps(_mm_loadu_ps(out), four) : four);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        out[i] = add ? out[i] + all.element[i] : all.element[i];
    }
}

/* A chunk's sums of VALUE_DIMS dimensions, from `dimension` on, for `count` heads of one KV head, a constant. */
static inline __attribute__((always_inline)) void some_values(ints sum[VALUE_QUERIES][VALUE_DIMS],
                                                              const struct attention_head *head, uint32_t count,
                                                              const struct attention *shape, uint32_t dimension,
                                                              uint32_t first, uint32_t end)
{
    const size_t block = (size_t)shape->head_stride * KV_BLOCK, context = shape->context;
    const int16_t *v = head->v + kv_value_index(shape->head_stride, first, dimension);
#pragma GCC unroll 4
    for (uint32_t q = 0; q < count; q++) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < VALUE_DIMS; i++) {
            sum[q][i] = VECTOR(set1_epi32)(0);
        }
    }
    for (uint32_t t = first; t < end; t += KV_BLOCK, v += block) {
#pragma GCC unroll 1
        for (uint32_t part = 0; part < KV_BLOCK; part += SHORTS) {
            ints coefficients[VALUE_QUERIES];
#pragma GCC unroll 4
            for (uint32_t q = 0; q < count; q++) {
                coefficients[q] = ints_load((const int16_t *)(head->scores + q * context) + t + part);
            }
#pragma GCC unroll 8
            for (uint32_t i = 0; i < VALUE_DIMS; i++) {
                const int16_t *values = v + i * KV_BLOCK + part;
#pragma GCC unroll 4
                for (uint32_t q = 0; q < count; q++) {
                    sum[q][i] = ints_madd_at(sum[q][i], values, coefficients[q]);
                }
            }
        }
    }
}

/* Adds a chunk's values to out, or stores them if it is the first. */
static inline __attribute__((always_inline)) void chunk_values(const struct attention_head *head, uint32_t count,
                                                               const struct attention *shape, uint32_t first,
                                                               uint32_t end, const float *scale, bool add)
{
    for (uint32_t i = 0; i < shape->head_size; i += VALUE_DIMS) {
        const uint32_t left = shape->head_size - i;
        ints sum[VALUE_QUERIES][VALUE_DIMS];
        some_values(sum, head, count, shape, i, first, end);
#pragma GCC unroll 4
        for (uint32_t q = 0; q < count; q++) {
#pragma GCC unroll 2
            for (uint32_t j = 0; j < VALUE_DIMS; j += 4) {
                const __m128i four = sum_four(sum[q][j], sum[q][j + 1], sum[q][j + 2], sum[q][j + 3]);
                store_first(head->out + q * shape->head_size + i + j,
                            _mm_mul_ps(_mm_cvtepi32_ps(four), _mm_set1_ps(scale[q])), left > j ? left - j : 0, add);
            }
        }
    }
}

/* The outputs of `count` heads of one KV head, a constant; scale as in the lanes. */
static inline __attribute__((always_inline)) void
heads_values(const struct passes *passes, const struct attention_head *head, uint32_t count, const float *scale)
{
    for (uint32_t t = passes->begin, end; t < passes->end; t = end, scale += passes->lanes.stride) {
        end = attention_chunk_end(t, passes->end);
        chunk_values(head, count, passes->shape, t, end, scale, t > passes->begin);
    }
}

static __attribute__((noinline)) void sum_values(const struct passes *passes)
{
    struct attention_head head = attention_head(passes->task);
    const float *scale = passes->lanes.largest;
    for (uint32_t i = 0; i < passes->task->count; i++) {
        uint32_t left = passes->queries;
        for (; VALUE_QUERIES > 1 && left >= VALUE_QUERIES; left -= VALUE_QUERIES, scale += VALUE_QUERIES) {
            heads_values(passes, &head, VALUE_QUERIES, scale);
            attention_next(&head, passes->shape, VALUE_QUERIES);
        }
        for (; left > 0; left--, scale++) {
            heads_values(passes, &head, 1, scale);
            attention_next(&head, passes->shape, 1);
        }
        attention_next_kv(&head, passes->shape);
    }
}

static inline void attention_by(const struct attention_task *task, void (*coefficients)(const struct passes *))
{
    const struct attention *shape = &task->shape;
    const struct passes passes = {task,
                                  shape,
                                  attention_prepare(task),
                                  attention_begin(shape),
                                  attention_first(shape),
                                  attention_padded(shape),
                                  attention_queries(shape)};
    score_heads(&passes);
    coefficients(&passes);
    weigh_chunks(&passes);
    sum_values(&passes);
}

static void attention(const struct attention_task *task)
{
    attention_by(task, compute_coefficients);
}

#endif
