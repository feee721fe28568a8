/*
 * The checksum of a model's weights: FNV-1a (Fowler, Noll, Vo; 32 bits) over 32-bit little-endian words instead of
 * bytes. Changing one word always changes it. For the bytes that it covers, see struct gguf in gguf.h.
 */
#ifndef BOOTLLAMA_CHECKSUM_H
#define BOOTLLAMA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_KEY "bootllama.tensors.fnv1a"
#define CHECKSUM_START ((struct checksum){.sum = 0x811C9DC5})

struct checksum {
    uint32_t sum;   /* of the whole words so far */
    uint32_t word;  /* the bytes after the last whole word */
    uint32_t bytes; /* how many of them, 0 to 3 */
};

/* Adds the next n bytes. */
void checksum_add(struct checksum *checksum, const void *bytes, size_t n);

/* Pads an incomplete word with zero bytes, so that the next byte begins a new word. */
void checksum_pad(struct checksum *checksum);

#endif
