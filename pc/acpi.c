#include "pc/acpi.h"

#include <stddef.h>

#include "base/memory.h"
#include "pc/bytes.h"

enum {
    /* offsets into the root pointer; those from ROOT_LENGTH on exist from revision 2 on */
    ROOT_REVISION = 15,
    ROOT_RSDT = 16,
    ROOT_LENGTH = 20,
    ROOT_XSDT = 24,
    ROOT_EXTENDED_BYTES = 36,
    ROOT_BYTES_MAX = 256,

    TABLE_LENGTH = 4, /* offset */
    TABLE_BYTES_MAX = 1 << 20,
};

bool acpi_is_root(const uint8_t *root)
{
    return memcmp(root, "RSD PTR ", 8) == 0 && bytes_sum_to_zero(root, ACPI_ROOT_BYTES);
}

/* The address of the XSDT, 0 if there is none. */
static uint64_t xsdt_address(const uint8_t *root)
{
    if (root[ROOT_REVISION] < 2) {
        return 0;
    }
    const uint64_t length = bytes_number(root + ROOT_LENGTH, 4);
    if (length < ROOT_EXTENDED_BYTES || length > ROOT_BYTES_MAX || !bytes_sum_to_zero(root, (uint32_t)length)) {
        return 0;
    }
    return bytes_number(root + ROOT_XSDT, 8);
}

struct acpi_table acpi_table_at(uint64_t address, const char *signature)
{
    const struct acpi_table none = {NULL, 0};
    if (address == 0 || address > UINTPTR_MAX) {
        return none;
    }
    const uint8_t *bytes = (const uint8_t *)(uintptr_t)address;
    if (memcmp(bytes, signature, 4) != 0) {
        return none;
    }
    const uint32_t length = (uint32_t)bytes_number(bytes + TABLE_LENGTH, 4);
    if (length < ACPI_HEADER || length > TABLE_BYTES_MAX || !bytes_sum_to_zero(bytes, length)) {
        return none;
    }
    return (struct acpi_table){bytes, length};
}

/* Searches a list of addresses of `size` bytes each. */
static struct acpi_table find_in(struct acpi_table list, uint32_t size, const char *signature, uint32_t bytes)
{
    for (uint32_t at = ACPI_HEADER; at + size <= list.length; at += size) {
        const struct acpi_table table = acpi_table_at(bytes_number(list.bytes + at, size), signature);
        if (table.length >= bytes) {
            return table;
        }
    }
    return (struct acpi_table){NULL, 0};
}

struct acpi_table acpi_find(const uint8_t *root, const char *signature, uint32_t bytes)
{
    if (root == NULL || !acpi_is_root(root)) {
        return (struct acpi_table){NULL, 0};
    }
    const struct acpi_table found = find_in(acpi_table_at(xsdt_address(root), "XSDT"), 8, signature, bytes);
    if (found.length > 0) {
        return found;
    }
    return find_in(acpi_table_at(bytes_number(root + ROOT_RSDT, 4), "RSDT"), 4, signature, bytes);
}
