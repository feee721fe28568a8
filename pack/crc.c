#include "crc.h"

enum { POLYNOMIAL = 0xEDB88320, NIBBLES = 16 };

uint32_t crc_of(const uint8_t *bytes, uint32_t n)
{
    uint32_t table[NIBBLES], crc = UINT32_MAX;
    for (uint32_t i = 0; i < NIBBLES; i++) {
        table[i] = i;
        for (uint32_t bit = 0; bit < 4; bit++) {
            table[i] = table[i] >> 1 ^ (table[i] & 1 ? POLYNOMIAL : 0);
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ table[crc % NIBBLES];
        crc = crc >> 4 ^ table[crc % NIBBLES];
    }
    return ~crc;
}
