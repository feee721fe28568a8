#include "kernel/narrow_tiles.h"

size_t narrow_row_bytes(enum narrow_kind kind, uint32_t groups)
{
    if (kind == Q6_FACTORS) {
        return (size_t)groups / NARROW_SUPER * sizeof(struct q6_super);
    }
    return (size_t)groups * q4_tile_bytes(kind) +
           (kind == Q4_FACTORS ? groups / NARROW_SUPER * sizeof(struct q4_super) : 0);
}

static void pack_tile_q4(struct q4_tile *tile, enum narrow_kind kind, const struct narrow_block *block, size_t stride)
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

static void pack_super_q4(struct q4_super *super, const struct narrow_block *block, size_t stride)
{
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        super->scale[row] = block->scale;
        super->minimum[row] = block->minimum;
    }
}

static void pack_q4(uint8_t *row_of_tiles, enum narrow_kind kind, const struct narrow_block *block, uint32_t groups)
{
    struct q4_place place = {.tile = (const struct q4_tile *)row_of_tiles};
    for (uint32_t group = 0; group < groups; group++) {
        q4_next(&place, kind, group);
        if (kind == Q4_FACTORS && group % NARROW_SUPER == 0) {
            pack_super_q4((struct q4_super *)place.super, block + group, groups);
        }
        pack_tile_q4((struct q4_tile *)place.tile, kind, block + group, groups);
    }
}

static void pack_tile_q6(struct q6_tile *tile, const struct narrow_block *block, size_t stride)
{
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        for (uint32_t quad = 0; quad < NARROW_QUADS; quad++) {
            __builtin_memcpy(tile->low[quad][row], block->low + 4 * quad, 4);
        }
        for (uint32_t pair = 0; pair < NARROW_QUADS / 2; pair++) {
            __builtin_memcpy(tile->high[pair][row], block->high + 4 * pair, 4);
        }
        tile->factor[0][row] = block->factor[0];
        tile->factor[1][row] = block->factor[1];
    }
}

static void pack_q6(struct q6_super *super, const struct narrow_block *block, uint32_t groups)
{
    for (uint32_t group = 0; group < groups; group++, block++) {
        const uint32_t index = group % NARROW_SUPER;
        for (uint32_t row = 0; index == 0 && row < Q8_GROUP; row++) {
            super[group / NARROW_SUPER].scale[row] = block[row * groups].scale;
        }
        pack_tile_q6(&super[group / NARROW_SUPER].tile[index], block, groups);
    }
}

void narrow_pack(uint8_t *row_of_tiles, enum narrow_kind kind, const struct narrow_block *block, uint32_t groups)
{
    if (kind == Q6_FACTORS) {
        pack_q6((struct q6_super *)row_of_tiles, block, groups);
    } else {
        pack_q4(row_of_tiles, kind, block, groups);
    }
}

static void row_q4(float *out, const uint8_t *row_of_tiles, enum narrow_kind kind, uint32_t groups, uint32_t row)
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

static void row_q6(float *out, const struct q6_super *super, uint32_t groups, uint32_t row)
{
    for (uint32_t group = 0; group < groups; group++, out += Q8_GROUP) {
        const struct q6_super *at = super + group / NARROW_SUPER;
        const struct q6_tile *tile = &at->tile[group % NARROW_SUPER];
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            const uint32_t half = i / NARROW_HALF, four = q6_four(tile, row, half, i % NARROW_HALF / 4);
            const float scale = half_to_float(at->scale[row]) * (float)tile->factor[half][row];
            out[i] = (float)(int8_t)(four >> 8 * (i % 4)) * scale;
        }
    }
}

void narrow_row(float *out, const uint8_t *row_of_tiles, enum narrow_kind kind, uint32_t groups, uint32_t row)
{
    if (kind == Q6_FACTORS) {
        row_q6(out, (const struct q6_super *)row_of_tiles, groups, row);
    } else {
        row_q4(out, row_of_tiles, kind, groups, row);
    }
}
