/*
 * The definition of the model's arithmetic, and the kernel of a 486. Every other kernel gives the same bits.
 *
 * A tile is int8 [row][column], then a scale for each row as f32. Functions marked cold are optimized for size: a token
 * spends little time in them.
 */
#include "base/exp2.h"
#include "kernel/kernel.h"
#include "base/memory.h"

struct tile {
    int8_t q[Q8_GROUP][Q8_GROUP];
    float scale[Q8_GROUP];
};

/* A group of activations as matmul reads it. */
struct wide_group {
    int16_t x[Q8_GROUP];
};

static __attribute__((cold)) void tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct tile *tile = (struct tile *)bytes;
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        for (uint32_t column = 0; column < Q8_GROUP; column += 4) {
            *(uint32_t *)&tile->q[row][column] = q8_0_four(block->q + column);
        }
        tile->scale[row] = half_to_float(block->scale);
    }
}

static __attribute__((cold)) void blocks_quantize(struct q8_0_block *out, const void *x, bool halves,
                                                  const float *scale, uint32_t groups)
{
    const uint8_t *next = x;
    for (uint32_t group = 0; group < groups; group++, out++) {
        float part[Q8_GROUP];
        if (halves) {
            uint16_t half[Q8_GROUP];
            memcpy(half, next, sizeof half);
            for (uint32_t i = 0; i < Q8_GROUP; i++) {
                part[i] = half_to_float(half[i]);
            }
        } else {
            memcpy(part, next, sizeof part);
        }
        next += Q8_GROUP * (halves ? sizeof(uint16_t) : sizeof *part);
        const float by = scale != NULL ? scale[group] : q8_0_scale(q8_0_largest(part, Q8_GROUP));
        out->scale = q8_0_quantize_by(out->q, part, Q8_GROUP, by);
    }
}

static void tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP], float *scale)
{
    const struct tile *tile = (const struct tile *)bytes;
    memcpy(q, tile->q[row], Q8_GROUP);
    *scale = tile->scale[row];
}

/* A compiler that may use SSE2 makes vectors of this. */
static inline int32_t dot_of(const int8_t *w, const int16_t *x, uint32_t n)
{
    int32_t dot = 0;
    for (uint32_t i = 0; i < n; i++) {
        dot += w[i] * x[i];
    }
    return dot;
}

static inline int32_t dot_group(const int8_t *w, const int16_t *x)
{
    return dot_of(w, x, Q8_GROUP);
}

enum { ROWS_AT_ONCE = 4 }; /* whose sums fit into registers */

/* Some rows of a row of tiles, from `row` on, by one vector. */
static void multiply(float *out, const struct tile *tile, uint32_t groups, uint32_t row, const struct q8_vector *x,
                     bool add)
{
    const struct wide_group *wide = (const struct wide_group *)x->form;
    float sum[ROWS_AT_ONCE] = {0};
    for (uint32_t group = 0; group < groups; group++, tile++) {
        const float scale = x->scale[group];
#pragma GCC unroll 4
        for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
            const int32_t dot = dot_group(tile->q[row + i], wide[group].x);
            sum[i] += (float)dot * (tile->scale[row + i] * scale);
        }
    }
#pragma GCC unroll 4
    for (uint32_t i = 0; i < ROWS_AT_ONCE; i++) {
        out[row + i] = add ? out[row + i] + sum[i] : sum[i];
    }
}

/* Where the compiler makes vectors of their sums, these fit into registers; elsewhere a weight is still loaded once. */
enum { VECTORS_AT_ONCE = sizeof(void *) > 4 ? 8 : 4 };

/* A group of some vectors. */
struct some_groups {
    const int16_t *x[VECTORS_AT_ONCE];
    float scale[VECTORS_AT_ONCE];
};

