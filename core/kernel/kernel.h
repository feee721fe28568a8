/*
 * The arithmetic of the model: one definition, several implementations that give the same bits.
 *
 * scalar.c is the definition; a kernel that differs from it in one bit is wrong. What makes that possible:
 *  - int8 x int8 products are summed in int32, exactly, so their order is free;
 *  - every float operation is one IEEE single precision operation in the order written there, never fused;
 *  - long float sums run in LANES partial sums, element i in lane i % LANES in ascending order, joined as a tree:
 *    lane l with l + 8, then l + 4, l + 2, l + 1.
 *
 * Weights lie in tiles of 32 rows x 32 columns, an f16 scale for each row of a tile (the block of GGUF's Q8_0). How a
 * tile's bytes are arranged is the kernel's own choice. Rows and columns are padded with zeros to whole tiles.
 */
#ifndef BOOTLLAMA_KERNEL_H
#define BOOTLLAMA_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/attention.h"
#include "kernel/cpu.h"
#include "base/half.h"
#include "base/q8_0.h"

enum {
    GROUP = 32,     /* columns that share a scale; rows and columns of a tile */
    LANES = 16,     /* partial sums of a float reduction */
    ALIGNMENT = 64, /* of tiles, vectors and the KV cache, bytes */
};
_Static_assert((int)GROUP == (int)Q8_0_BLOCK, "a group of columns is a block of the file");

/*
 * Limits that keep every number between quantizations in the normal range of single precision, whatever the weights:
 * beyond it x87, whose registers have a wider range, would go another way than SSE. No model that works comes near
 * them. What is too small counts as zero; what is too large becomes NaN, which spreads to all logits.
 *
 * A scale of activations after a norm is at most 2^8, one of weights below 2^16, a dot product of 32 at most 2^19, a
 * row has fewer than 2^15 groups: what a matrix makes of them is below 2^58. It is 0 or at least 2^-107, a multiple of
 * the last place of the smallest product of scales, 2^-60 * 2^-24: a gate's half is no subnormal number. Queries, keys
 * and values count from 2^-40 on (ROW_SMALLEST). What attention and SwiGLU round as subnormal numbers is far below
 * 2^-94.
 */
#define QUANTIZE_SMALLEST 0x10800000u /* bits of 2^-94: a group below it is taken as zeros */
#define QUANTIZE_LIMIT 0x5D800000u    /* bits of 2^60: a group with a magnitude from it on gets the scale NaN */
#define SCALE_SMALLEST 0x1p-60f       /* of a group after a norm; below, it is 0 */
#define SCALE_LARGEST 0x1p8f          /* of a group after a norm */
#define MEAN_LIMIT 0x1p100f           /* of squares, in a norm */
#define EPSILON_SMALLEST 0x1p-80f     /* of a norm */
#define QUANTIZE_STEP (1.0f / 127.0f) /* one step of q as a part of the group's largest magnitude */

/* 1 / rms from the mean of the squares, or NaN. */
static inline float inverse_rms(float mean, float epsilon)
{
    return mean < MEAN_LIMIT ? 1.0f / __builtin_sqrtf(mean + epsilon) : float_from_bits(FLOAT_NAN);
}

/* The scale of a normalized group: 0 where it is too small, NaN where it is too large or was NaN. */
static inline float normalized_scale(float scale, float inverse)
{
    const float product = scale * inverse;
    return product < SCALE_SMALLEST ? 0.0f : product <= SCALE_LARGEST ? product : float_from_bits(FLOAT_NAN);
}

static inline uint32_t round_up(uint32_t n, uint32_t step)
{
    return (n + step - 1) / step * step;
}

/* A matrix of quantized weights. */
struct matrix {
    uint32_t rows, cols; /* as the model has them */
    uint32_t row_tiles;  /* rows / GROUP, rounded up */
    uint32_t groups;     /* cols / GROUP, rounded up */
    uint8_t *tiles;      /* [row_tiles][groups][kernel->tile_bytes]; not owned */
};

/* A quantized vector of `groups` * GROUP elements; element i is about q[i] * scale[i / GROUP]. Not owned. */
struct q8_vector {
    int8_t *q;     /* [groups * GROUP], -127..127 */
    int32_t *wide; /* [groups * GROUP] room for the same numbers in the form that the kernel's matmul reads */
    int32_t *sum;  /* [groups] from the sum of a group's q, where the kernel's matmul needs it */
    float *scale;  /* [groups] */
};

struct kernel {
    const char *name; /* "scalar", "sse2", "avx2", "avxvnni", "avx512vnni" */
    uint32_t tile_bytes;

    /* Arranges one tile: row r is block[r * stride], its scale finite. -128 counts as -127: matmul relies on it. */
    void (*tile_pack)(uint8_t *tile, const struct q8_0_block *block, size_t stride);

    /* Gives back one row of a tile: q [GROUP] and its scale. */
    void (*tile_row)(const uint8_t *tile, uint32_t row, int8_t q[GROUP], float *scale);

