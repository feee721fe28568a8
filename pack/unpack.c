#include "unpack.h"

enum { CRC_POLYNOMIAL = 0xEDB88320, NIBBLES = 16 };

static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
    uint32_t table[NIBBLES], crc = UINT32_MAX;
    for (uint32_t i = 0; i < NIBBLES; i++) {
        table[i] = i;
        for (uint32_t bit = 0; bit < 4; bit++) {
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? CRC_POLYNOMIAL : 0);
        }
    }
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc % NIBBLES];
        crc = crc >> 4 ^ table[crc % NIBBLES];
    }
    return ~crc;
}

bool unpack(uint8_t *out, const struct packed *packed, struct lzma_model *scratch)
{
    return lzma_decode(out, packed->bytes, packed->stream, packed->packed_bytes, scratch) &&
           crc_of(out, packed->bytes) == packed->crc;
}
