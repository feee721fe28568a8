/*
 * Weights narrower than a byte: 32 numbers n, of four bits or of six, with what turns them into values. It is in base/
 * for the same reason as q8_0.h: gguf/ makes such blocks of a file's, kernel/ packs them into tiles.
 */
#ifndef BOOTLLAMA_NARROW_H
#define BOOTLLAMA_NARROW_H

#include <stdint.h>

/* What a value is, by GGUF's types; f16 numbers in single precision, rounded in that order. */
enum narrow_kind {
    NARROW_NONE, /* as wide as a byte */
    Q4_SCALE,    /* Q4_0: scale * (n - 8) */
    Q4_MINIMUM,  /* Q4_1: scale * n + minimum */
    Q4_FACTORS,  /* Q4_K: (scale * scale_factor) * n - minimum * minimum_factor; both products are exact */
    Q6_FACTORS,  /* Q6_K: (scale * factor) * (n - 32), a factor for each half; exact */
};

/* With factors, blocks of a row that share scale and minimum. A row is a whole number of such eights. */
enum { NARROW_SUPER = 8 };

/* The bits of 2^13 and 2^11 as f16. Loading refuses a scale or minimum of four bits, or a scale of six, of this
   magnitude or more: its weights are beyond f16. */
#define Q4_LIMIT 0x7000
#define Q6_LIMIT 0x6800

struct narrow_block {
    uint16_t scale, minimum; /* f16 bits; a kind that has none leaves it 0 */
    union {
        struct {
            uint8_t scale_factor, minimum_factor; /* Q4_FACTORS: 0..63 */
        };
        int8_t factor[2]; /* Q6_FACTORS: of elements 0 to 15, of 16 to 31 */
    };
    uint8_t low[16]; /* four bits: of elements 0 to 15 in the lower halves, of 16 to 31 in the upper ones */
    uint8_t high[8]; /* the two above: byte 4 i + j has those of 8 i + j, 16 + 8 i + j, 4 + 8 i + j and 20 + 8 i + j */
};

/* Four bytes at any address. */
static inline uint32_t narrow_four(const uint8_t bytes[4])
{
    uint32_t four;
    __builtin_memcpy(&four, bytes, sizeof four);
    return four;
}

#endif