static inline struct some_groups some_groups(const struct q8_vector *x, uint32_t group)
{
    struct some_groups some;
    for (uint32_t i = 0; i < VECTORS_AT_ONCE; i++) {
        some.x[i] = ((const struct wide_group *)x[i].form)[group].x;
        some.scale[i] = x[i].scale[group];
    }
    return some;
}

/* Adds a row's products with a group of some vectors. */
static inline void add_products(float sum[VECTORS_AT_ONCE], const int8_t *w, float scale,
                                const struct some_groups *some)
{
    int32_t dot[VECTORS_AT_ONCE] = {0};
    for (uint32_t i = 0; i < Q8_GROUP; i++) {
#pragma GCC unroll 8
        for (uint32_t j = 0; j < VECTORS_AT_ONCE; j++) {
            dot[j] += w[i] * some->x[j][i];
        }
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < VECTORS_AT_ONCE; j++) {
        sum[j] += (float)dot[j] * (scale * some->scale[j]);
    }
}

/* A row of tiles by some vectors. */
static void multiply_some(float *out, size_t out_stride, const struct tile *tile, uint32_t groups,
                          const struct q8_vector *x, bool add)
{
    float sum[Q8_GROUP][VECTORS_AT_ONCE] = {{0}};
    for (uint32_t group = 0; group < groups; group++, tile++) {
        const struct some_groups some = some_groups(x, group);
        for (uint32_t row = 0; row < Q8_GROUP; row++) {
            add_products(sum[row], tile->q[row], tile->scale[row], &some);
        }
    }
    for (uint32_t i = 0; i < VECTORS_AT_ONCE; i++, out += out_stride) {
        for (uint32_t row = 0; row < Q8_GROUP; row++) {
            out[row] = add ? out[row] + sum[row][i] : sum[row][i];
        }
    }
}

/* Rounds to the nearest integer, ties to even; |value| < 2^31. */
static int32_t round_to_int(float value)
{
    return (int32_t)__builtin_lrintf(value);
}

/* The bits of the largest magnitude in x [n]: they order like magnitudes, infinity and NaN on top. */
static uint32_t largest_magnitude(const float *x, uint32_t n)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t magnitude = float_bits(x[i]) & 0x7FFFFFFF;
        largest = magnitude > largest ? magnitude : largest;
    }
    return largest;
}

/* Quantizes one group, x [Q8_GROUP]; returns its scale. */
static __attribute__((cold)) float quantize_group(struct q8_vector *out, uint32_t group, const float *x)
{
    int8_t *q = out->q + group * Q8_GROUP;
    int16_t *wide = ((struct wide_group *)out->form)[group].x;
    const uint32_t largest = largest_magnitude(x, Q8_GROUP);
    out->sum[group] = 0;
    if (largest < Q8_SMALLEST || largest >= Q8_LIMIT) {
        memset(q, 0, Q8_GROUP);
        memset(wide, 0, Q8_GROUP * sizeof *wide);
        return largest < Q8_SMALLEST ? 0.0f : float_from_bits(FLOAT_NAN);
    }
    const float inverse = 127.0f / float_from_bits(largest);
    for (uint32_t i = 0; i < Q8_GROUP; i++) {
        const int32_t whole = round_to_int(x[i] * inverse);
        q[i] = (int8_t)whole;
        wide[i] = (int16_t)whole;
        out->sum[group] += whole;
    }
    return float_from_bits(largest) * Q8_STEP;
}

static __attribute__((cold)) void quantize(struct q8_vector *out, const float *x, uint32_t groups)
{
    for (uint32_t group = 0; group < groups; group++) {
        out->scale[group] = quantize_group(out, group, x + group * Q8_GROUP);
    }
}

/* The tree that joins partial sums. */
static float sum_lanes(float lane[KERNEL_LANES])
{
    for (uint32_t half = KERNEL_LANES / 2; half > 0; half /= 2) {
        for (uint32_t i = 0; i < half; i++) {
            lane[i] += lane[i + half];
        }
    }
    return lane[0];
}

