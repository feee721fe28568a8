#ifndef BOOTLLAMA_CRC_H
#define BOOTLLAMA_CRC_H

#include <stdint.h>

/* CRC-32 of ISO 3309, as in zlib. */
uint32_t crc_of(const uint8_t *bytes, uint32_t n);

#endif
