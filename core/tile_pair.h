/*
 * The tile of the SSE2 kernel: two neighbouring columns of a row together, scales as f32; 1152 bytes.
 *
 * Unit [pair][set] holds rows 8 set .. 8 set + 7 for the two columns of a pair: in 16-bit lane 2 i + c, row 8 set + i
 * as the high byte and row 8 set + 4 + i, plus 128, as the low byte.
 */
#ifndef BOOTLLAMA_TILE_PAIR_H
#define BOOTLLAMA_TILE_PAIR_H

#include "kernel.h"

enum { SETS = 4, PAIRS = GROUP / 2 };

struct tile_pair {
    int16_t unit[PAIRS][SETS][4][2];
    float scale[GROUP];
};

#endif