static __attribute__((cold)) float inverse_rms(const float *x, uint32_t n, float epsilon)
{
    float lane[KERNEL_LANES] = {0};
    for (uint32_t i = 0; i < n; i++) {
        lane[i % KERNEL_LANES] += x[i] * x[i];
    }
    return q8_inverse_rms(sum_lanes(lane) / (float)(int32_t)n, epsilon);
}

static __attribute__((cold)) void norm(float *out, const float *x, const float *weight, uint32_t n, float epsilon,
                                       bool add)
{
    const float inverse = inverse_rms(x, n, epsilon);
    for (uint32_t i = 0; i < n; i++) {
        const float normal = x[i] * inverse * weight[i];
        out[i] = add ? out[i] + normal : normal;
    }
}

static __attribute__((cold)) void norm_quantize(struct q8_vector *out, const float *x, const float *weight, uint32_t n,
                                                float epsilon)
{
    const float inverse = inverse_rms(x, n, epsilon);
    for (uint32_t group = 0; group * Q8_GROUP < n; group++) {
        float weighted[Q8_GROUP];
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            weighted[i] = x[group * Q8_GROUP + i] * weight[group * Q8_GROUP + i];
        }
        const float scale = quantize_group(out, group, weighted);
        out->scale[group] = q8_normalized_scale(scale, inverse);
    }
}

static __attribute__((cold)) void swiglu(float *out, const float *gate, const float *up, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const float decay = exp2_single(gate[i] * -LOG2_E);
        out[i] = gate[i] / (1.0f + decay) * up[i];
    }
}

static __attribute__((cold)) void geglu(float *out, const float *gate, const float *up, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        const float decay = exp2_single(gate[i] * (gate[i] * gate[i] * KERNEL_GELU_CUBIC + KERNEL_GELU_LINEAR));
        out[i] = gate[i] / (1.0f + decay) * up[i];
    }
}

static __attribute__((cold)) float exponentials(float *x, uint32_t n, float factor)
{
    float largest = x[0], lane[KERNEL_LANES] = {0};
    for (uint32_t i = 1; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
    }
    for (uint32_t i = 0; i < n; i++) {
        x[i] = exp2_single((x[i] - largest) * factor);
        lane[i % KERNEL_LANES] += x[i];
    }
    return sum_lanes(lane);
}

static __attribute__((cold)) void rotate(float *x, const float *cosine, const float *sine, uint32_t n)
{
    for (uint32_t i = 0; i < n; i += 2) {
        const float even = x[i], odd = x[i + 1];
        x[i] = even * cosine[i] + odd * sine[i];
        x[i + 1] = odd * cosine[i + 1] + even * sine[i + 1];
    }
}

#include "kernel/scalar_attention.h"

static void matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add)
{
    const struct tile *tile = (const struct tile *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP, tile += w->groups) {
        uint32_t i = 0;
        for (; i + VECTORS_AT_ONCE <= count; i += VECTORS_AT_ONCE) {
            multiply_some(out + i * out_stride, out_stride, tile, w->groups, x + i, add);
        }
        for (; i < count; i++) {
            for (uint32_t row = 0; row < Q8_GROUP; row += ROWS_AT_ONCE) {
                multiply(out + i * out_stride, tile, w->groups, row, x + i, add);
            }
        }
    }
}

enum { NARROW_VECTORS = 16 };

/* A tile of four or six bits in whole numbers, and its scales. */
struct unpacked {
    int8_t q[Q8_GROUP][Q8_GROUP];
    float scale[Q8_GROUP], minimum[Q8_GROUP];
    const int8_t (*factor)[Q8_GROUP]; /* [2], with Q6_FACTORS */
};

