/*
 * The checksum of a model's weights: FNV-1a (Fowler, Noll, Vo; 32 bits) with 32-bit little-endian words in place of
 * bytes. A change of one word always changes it. What it is taken over: gguf.h, struct gguf.
 */
#ifndef BOOTLLAMA_CHECKSUM_H
#define BOOTLLAMA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_KEY "bootllama.tensors.fnv1a"
#define CHECKSUM_START ((struct checksum){.sum = 0x811C9DC5})

struct checksum {
    uint32_t sum;   /* of the whole words so far */
    uint32_t word;  /* the bytes after them */
    uint32_t bytes; /* how many these are, 0 to 3 */
};

/* Adds the next n bytes. */
void checksum_add(struct checksum *checksum, const void *bytes, size_t n);

/* Fills a word that is not whole up with zero bytes: what is added next begins a new one. */
void checksum_pad(struct checksum *checksum);

#endif
