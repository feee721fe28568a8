#include "acpi_root.h"

#include <stddef.h>

#include "io.h"
#include "pc/acpi.h"

enum {
    BDA_EBDA_SEGMENT = 0x40E,
    EBDA_LOWEST = 0x80000,
    EBDA_SEARCHED = 1024,
    ROM_START = 0xE0000,
    ROM_END = 0x100000,
    ROOT_STEP = 16,
};

static const uint8_t *search(uint32_t start, uint32_t end)
{
    for (uint32_t at = start; at + ACPI_ROOT_BYTES <= end; at += ROOT_STEP) {
        const uint8_t *bytes = (const uint8_t *)memory_at(at);
        if (acpi_is_root(bytes)) {
            return bytes;
        }
    }
    return NULL;
}

const uint8_t *acpi_root(void)
{
    const uint32_t ebda = (uint32_t)memory_read16(BDA_EBDA_SEGMENT) << 4;
    const uint8_t *root = ebda >= EBDA_LOWEST ? search(ebda, ebda + EBDA_SEARCHED) : NULL;

    return root != NULL ? root : search(ROM_START, ROM_END);
}
