/*
 * LZMA decoder for programs that unpack themselves (pack.py packs them).
 *
 * Format: the LZMA specification of the LZMA SDK, as a raw stream without header and end marker, with lc = lp = pb = 0:
 * neither literals nor match flags depend on the byte before or on the position, which costs half a percent on code.
 */
#ifndef BOOTLLAMA_LZMA_H
#define BOOTLLAMA_LZMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Probabilities of a 0 bit in units of 2^-11, for each decision that the stream codes. */
enum { LZMA_STATES = 12, LZMA_LENGTH_LOW = 8, LZMA_LENGTH_HIGH = 256 };

struct lzma_length {
    uint16_t beyond_low, beyond_middle;
    uint16_t low[LZMA_LENGTH_LOW], middle[LZMA_LENGTH_LOW], high[LZMA_LENGTH_HIGH];
};

struct lzma_model {
    uint16_t match[LZMA_STATES];
    uint16_t repeated[LZMA_STATES];   /* a distance used before, rather than a new one */
    uint16_t not_last[LZMA_STATES];   /* ... and that not the last one */
    uint16_t long_last[LZMA_STATES];  /* the last one, for more than one byte */
    uint16_t not_second[LZMA_STATES]; /* neither the last nor the one before it */
    uint16_t not_third[LZMA_STATES];
    uint16_t slot[4][64];             /* of a distance, by match length */
    uint16_t near[128];               /* low bits of distances below 128 */
    uint16_t align[16];               /* lowest four bits of all longer ones */
    uint16_t literal[3][256];         /* alone, and after a match where its byte goes on with a 0 or a 1 bit */
    struct lzma_length match_length, repeated_length;
};

/*
 * Decodes packed[0..packed_bytes) to out[0..bytes), which do not overlap. *model is scratch with any content. Returns
 * whether the stream is well-formed and gave all the bytes; never writes beyond them or reads beyond the stream.
 */
bool lzma_decode(uint8_t *out, size_t bytes, const uint8_t *packed, size_t packed_bytes, struct lzma_model *model);

#endif
