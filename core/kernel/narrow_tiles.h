/*
 * Tiles of weights narrower than a byte: 32 rows x 32 columns as in q8.h. All kernels read the same bytes.
 *
 * Four bits.
 * A tile's nibbles are [column % 16 / 4][row][column % 4] bytes, columns 0 to 15 in the lower halves, 16 to 31 in the
 * upper ones: 512 bytes. What is behind them depends on the matrix's kind:
 *   Q4_SCALE     an f16 scale for each row                               18 bytes for 32 weights
 *   Q4_MINIMUM   an f16 scale for each row, then an f16 minimum          20
 *   Q4_FACTORS   a scale's factor for each row, then a minimum's         18.5
 * Before every NARROW_SUPER tiles of a row of tiles, Q4_FACTORS has their common f16 scales and minimums.
 *
 * A row's product with a vector sums over the groups of columns, in order, single precision, with n and x summed in
 * whole numbers first:
 *   Q4_SCALE     sum of (n - 8) * x, times (scale * scale of x)          the bits of the same weights in int8
 *   others       (sum of n * x, times scale, + minimum * sum of x) * scale of x
 *
 * Six bits, Q6_FACTORS: 26.25 bytes for 32 weights. Eight tiles follow their common f16 scales. A tile's lower four
 * bits lie like the nibbles above, then come two factors for each row, of columns 0 to 15 and of 16 to 31, then the
 * upper bits. A row's product with a vector sums over the groups of columns, in order:
 *   (factor * sum of (n - 32) * x, of both halves) * (scale * scale of x)
 * where the part in whole numbers is at most 128 * 32 * 127 * 32 < 2^24: exact as int32 and in single precision.
 */
#ifndef BOOTLLAMA_NARROW_TILES_H
#define BOOTLLAMA_NARROW_TILES_H

#include "base/half.h"
#include "base/narrow.h"
#include "kernel/q8.h"

enum { NARROW_QUADS = Q8_GROUP / 8, NARROW_HALF = Q8_GROUP / 2, Q4_OFFSET = 8, Q6_OFFSET = 32 };

struct q4_tile {
    uint8_t low[NARROW_QUADS][Q8_GROUP][4];
    union {
        uint16_t scale[Q8_GROUP];
        struct {
            uint8_t scale_factor[Q8_GROUP], minimum_factor[Q8_GROUP];
        };
    };
    uint16_t minimum[]; /* [Q8_GROUP], with Q4_MINIMUM */
};

/* What NARROW_SUPER tiles share. */
struct q4_super {
    uint16_t scale[Q8_GROUP], minimum[Q8_GROUP];
};

/* Goes through the tiles of a row of tiles. */
struct q4_place {
    const struct q4_tile *tile;
    const struct q4_super *super; /* with Q4_FACTORS */
};

static inline uint32_t q4_tile_bytes(enum narrow_kind kind)
{
    return sizeof(struct q4_tile) + (kind == Q4_MINIMUM ? Q8_GROUP * sizeof(uint16_t) : 0);
}

struct q6_tile {
    uint8_t low[NARROW_QUADS][Q8_GROUP][4];
    int8_t factor[2][Q8_GROUP];
    uint8_t high[NARROW_QUADS / 2][Q8_GROUP][4]; /* as in struct narrow_block: of two quads, each of both halves */
};

/* A row of tiles is an array of these. */
struct q6_super {
    uint16_t scale[Q8_GROUP];
    struct q6_tile tile[NARROW_SUPER];
};

/* Bytes of a row of `groups` tiles. */
size_t narrow_row_bytes(enum narrow_kind kind, uint32_t groups);

/* The tile of `group`, after that of group - 1 at *place. For group 0, place->tile is the row of tiles. */
static inline void q4_next(struct q4_place *place, enum narrow_kind kind, uint32_t group)
{
    const uint8_t *at = (const uint8_t *)place->tile + (group > 0 ? q4_tile_bytes(kind) : 0);
    if (kind == Q4_FACTORS && group % NARROW_SUPER == 0) {
        place->super = (const struct q4_super *)at;
        at += sizeof(struct q4_super);
    }
    place->tile = (const struct q4_tile *)at;
}

/* Lines of the processor's cache: a tile and its share of what lies between tiles. */
enum { Q4_LINES = 10, Q6_LINES = 14 };

/* Asks for the tile that lies some way ahead: beside so much arithmetic for a byte, the processor's own prefetcher
   keeps too few reads under way. A loop of requests is faster with AVX-512 than all of them in a row. */
static inline void narrow_prefetch(const void *tile, uint32_t lines)
{
    enum { AHEAD = 8 << 10, LINE = 64 };
#pragma GCC unroll 1
    for (uint32_t i = 0; i < lines; i++) {
        __builtin_prefetch((const uint8_t *)tile + AHEAD + i * LINE);
    }
}

/* The scale of a tile's row, and its minimum: the value of n = 0 (Q4_SCALE: not used). */
static inline float q4_scale(const struct q4_place *place, enum narrow_kind kind, uint32_t row, float *minimum)
{
    const struct q4_tile *tile = place->tile;
    if (kind == Q4_FACTORS) {
        *minimum = -(half_to_float(place->super->minimum[row]) * (float)(int32_t)tile->minimum_factor[row]);
        return half_to_float(place->super->scale[row]) * (float)(int32_t)tile->scale_factor[row];
    }
    *minimum = kind == Q4_MINIMUM ? half_to_float(tile->minimum[row]) : 0.0f;
    return half_to_float(tile->scale[row]);
}

/* Columns 4 * quad to 4 * quad + 3 of a half of a row: n - Q6_OFFSET as four int8. */
static inline uint32_t q6_four(const struct q6_tile *tile, uint32_t row, uint32_t half, uint32_t quad)
{
    const uint32_t low = narrow_four(tile->low[quad][row]) >> 4 * half & 0x0F0F0F0F;
    const uint32_t high = narrow_four(tile->high[quad / 2][row]) >> (4 * (quad % 2) + 2 * half) & 0x03030303;
    return ((low | high << 4) + (128 - Q6_OFFSET) * 0x01010101u) ^ 0x80808080; /* no byte carries into the next one */
}

/* Arranges a row of tiles: row r is block[r * groups ..], its scales and minimums below Q4_LIMIT, or Q6_LIMIT. */
void narrow_pack(uint8_t *row_of_tiles, enum narrow_kind kind, const struct narrow_block *block, uint32_t groups);

/* Reads a row back: the values that base/narrow.h defines, out [groups * Q8_GROUP]. */
void narrow_row(float *out, const uint8_t *row_of_tiles, enum narrow_kind kind, uint32_t groups, uint32_t row);

#endif
