/*
 * The arithmetic of the model: one definition, several implementations that give the same bits.
 *
 * scalar.c is the definition; a kernel that differs from it in one bit is wrong. Three rules make that possible:
 *  - products of int8 and int8, or of int8 and fewer bits, are summed in int32, exactly, so their order is free;
 *  - every float operation is one IEEE single-precision operation in the order written there, never fused;
 *  - long float sums run in KERNEL_LANES partial sums, element i in lane i % KERNEL_LANES in ascending order, joined as
 *    a tree: lane l with l + 8, then l + 4, l + 2, l + 1.
 *
 * kernels.def lists all kernels; README.md says how to add one.
 */
#ifndef BOOTLLAMA_KERNEL_H
#define BOOTLLAMA_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "kernel/attention_rules.h"
#include "kernel/cpu.h"
#include "kernel/narrow_tiles.h"
#include "kernel/q8.h"

enum {
    KERNEL_LANES = 16,     /* partial sums of a float reduction */
    KERNEL_ALIGNMENT = 64, /* of tiles, vectors and the KV cache, bytes */
};

/* The exponent of GELU's decay is gate * (gate^2 * CUBIC + LINEAR): see geglu. */
#define KERNEL_GELU_LINEAR -2.30220818f /* -2 log2(e) sqrt(2 / pi) */
#define KERNEL_GELU_CUBIC -0.102943242f /* * 0.044715 */

struct attention_task;

struct kernel {
    const char *name;    /* as users type it */
    uint32_t tile_bytes; /* of a tile of weights, a multiple of KERNEL_ALIGNMENT */
    uint32_t form_bytes; /* of a group of activations as matmul reads it; 0 = it reads q */

    /* Called on each processor around every stretch in which it calls the functions below; NULL = not needed. They set
       up and restore what the functions need beyond the vector state (a tile configuration, say). */
    void (*begin)(void);
    void (*end)(void);

    /* Arranges one tile: row r is block[r * stride], its scale finite. -128 counts as -127: matmul relies on it. */
    void (*tile_pack)(uint8_t *tile, const struct q8_0_block *block, size_t stride);

    /* Quantizes numbers of a model file by base/q8_0.h: x [groups * Q8_GROUP], f16 if `halves`, else float, at any
       address. A block gets scale[group], or where scale is NULL that of the rule. */
    void (*blocks_quantize)(struct q8_0_block *out, const void *x, bool halves, const float *scale, uint32_t groups);

    /* Reads one row of a tile back: q [Q8_GROUP] and its scale. */
    void (*tile_row)(const uint8_t *tile, uint32_t row, int8_t q[Q8_GROUP], float *scale);

    /* For each of `count` >= 1 vectors x[i], a row of `out` that begins at out + i * out_stride (in floats):
       row[r] = W[r] . x[i] for all padded rows [row_tiles * Q8_GROUP], or row[r] += where `add` is set. A vector's
       result depends on no other vector, and a row tile's on no other tile, so a caller that splits the work passes a
       matrix of some of the tiles. */
    void (*matmul)(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add);

    /* The same for a matrix of tiles of four or six bits (narrow_tiles.h). */
    void (*matmul_narrow)(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                          uint32_t count, bool add);

    /* Quantizes x [groups * Q8_GROUP]. A group with all magnitudes below 2^-94 becomes zeros; a group with a magnitude
       of 2^60 or more, infinity or NaN gets the scale NaN. */
    void (*quantize)(struct q8_vector *out, const float *x, uint32_t groups);

    /* RMSNorm (Zhang and Sennrich 2019) and quantization in one: quantizes x * weight and puts 1 / rms on the scales.
       x, weight [n rounded up to Q8_GROUP], zero beyond n. epsilon >= Q8_EPSILON_SMALLEST. */
    void (*norm_quantize)(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon);

    /* RMSNorm alone: out[i] = x[i] / rms * weight[i], or += where `add` is set; each [n]. out may be x. */
    void (*norm)(float *out, const float *x, const float *weight, uint32_t n, float epsilon, bool add);

    /* out = silu(gate) * up or gelu(gate) * up, each [n], n a multiple of Q8_GROUP. out may be gate. GELU is the form
       with tanh (Hendrycks and Gimpel 2016): x / (1 + e^-2y), y = sqrt(2 / pi) * (x + 0.044715 x^3). */
    void (*swiglu)(float *out, const float *gate, const float *up, uint32_t n);
    void (*geglu)(float *out, const float *gate, const float *up, uint32_t n);

