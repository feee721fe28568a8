/*
 * The checksum of a model's weights: FNV-1a (Fowler, Noll, Vo; 32 bits) with 32-bit little-endian words in place of
 * bytes. A change of one word always changes it. What it is taken over: gguf.h, struct gguf.
 */
#ifndef BOOTLLAMA_CHECKSUM_H
#define BOOTLLAMA_CHECKSUM_H

#include <stdint.h>

#define CHECKSUM_START 0x811C9DC5u
#define CHECKSUM_KEY "bootllama.tensors.fnv1a"

static inline uint32_t checksum_word(uint32_t sum, uint32_t word)
{
    return (sum ^ word) * 0x01000193u;
}

#endif
