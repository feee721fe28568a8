/*
 * The arithmetic coder: the packed stream is a number, and each bit narrows the range [low, high] that it lies in to
 * the part that the bit's chance gives it. Bytes that low and high agree in are settled.
 */
#ifndef BOOTLLAMA_CODER_H
#define BOOTLLAMA_CODER_H

#include <stdbool.h>
#include <stdint.h>

struct coder {
    bool packs;         /* else it unpacks */
    uint8_t *next;      /* of the stream */
    const uint8_t *end; /* beyond it the unpacker reads zeros; the packer has room for all it writes */
    uint32_t missing;   /* how many of them */
    uint32_t low, high;
    uint32_t number; /* unpacking: the part of the stream that low and high stand for */
};

static inline void coder_byte(struct coder *coder)
{
    if (coder->packs) {
        *coder->next++ = (uint8_t)(coder->low >> 24);
    } else {
        const bool is_there = coder->next < coder->end;
        coder->missing += !is_there;
        coder->number = coder->number << 8 | (is_there ? *coder->next++ : 0);
    }
    coder->low <<= 8;
    coder->high = coder->high << 8 | 0xFF;
}

/* Packs a bit, or unpacks one whatever `bit` is; returns it. It is 1 with the chance `one` in units of 2^-16, which is
   neither 0 nor 2^16. */
static inline uint32_t coder_bit(struct coder *coder, uint32_t one, uint32_t bit)
{
    const uint32_t range = coder->high - coder->low;
    const uint32_t middle = coder->low + (range >> 16) * one + ((range & 0xFFFF) * one >> 16);

    if (!coder->packs) {
        bit = coder->number <= middle;
    }
    if (bit) {
        coder->high = middle;
    } else {
        coder->low = middle + 1;
    }
    while ((coder->low ^ coder->high) >> 24 == 0) {
        coder_byte(coder);
    }
    return bit;
}

#endif