    /* matmul, swiglu and quantize in one for one vector, which overlap then: w has the row tiles of the gate, then as
       many of the up matrix; out, another vector, has a group for each of the gate's. NULL = not there. */
    void (*matmul_swiglu)(struct q8_vector *out, const struct q8_matrix *w, const struct q8_vector *x);

    /* RoPE: turns the pairs of x [n], n a multiple of KERNEL_LANES, by rope_angles' cosine and sine [n]. */
    void (*rotate)(float *x, const float *cosine, const float *sine, uint32_t n);

    /* Quantizes x [heads][size], size even, to integers of magnitude at most `range` <= KV_KEY_RANGE, each head with
       its own scale, largest magnitude * (1 / range): 0 if all are below 2^-40, NaN if one is 2^60 or more or NaN. The
       integers are zeros then. */
    void (*heads_quantize)(int16_t *out, float *scale, const float *x, uint32_t heads, uint32_t size, float range);

    /* Attention as attention_rules.h defines it: see attention.h. */
    void (*attention)(const struct attention_task *task);

    /* x[i] = 2^((x[i] - largest) * factor) where largest is the maximum of x [n], n a multiple of KERNEL_LANES, which
       becomes 1. Returns the sum. */
    float (*exponentials)(float *x, uint32_t n, float factor);
};

/* Defines a kernel from the functions of the same names in its file; `...` may set begin and end. The second form names
   its matrix products, the third one the functions of its tile and its attention as well. */
#define KERNEL_DEFINE(...) KERNEL_DEFINE_WITH(matmul, matmul_narrow, __VA_ARGS__)
#define KERNEL_DEFINE_WITH(product, product_narrow, ...) \
    KERNEL_DEFINE_TILES(tile_pack, tile_row, product, product_narrow, attention, __VA_ARGS__)
#define KERNEL_DEFINE_TILES(pack, row, product, product_narrow, attend, label, tile_type, bytes_of_form, ...) \
    const struct kernel kernel_##label = {.name = #label,                                                     \
                                          .tile_bytes = sizeof(tile_type),                                    \
                                          .form_bytes = bytes_of_form,                                        \
                                          .tile_pack = pack,                                                  \
                                          .blocks_quantize = blocks_quantize,                                 \
                                          .tile_row = row,                                                    \
                                          .matmul = product,                                                  \
                                          .matmul_narrow = product_narrow,                                    \
                                          .quantize = quantize,                                               \
                                          .norm_quantize = norm_quantize,                                     \
                                          .norm = norm,                                                       \
                                          .swiglu = swiglu,                                                   \
                                          .geglu = geglu,                                                     \
                                          .rotate = rotate,                                                   \
                                          .heads_quantize = heads_quantize,                                   \
                                          .attention = attend,                                                \
                                          .exponentials = exponentials,                                       \
                                          __VA_ARGS__}

/* kernel_scalar and so on. Hidden, so that position-independent code finds them without a table of addresses to
   relocate. */
#define KERNEL(name, file, usable, flags) \
    extern const struct kernel kernel_##name __attribute__((visibility("hidden")));
#include "kernel/kernels.def"
#undef KERNEL

enum {
#define KERNEL(name, file, usable, flags) KERNEL_INDEX_##name,
#include "kernel/kernels.def"
#undef KERNEL
    KERNELS, /* their number */
};

/* All kernels, slowest first; index 0..KERNELS-1. */
const struct kernel *kernel_at(uint32_t index);

/* Whether a processor can run the kernel. */
bool kernel_usable(const struct kernel *kernel, const struct cpu_features *cpu);

/* The fastest kernel that the processor can run. */
const struct kernel *kernel_best(const struct cpu_features *cpu);

/* Bytes of a row of tiles. */
size_t kernel_row_bytes(const struct kernel *kernel, enum narrow_kind narrow, uint32_t groups);

/* matmul or matmul_narrow. */
static inline void kernel_matmul(const struct kernel *kernel, float *out, size_t out_stride, const struct q8_matrix *w,
                                 const struct q8_vector *x, uint32_t count, bool add)
{
    (w->narrow != NARROW_NONE ? kernel->matmul_narrow : kernel->matmul)(out, out_stride, w, x, count, add);
}

/* Bracket a stretch of computing on the calling processor. */
void kernel_begin(const struct kernel *kernel);
void kernel_end(const struct kernel *kernel);

#endif
