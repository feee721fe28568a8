/* What the packer (packer/pack.c) makes of a program: a header, then the stream of an arithmetic coder. */
#ifndef BOOTLLAMA_UNPACK_H
#define BOOTLLAMA_UNPACK_H

#include <stdbool.h>

#include "codec.h"

struct packed {
    uint32_t bytes;        /* of the program */
    uint32_t code;         /* how many of them, from the first on, are machine code */
    uint32_t packed_bytes; /* of the stream */
    uint32_t crc;          /* of the program: CRC-32 of ISO 3309, as in zlib */
    uint8_t stream[];
};

/*
 * Unpacks to out [room], with scratch memory of any content. Returns whether every bit of it is right; never writes
 * beyond the room or reads beyond the stream.
 */
bool unpack(uint8_t *out, uint32_t room, const struct packed *packed, struct codec *scratch);

#endif
