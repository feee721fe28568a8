#include "kernel/narrow_tiles.h"

static void pack_tile(struct q4_tile *tile, enum narrow_kind kind, const struct narrow_block *block, size_t stride)
{
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
            __builtin_memcpy(tile->low[quad][row], block->low + 4 * quad, 4);
        }
        if (kind == Q4_FACTORS) {
            tile->scale_factor[row] = block->scale_factor;
            tile->minimum_factor[row] = block->minimum_factor;
        } else {
            tile->scale[row] = block->scale;
        }
        if (kind == Q4_MINIMUM) {
            tile->minimum[row] = block->minimum;
        }
    }
}

static void pack_super(struct q4_super *super, const struct narrow_block *block, size_t stride)
{
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        super->scale[row] = block->scale;
        super->minimum[row] = block->minimum;
    }
}

void narrow_pack(uint8_t *row_of_tiles, enum narrow_kind kind, const struct narrow_block *block, uint32_t groups)
{
    struct q4_place place = {.tile = (const struct q4_tile *)row_of_tiles};
    for (uint32_t group = 0; group < groups; group++) {
        q4_next(&place, kind, group);
        if (kind == Q4_FACTORS && group % NARROW_SUPER == 0) {
            pack_super((struct q4_super *)place.super, block + group, groups);
        }
        pack_tile((struct q4_tile *)place.tile, kind, block + group, groups);
    }
}

void narrow_row(float *out, const uint8_t *row_of_tiles, enum narrow_kind kind, uint32_t groups, uint32_t row)
{
    const int32_t offset = kind == Q4_SCALE ? Q4_OFFSET : 0;
    struct q4_place place = {.tile = (const struct q4_tile *)row_of_tiles};
    for (uint32_t group = 0; group < groups; group++, out += Q8_GROUP) {
        float minimum;
        q4_next(&place, kind, group);
        const float scale = q4_scale(&place, kind, row, &minimum);
        for (uint32_t i = 0; i < Q8_GROUP / 2; i++) {
            const int32_t both = place.tile->low[i / 4][row][i % 4];
            out[i] = (float)((both & 15) - offset) * scale + minimum;
            out[i + Q8_GROUP / 2] = (float)((both >> 4) - offset) * scale + minimum;
        }
    }
}
