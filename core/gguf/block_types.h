/* The blocks of numbers that a GGUF file holds, byte for byte as ggml defines them (ggml-common.h). */
#ifndef BOOTLLAMA_BLOCK_TYPES_H
#define BOOTLLAMA_BLOCK_TYPES_H

#include <stdint.h>

enum { K_ELEMENTS = 256 }; /* in the blocks whose names end in _K, and in IQ4_XS */

/* Blocks as stored in the file. Scales are f16 unless noted; small numbers fill a byte from the low bits up. */
struct q4_0 {
    uint16_t scale;
    uint8_t low[16]; /* elements 0 to 15 in the lower halves, 16 to 31 in the upper ones */
} __attribute__((packed));
struct q4_1 {
    uint16_t scale, minimum;
    uint8_t low[16];
} __attribute__((packed));
struct q5_0 {
    uint16_t scale;
    uint32_t high; /* bit i: the fifth of element i */
    uint8_t low[16];
} __attribute__((packed));
struct q5_1 {
    uint16_t scale, minimum;
    uint32_t high;
    uint8_t low[16];
} __attribute__((packed));
struct q2_k {
    uint8_t scales[16]; /* of 16 elements each: the scale's factor below, the minimum's above */
    uint8_t low[64];
    uint16_t scale, minimum;
} __attribute__((packed));
struct q3_k {
    uint8_t high[32]; /* bit k of byte i: the third of element 32 k + i */
    uint8_t low[64];
    uint8_t scales[12]; /* of 16 elements each, 6 bits: see q3_k_factor */
    uint16_t scale;
} __attribute__((packed));
struct q4_k {
    uint16_t scale, minimum;
    uint8_t scales[12]; /* of 32 elements each, 6 bits for the scale and 6 for the minimum: see k_factors */
    uint8_t low[128];
} __attribute__((packed));
struct q5_k {
    uint16_t scale, minimum;
    uint8_t scales[12];
    uint8_t high[32]; /* bit k of byte i: the fifth of element 32 k + i */
    uint8_t low[128];
} __attribute__((packed));
struct q6_k {
    uint8_t low[128], high[64];
    int8_t scales[16]; /* of 16 elements each */
    uint16_t scale;
} __attribute__((packed));
struct iq4_xs {
    uint16_t scale, scales_high;
    uint8_t scales_low[4]; /* of 32 elements each, 4 bits and 2 above */
    uint8_t low[128];
} __attribute__((packed));
struct mxfp4 {
    uint8_t exponent; /* of the scale 2^(exponent - 128) */
    uint8_t low[16];
} __attribute__((packed));

_Static_assert(sizeof(struct q4_0) == 18 && sizeof(struct q4_1) == 20, "as in the file");
_Static_assert(sizeof(struct q5_0) == 22 && sizeof(struct q5_1) == 24, "as in the file");
_Static_assert(sizeof(struct q2_k) == 84 && sizeof(struct q3_k) == 110, "as in the file");
_Static_assert(sizeof(struct q4_k) == 144 && sizeof(struct q5_k) == 176, "as in the file");
_Static_assert(sizeof(struct q6_k) == 210 && sizeof(struct iq4_xs) == 136, "as in the file");
_Static_assert(sizeof(struct mxfp4) == 17, "as in the file");

#endif
