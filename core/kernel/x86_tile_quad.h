/*
 * The tile of the AVX kernels: four neighbouring columns of a row together, scales as f16; 1088 bytes, 17 cache lines.
 * With VNNI, whose instructions take unsigned by signed bytes, 128 is added to every weight. That adds 128 * sum(x) to
 * every row alike, so every sum starts at the negative of that.
 */
#ifndef BOOTLLAMA_X86_TILE_QUAD_H
#define BOOTLLAMA_X86_TILE_QUAD_H

#include <immintrin.h>

#include "base/half.h"
#include "kernel/kernel.h"

enum { QUADS = Q8_GROUP / 4, BIAS = 128 };

struct tile_quad {
    int8_t q[QUADS][Q8_GROUP][4]; /* [column / 4][row][column % 4] */
    uint16_t scale[Q8_GROUP];     /* f16 bits */
};
_Static_assert(sizeof(struct tile_quad) == 17 * KERNEL_ALIGNMENT, "a tile is whole cache lines");

/* A group of activations as AVX2's matmul reads it, four columns together. */
struct signed_group {
    int32_t magnitude[QUADS];
    int32_t negative[QUADS]; /* a byte is -1 where the activation is negative */
    int32_t total;           /* the sum of the activations */
    int32_t unused[QUADS - 1];
};

#define HIDDEN __attribute__((visibility("hidden")))

/* tile_pack and tile_row of the kernels with VNNI, in x86_avx2.c: AVX2 is enough for them. */
HIDDEN void biased_tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride);
HIDDEN void biased_tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP], float *scale);

/* The products of AVX-VNNI, compiled for it in x86_avxvnni.c. */
HIDDEN void avxvnni_matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                           uint32_t count, bool add);
HIDDEN void avxvnni_matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                                  uint32_t count, bool add);

/* And its passes of attention (x86_attention_products.h). */
struct passes;
HIDDEN void avxvnni_score_heads(const struct passes *passes);
HIDDEN void avxvnni_sum_values(const struct passes *passes);

/* Asks for two cache lines a page behind a tile: the processor's own prefetcher stops at the end of a page. */
static inline void tile_prefetch(const struct tile_quad *tile)
{
    enum { PAGE = 4096, LINE = 64 };
    _mm_prefetch((const char *)tile + PAGE, _MM_HINT_T0);
    _mm_prefetch((const char *)tile + PAGE + LINE, _MM_HINT_T0);
}

#endif
