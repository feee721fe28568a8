/* The tile of the AVX kernels: four neighbouring columns of a row together, scales as f16; 1088 bytes, 17 cache lines. */
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

/* The two functions of struct kernel. TILE_FLIP, defined by the including file, is exclusive-ored to every byte: 0x80 turns a
   signed q into q + 128 unsigned. */
static __attribute__((cold)) void tile_pack(uint8_t *bytes, const int8_t q[GROUP][GROUP], const uint16_t scale[GROUP])
{
    struct tile_quad *tile = (struct tile_quad *)bytes;
    for (uint32_t row = 0; row < GROUP; row++) {
        for (uint32_t column = 0; column < GROUP; column++) {
            tile->q[column / 4][row][column % 4] = (int8_t)(q[row][column] ^ TILE_FLIP);
        }
        tile->scale[row] = scale[row];
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
