#include "unpack.h"

#include "crc.h"

bool unpack(uint8_t *out, uint32_t room, const struct packed *packed, struct codec *scratch)
{
    struct coder coder = {.next = (uint8_t *)packed->stream, .end = packed->stream + packed->packed_bytes};

    if (packed->bytes > room || packed->code > packed->bytes) {
        return false;
    }
    for (uint32_t i = 0; i < sizeof coder.number; i++) {
        coder_byte(&coder); /* and the range becomes all */
    }
    if (!codec_run(scratch, &coder, out, packed->bytes, packed->code)) {
        return false;
    }
    codec_move_calls(out, packed->code, -1);
    return crc_of(out, packed->bytes) == packed->crc;
}
