/* What pack.py makes of a program: a header, then an LZMA stream. */
#ifndef BOOTLLAMA_UNPACK_H
#define BOOTLLAMA_UNPACK_H

#include "lzma.h"

struct packed {
    uint32_t bytes;        /* of the program */
    uint32_t packed_bytes; /* of the stream */
    uint32_t crc;          /* of the program: CRC-32 of ISO 3309, as in zlib */
    uint8_t stream[];
};

/* Unpacks to out [packed->bytes], with scratch memory of any content. Returns whether every bit of it is right. */
bool unpack(uint8_t *out, const struct packed *packed, struct lzma_model *scratch);

#endif
