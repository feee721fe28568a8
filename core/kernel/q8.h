/*
 * Quantized matrices and vectors, and the limits of every number between quantizations.
 *
 * Weights lie in tiles of 32 rows x 32 columns, an f16 scale for each row of a tile (the block of GGUF's Q8_0). How a
 * tile's bytes are arranged is the kernel's own choice. Rows and columns are padded with zeros to whole tiles.
 */
#ifndef BOOTLLAMA_Q8_H
#define BOOTLLAMA_Q8_H

#include <stddef.h>
#include <stdint.h>

#include "base/float.h"
#include "base/narrow.h"
#include "base/q8_0.h"

enum { Q8_GROUP = 32 }; /* columns that share a scale; rows and columns of a tile */
_Static_assert((int)Q8_GROUP == (int)Q8_0_BLOCK, "a group of columns is a block of the file");

/*
 * Limits that keep every number between quantizations in the normal range of single precision, whatever the weights:
 * outside that range x87, with wider registers, would differ from SSE. No working model comes near them. Smaller
 * numbers count as zero; larger ones become NaN, which spreads to all logits. Biases, and the weights of norms that are
 * not quantized next, are 0 or from 2^-94 to Q8_VECTOR_LARGEST: loading refuses or drops the others.
 *
 * A scale of activations after a norm is at most 2^8, one of weights below 2^16 (of four bits, a minimum as well, below
 * 2^19; of six bits below 2^11), a dot product of 32 at most 2^19 (of four bits below 2^16, of six, with its factors,
 * below 2^24), a row has fewer than 2^15 groups: a matrix product is below 2^58. It is 0 or at least 2^-107, a multiple
 * of the last place of the smallest product of scales, 2^-60 * 2^-24: half of a gate is not a subnormal number.
 * Queries, keys and values count from 2^-40 on (KV_SMALLEST). The numbers that attention and SwiGLU round as subnormal
 * are far below 2^-94.
 */
#define Q8_SMALLEST 0x10800000u       /* bits of 2^-94: a group below it counts as zeros */
#define Q8_LIMIT 0x5D800000u          /* bits of 2^60: a group with such a magnitude or more gets the scale NaN */
#define Q8_VECTOR_LARGEST 0x477FEFFFu /* bits of the largest float that f16 rounds to a finite number */
#define Q8_SCALE_SMALLEST 0x1p-60f    /* of a group after a norm; below, it is 0 */
#define Q8_SCALE_LARGEST 0x1p8f       /* of a group after a norm */
#define Q8_MEAN_LIMIT 0x1p100f        /* of squares, in a norm */
#define Q8_EPSILON_SMALLEST 0x1p-80f  /* of a norm */
#define Q8_STEP (1.0f / 127.0f)       /* one step of q as a part of the group's largest magnitude */

/* 1 / rms from the mean of the squares, or NaN. */
static inline float q8_inverse_rms(float mean, float epsilon)
{
    return mean < Q8_MEAN_LIMIT ? 1.0f / __builtin_sqrtf(mean + epsilon) : float_from_bits(FLOAT_NAN);
}

/* The scale of a normalized group: 0 where it is too small, NaN where it is too large or was NaN. */
static inline float q8_normalized_scale(float scale, float inverse)
{
    const float product = scale * inverse;
    return product < Q8_SCALE_SMALLEST ? 0.0f : product <= Q8_SCALE_LARGEST ? product : float_from_bits(FLOAT_NAN);
}

/* A matrix of weights. */
struct q8_matrix {
    uint32_t rows, cols;          /* as the model has them */
    uint32_t row_tiles;           /* rows / Q8_GROUP, rounded up */
    uint32_t groups;              /* cols / Q8_GROUP, rounded up */
    uint8_t *tiles;               /* [row_tiles][kernel_row_bytes]; not owned */
    enum narrow_kind narrow;      /* NARROW_NONE: the kernel's own tiles of int8; others: those of narrow_tiles.h */
    const struct q8_matrix *next; /* more rows of as many columns, in tiles of another kind, or NULL; not owned */
};

/* A vector of `groups` * Q8_GROUP activations; element i is about q[i] * scale[i / Q8_GROUP]. Not owned. */
struct q8_vector {
    int8_t *q;     /* [groups * Q8_GROUP], -127..127 */
    uint8_t *form; /* [groups][kernel->form_bytes] the same numbers as the kernel's matmul reads them */
    int32_t *sum;  /* [groups] derived from the sum of a group's q, if the kernel's matmul needs it */
    float *scale;  /* [groups] */
};

#endif