    /* For each of `count` >= 1 vectors x[i], a row of `out` that begins at out + i * out_stride (in floats):
       row[r] = W[r] . x[i] for all padded rows [row_tiles * GROUP], or row[r] += where `add` is set. A vector's result
       does not depend on the others, nor a row tile's: whoever splits the work passes a matrix of some of the tiles. */
    void (*matmul)(float *out, size_t out_stride, const struct matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add);

    /* Quantizes x [groups * GROUP]. A group whose largest magnitude is below 2^-94 becomes zeros; a group with one of
       2^60 or more, infinity and NaN among them, gets the scale NaN. */
    void (*quantize)(struct q8_vector *out, const float *x, uint32_t groups);

    /* RMSNorm (Zhang and Sennrich 2019) and quantization in one: quantizes x * weight and puts 1 / rms on the scales.
       x, weight [n rounded up to GROUP], zero beyond n. epsilon >= EPSILON_SMALLEST. */
    void (*norm_quantize)(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon);

    /* out = silu(gate) * up, each [n], n a multiple of GROUP. out may be gate. */
    void (*swiglu)(float *out, const float *gate, const float *up, uint32_t n);

    /* RoPE: turns the pairs of x [n], n a multiple of LANES, by rope_angles' cosine and sine [n]. */
    void (*rotate)(float *x, const float *cosine, const float *sine, uint32_t n);

    /* Quantizes x [n], n a multiple of GROUP, to whole numbers of at most `range` <= KEY_RANGE in magnitude. Returns
       their scale: 0 where all of x is below 2^-40, NaN where one is 2^60 or more or is no number. */
    float (*row_quantize)(int16_t *out, const float *x, uint32_t n, float range);

    /* The steps of attention (attention.h), by whole blocks of positions. Arrays begin with position 0, aligned.
       share[t] = v_scale[t] * inverse_largest rounded, at most SHARE_MAX (of positions to come anything), in the order
       of value_slot; n positions. */
    void (*value_shares)(int16_t *share, const float *v_scale, float inverse_largest, uint32_t n);

    /* Scores of one head's query with the keys first .. end - 1 of its KV head; minus infinity or NaN for positions to
       come. Returns the largest, which is never NaN. */
    float (*head_scores)(float *scores, const int16_t *q, const int16_t *k, const float *k_scale,
                         const struct attention *shape, uint32_t first, uint32_t end);

    /* Turns the scores first .. end - 1, a chunk at most, into weights, int16 at weights[t] of (int16_t *)scores in the
       order of value_slot. Chunks come in order. Returns the sum of p. */
    float (*weights)(float *scores, float largest, float factor, const int16_t *share, uint32_t first, uint32_t end);

    /* out [head_size] = the weighted sum of the values first .. end - 1, a chunk at most, * scale; += where first > 0.
       v is one KV head's. */
    void (*head_values)(float *out, const int16_t *weights, const int16_t *v, float scale,
                        const struct attention *shape, uint32_t first, uint32_t end);

    /* x[i] = 2^((x[i] - largest) * factor) where largest is that of x [n], n a multiple of LANES. Returns their sum;
       the largest has become 1. */
    float (*exponentials)(float *x, uint32_t n, float factor);
};

/* Defines a kernel of a file that has the functions above under these names, and a matmul. */
#define DEFINE_KERNEL(label, tile_type, matmul_function) \
    const struct kernel kernel_##label = {               \
        .name = #label,                                  \
        .tile_bytes = sizeof(tile_type),                 \
        .tile_pack = tile_pack,                          \
        .tile_row = tile_row,                            \
        .matmul = matmul_function,                       \
        .quantize = quantize,                            \
        .norm_quantize = norm_quantize,                  \
        .swiglu = swiglu,                                \
        .rotate = rotate,                                \
        .row_quantize = row_quantize,                    \
        .value_shares = value_shares,                    \
        .head_scores = head_scores,                      \
        .weights = weights,                              \
        .head_values = head_values,                      \
        .exponentials = exponentials,                    \
    }

/* Hidden, so that position-independent code finds them without a table of addresses to relocate. */
extern const struct kernel kernel_scalar __attribute__((visibility("hidden")));
extern const struct kernel kernel_sse2 __attribute__((visibility("hidden")));
extern const struct kernel kernel_avx2 __attribute__((visibility("hidden")));
extern const struct kernel kernel_avxvnni __attribute__((visibility("hidden")));
extern const struct kernel kernel_avx512vnni __attribute__((visibility("hidden")));

enum { KERNELS = 5 };

/* All kernels, slowest first; index 0..KERNELS-1. */
const struct kernel *kernel_at(uint32_t index);

/* Whether a processor can run the kernel. */
bool kernel_usable(const struct kernel *kernel, const struct cpu_features *cpu);

/* The fastest kernel that the processor can run. */
const struct kernel *kernel_best(const struct cpu_features *cpu);

#endif
