/* Numbers and checksums in firmware's tables in memory, at any alignment. */
#ifndef BOOTLLAMA_PC_BYTES_H
#define BOOTLLAMA_PC_BYTES_H

#include <stdbool.h>
#include <stdint.h>

/* The little-endian number in bytes [count], count <= 8. */
static inline uint64_t bytes_number(const uint8_t *bytes, uint32_t count)
{
    uint64_t value = 0;

    while (count > 0) {
        value = value << 8 | bytes[--count];
    }
    return value;
}

/* Whether bytes [count] add up to a multiple of 256: ACPI's and SMBIOS's checksum. */
static inline bool bytes_sum_to_zero(const uint8_t *bytes, uint32_t count)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < count; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum == 0;
}

#endif
