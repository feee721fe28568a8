/*
 * The float part of products with four-bit tiles, of SSE2, AVX2 and AVX-VNNI. AVX-512 has its own: it multiplies with
 * other sums.
 *
 * A .c file includes this after defining VECTOR, floats and ints as for x86_vector.h and
 *   load_halves(p)     f16 numbers, a vector of them
 *   load_factors(p)    bytes
 */
#ifndef BOOTLLAMA_X86_Q4_SCALES_H
#define BOOTLLAMA_X86_Q4_SCALES_H

#include "kernel/narrow_tiles.h"

/* A vector of a tile's rows: their scales, and the values of n = 0 (not with Q4_SCALE). */
struct scales {
    floats scale, minimum;
};

static inline struct scales scales_q4(const struct q4_place *place, enum narrow_kind kind, uint32_t row)
{
    const struct q4_tile *tile = place->tile;
    if (kind == Q4_FACTORS) {
        const floats minimum =
            VECTOR(mul_ps)(load_halves(place->super->minimum + row), load_factors(tile->minimum_factor + row));
        return (struct scales){
            VECTOR(mul_ps)(load_halves(place->super->scale + row), load_factors(tile->scale_factor + row)),
            VECTOR(sub_ps)(VECTOR(setzero_ps)(), minimum)};
    }
    return (struct scales){load_halves(tile->scale + row),
                           kind == Q4_MINIMUM ? load_halves(tile->minimum + row) : VECTOR(setzero_ps)()};
}

/* Adds a group's products for the rows: `dot` without the offset, `total` the sum of the activations. */
static inline floats add_scaled_q4(floats sum, ints dot, struct scales w, enum narrow_kind kind, int32_t total,
                                   float x_scale)
{
    if (kind == Q4_SCALE) {
        const ints centred = VECTOR(sub_epi32)(dot, VECTOR(set1_epi32)(Q4_OFFSET * total));
        const floats scale = VECTOR(mul_ps)(w.scale, VECTOR(set1_ps)(x_scale));
        return VECTOR(add_ps)(sum, VECTOR(mul_ps)(VECTOR(cvtepi32_ps)(centred), scale));
    }
    const floats below = VECTOR(mul_ps)(w.minimum, VECTOR(set1_ps)((float)total));
    const floats group = VECTOR(add_ps)(VECTOR(mul_ps)(VECTOR(cvtepi32_ps)(dot), w.scale), below);
    return VECTOR(add_ps)(sum, VECTOR(mul_ps)(group, VECTOR(set1_ps)(x_scale)));
}

#endif
