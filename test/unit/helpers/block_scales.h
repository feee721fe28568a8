/* Where a block of a GGUF file has its f16: its scale and, in some types, its minimum. For blocks of random bytes. */
#ifndef BOOTLLAMA_TEST_BLOCK_SCALES_H
#define BOOTLLAMA_TEST_BLOCK_SCALES_H

#include <stdint.h>

#include "gguf/gguf.h"

struct block_scales {
    uint32_t count;
    uint8_t at[2]; /* bytes from the start of the block */
};

/* None for MXFP4, whose first byte is an exponent. */
static inline struct block_scales block_scales(uint32_t type)
{
    switch (type) {
    case GGUF_TYPE_MXFP4:
        return (struct block_scales){0, {0, 0}};
    case GGUF_TYPE_Q4_1:
    case GGUF_TYPE_Q5_1:
    case GGUF_TYPE_Q4_K:
    case GGUF_TYPE_Q5_K:
        return (struct block_scales){2, {0, 2}};
    case GGUF_TYPE_Q2_K:
        return (struct block_scales){2, {80, 82}};
    case GGUF_TYPE_Q3_K:
        return (struct block_scales){1, {108, 0}};
    case GGUF_TYPE_Q6_K:
        return (struct block_scales){1, {208, 0}};
    default: /* Q4_0, Q5_0, Q8_0, IQ4_NL, IQ4_XS */
        return (struct block_scales){1, {0, 0}};
    }
}

#endif
