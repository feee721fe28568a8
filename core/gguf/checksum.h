/*
 * The checksum of a model's weights, 32 bits: four lanes, each of them over every fourth 32-bit little-endian word. A
 * word joins a lane by
 *   lane = (lane rotated left by 13 ^ word) * 0x9E3779B1
 * from CHECKSUM_START on, and the four lanes join a fifth one in the same way. Every step can be undone, so that
 * changing one word always changes the checksum; the rotation takes what a wrong upper bit changes to the bits that
 * the next multiplication spreads. For the bytes that it covers, see struct gguf in gguf.h.
 */
#ifndef BOOTLLAMA_CHECKSUM_H
#define BOOTLLAMA_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

#define CHECKSUM_KEY "bootllama.tensors.mix32"
#define CHECKSUM_SEED 0x811C9DC5u
#define CHECKSUM_START ((struct checksum){.lane = {CHECKSUM_SEED, CHECKSUM_SEED, CHECKSUM_SEED, CHECKSUM_SEED}})

enum { CHECKSUM_LANES = 4, CHECKSUM_BLOCK = 4 * CHECKSUM_LANES }; /* a word for each lane, bytes */

struct checksum {
    uint32_t lane[CHECKSUM_LANES]; /* of the whole words so far */
    uint32_t word;                 /* the bytes after the last whole word */
    uint32_t bytes;                /* how many of them and of the whole words of their block, 0 to 15 */
};

/* Adds the next n bytes. */
void checksum_add(struct checksum *checksum, const void *bytes, size_t n);

/* Pads an incomplete block with zero bytes, so that the next byte begins a new one. */
void checksum_pad(struct checksum *checksum);

/* Returns the checksum of the whole blocks so far. */
uint32_t checksum_value(const struct checksum *checksum);

#endif
