/* The tile of the AVX kernels: four neighbouring columns of a row together, scales as f16; 1088 bytes. */
#ifndef BOOTLLAMA_TILE_QUAD_H
#define BOOTLLAMA_TILE_QUAD_H

#include "half.h"
#include "kernel.h"

enum { QUADS = GROUP / 4 };

struct tile_quad {
    int8_t q[QUADS][GROUP][4]; /* [column / 4][row][column % 4] */
    uint16_t scale[GROUP];     /* f16 bits */
};
_Static_assert(sizeof(struct tile_quad) == 17 * ALIGNMENT, "a tile is whole cache lines");

/* The two functions of struct kernel. TILE_FLIP, defined by the including file, is exclusive-ored to every byte: 0x80
   turns a signed q into q + 128 unsigned. A tile is packed by words, which is fast under emulation, too. */
static __attribute__((cold)) void tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct tile_quad *tile = (struct tile_quad *)bytes;
    for (uint32_t row = 0; row < GROUP; row++, block += stride) {
#pragma GCC unroll 8
        for (uint32_t quad = 0; quad < QUADS; quad++) {
            *(uint32_t *)tile->q[quad][row] = q8_0_four(block->q + 4 * quad) ^ TILE_FLIP * 0x01010101u;
        }
        tile->scale[row] = block->scale;
    }
}

static __attribute__((cold)) void tile_row(const uint8_t *bytes, uint32_t row, int8_t q[GROUP], float *scale)
{
    const struct tile_quad *tile = (const struct tile_quad *)bytes;
    for (uint32_t column = 0; column < GROUP; column++) {
        q[column] = (int8_t)(tile->q[column / 4][row][column % 4] ^ TILE_FLIP);
    }
    *scale = half_to_float(tile->scale[row]);
}

#endif