static void unpack_q4(struct unpacked *out, struct q4_place *place, enum narrow_kind kind, uint32_t group)
{
    q4_next(place, kind, group);
    const int32_t offset = kind == Q4_SCALE ? Q4_OFFSET : 0;
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        for (uint32_t i = 0; i < Q8_GROUP / 2; i++) {
            const int32_t both = place->tile->low[i / 4][row][i % 4];
            out->q[row][i] = (int8_t)((both & 15) - offset);
            out->q[row][i + Q8_GROUP / 2] = (int8_t)((both >> 4) - offset);
        }
        out->scale[row] = q4_scale(place, kind, row, &out->minimum[row]);
    }
}

static void unpack_q6(struct unpacked *out, const struct q6_super *super, uint32_t index)
{
    const struct q6_tile *tile = &super->tile[index];
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        for (uint32_t i = 0; i < Q8_GROUP / 4; i++) {
            *(uint32_t *)&out->q[row][4 * i] = q6_four(tile, row, i / NARROW_QUADS, i % NARROW_QUADS);
        }
        out->scale[row] = half_to_float(super->scale[row]);
    }
    out->factor = tile->factor;
}

/* A row's product with a group of activations. */
static int32_t dot_narrow(const struct unpacked *tile, enum narrow_kind kind, uint32_t row, const int16_t *x)
{
    const int8_t *q = tile->q[row];
    if (kind != Q6_FACTORS) {
        return dot_group(q, x);
    }
    return tile->factor[0][row] * dot_of(q, x, NARROW_HALF) +
           tile->factor[1][row] * dot_of(q + NARROW_HALF, x + NARROW_HALF, NARROW_HALF);
}

/* Adds one group's products with one vector to sum [Q8_GROUP]. */
static void add_group(float *sum, const struct unpacked *tile, enum narrow_kind kind, const struct q8_vector *x,
                      uint32_t group)
{
    const int16_t *wide = ((const struct wide_group *)x->form)[group].x;
    const float scale = x->scale[group], total = (float)x->sum[group];
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        const float dot = (float)dot_narrow(tile, kind, row, wide);
        if (kind == Q4_SCALE || kind == Q6_FACTORS) {
            sum[row] += dot * (tile->scale[row] * scale);
        } else {
            sum[row] += (dot * tile->scale[row] + tile->minimum[row] * total) * scale;
        }
    }
}

/* One row of tiles by at most NARROW_VECTORS vectors. */
static void multiply_narrow(float *out, size_t out_stride, const uint8_t *tiles, const struct q8_matrix *w,
                            const struct q8_vector *x, uint32_t count, bool add)
{
    float sum[NARROW_VECTORS][Q8_GROUP] = {{0}};
    struct q4_place place = {.tile = (const struct q4_tile *)tiles};
    for (uint32_t group = 0; group < w->groups; group++) {
        struct unpacked tile;
        if (w->narrow == Q6_FACTORS) {
            unpack_q6(&tile, (const struct q6_super *)tiles + group / NARROW_SUPER, group % NARROW_SUPER);
        } else {
            unpack_q4(&tile, &place, w->narrow, group);
        }
        for (uint32_t i = 0; i < count; i++) {
            add_group(sum[i], &tile, w->narrow, x + i, group);
        }
    }
    for (uint32_t i = 0; i < count; i++, out += out_stride) {
        for (uint32_t row = 0; row < Q8_GROUP; row++) {
            out[row] = add ? out[row] + sum[i][row] : sum[i][row];
        }
    }
}

static void matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                          uint32_t count, bool add)
{
    const uint8_t *tiles = w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP) {
        for (uint32_t i = 0; i < count; i += NARROW_VECTORS) {
            const uint32_t left = count - i;
            multiply_narrow(out + i * out_stride, out_stride, tiles, w, x + i,
                            left < NARROW_VECTORS ? left : NARROW_VECTORS, add);
        }
        tiles += narrow_row_bytes(w->narrow, w->groups);
    }
}

KERNEL_DEFINE(scalar, struct tile, sizeof(struct wide_group));
