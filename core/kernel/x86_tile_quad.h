/* The tile of the AVX kernels: four neighbouring columns of a row together, scales as f16; 1088 bytes. */
#ifndef BOOTLLAMA_X86_TILE_QUAD_H
#define BOOTLLAMA_X86_TILE_QUAD_H

#include <immintrin.h>

#include "base/half.h"
#include "kernel/kernel.h"

enum { QUADS = Q8_GROUP / 4 };

struct tile_quad {
    int8_t q[QUADS][Q8_GROUP][4]; /* [column / 4][row][column % 4] */
    uint16_t scale[Q8_GROUP];     /* f16 bits */
};
_Static_assert(sizeof(struct tile_quad) == 17 * KERNEL_ALIGNMENT, "a tile is whole cache lines");

/* Asks for two cache lines a page behind a tile: the processor's own prefetcher stops at the end of a page. */
static inline void tile_prefetch(const struct tile_quad *tile)
{
    enum { PAGE = 4096, LINE = 64 };
    _mm_prefetch((const char *)tile + PAGE, _MM_HINT_T0);
    _mm_prefetch((const char *)tile + PAGE + LINE, _MM_HINT_T0);
}

#endif
