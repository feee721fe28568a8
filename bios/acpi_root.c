#include "acpi_tables.h"

#include <stdbool.h>

#include "io.h"

enum {
    BDA_EBDA_SEGMENT = 0x40E,
    EBDA_LOWEST = 0x80000,
    EBDA_SEARCHED = 1024,
    ROM_START = 0xE0000,
    ROM_END = 0x100000,
    RSDP_STEP = 16,
    RSDP_BYTES = 20,
    RSDP_RSDT = 16, /* offset of the RSDT's address */

    TABLE_LENGTH = 4,
    TABLE_BYTES_MAX = 1 << 20,
};

static bool sums_to_zero(uint32_t address, uint32_t bytes)
{
    uint8_t sum = 0;

    for (uint32_t i = 0; i < bytes; i++) {
        sum = (uint8_t)(sum + memory_read8(address + i));
    }
    return sum == 0;
}

/* Looks for the root pointer in [start, end); returns the address of the RSDT, 0 if it is not there. */
static uint32_t find_rsdt(uint32_t start, uint32_t end)
{
    for (uint32_t at = start; at + RSDP_BYTES <= end; at += RSDP_STEP) {
        if (memory_read32(at) == ACPI_SIGNATURE('R', 'S', 'D', ' ') &&
            memory_read32(at + 4) == ACPI_SIGNATURE('P', 'T', 'R', ' ') && sums_to_zero(at, RSDP_BYTES)) {
            return memory_read32(at + RSDP_RSDT);
        }
    }
    return 0;
}

uint32_t acpi_table_length(uint32_t address, uint32_t signature)
{
    if (address == 0 || memory_read32(address) != signature) {
        return 0;
    }
    uint32_t length = memory_read32(address + TABLE_LENGTH);
    return length >= ACPI_HEADER && length <= TABLE_BYTES_MAX && sums_to_zero(address, length) ? length : 0;
}

uint32_t acpi_find_table(uint32_t signature, uint32_t bytes)
{
    uint32_t ebda = (uint32_t)memory_read16(BDA_EBDA_SEGMENT) << 4, rsdt = 0;

    if (ebda >= EBDA_LOWEST) {
        rsdt = find_rsdt(ebda, ebda + EBDA_SEARCHED);
    }
    if (rsdt == 0) {
        rsdt = find_rsdt(ROM_START, ROM_END);
    }
    uint32_t length = acpi_table_length(rsdt, ACPI_SIGNATURE('R', 'S', 'D', 'T'));
    for (uint32_t i = ACPI_HEADER; i + 4 <= length; i += 4) {
        uint32_t table = memory_read32(rsdt + i);
        if (acpi_table_length(table, signature) >= bytes) {
            return table;
        }
    }
    return 0;
}
