/*
 * Weights of four bits: 32 numbers n of 0..15 with what turns them into values. It is in base/ for the same reason as
 * q8_0.h: gguf/ makes such blocks of a file's, kernel/ packs them into tiles.
 */
#ifndef BOOTLLAMA_NARROW_H
#define BOOTLLAMA_NARROW_H

#include <stdint.h>

/* What a value is, by GGUF's types; f16 numbers in single precision, rounded in that order. */
enum narrow_kind {
    NARROW_NONE, /* no four bits */
    Q4_SCALE,    /* Q4_0: scale * (n - 8) */
    Q4_MINIMUM,  /* Q4_1: scale * n + minimum */
    Q4_FACTORS,  /* Q4_K: (scale * scale_factor) * n - minimum * minimum_factor; both products are exact */
};

/* With Q4_FACTORS, blocks of a row that share scale and minimum. A row is a whole number of such eights. */
enum { NARROW_SUPER = 8 };

/* The bits of 2^13 as f16. Loading refuses a scale or minimum of this magnitude or more: its weights are beyond f16. */
#define Q4_LIMIT 0x7000

struct narrow_block {
    uint16_t scale, minimum;              /* f16 bits; a kind that has none leaves it 0 */
    uint8_t scale_factor, minimum_factor; /* 0..63 */
    uint8_t low[16];                      /* elements 0 to 15 in the lower halves, 16 to 31 in the upper ones */
};

#endif
