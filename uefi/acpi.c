#include "acpi.h"

#include <stdbool.h>

#include "base/memory.h"

enum {
    /* offsets into the root pointer, any table's header, and the fixed description table (FADT) */
    RSDP_REVISION = 15,
    RSDP_RSDT = 16,
    RSDP_XSDT = 24,
    TABLE_LENGTH = 4,
    TABLE_HEADER = 36,
    FADT_PM_TIMER = 76,
    FADT_PM_TIMER_LENGTH = 91,
    FADT_X_PM_TIMER = 208, /* generic address: space, width, offset, access size, 64-bit address */
    ADDRESS_SPACE_IO = 1,
    TABLES_MAX = 256,
};

static uint64_t read_le(const uint8_t *bytes, uint32_t count)
{
    uint64_t value = 0;

    for (uint32_t i = count; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static const uint8_t *find_root_pointer(EFI_SYSTEM_TABLE *table)
{
    static const EFI_GUID acpi = ACPI_20_TABLE_GUID;

    for (UINTN i = 0; i < table->NumberOfTableEntries; i++) {
        if (memcmp(&table->ConfigurationTable[i].VendorGuid, &acpi, sizeof acpi) == 0) {
            return table->ConfigurationTable[i].VendorTable;
        }
    }
    return NULL;
}

/* The FADT by way of the XSDT (64-bit pointers) or, in older firmware, the RSDT (32-bit). */
static const uint8_t *find_fadt(const uint8_t *root)
{
    bool wide = root[RSDP_REVISION] >= 2 && read_le(root + RSDP_XSDT, 8) != 0;
    uint32_t pointer_size = wide ? 8 : 4;
    uint64_t address = read_le(root + (wide ? RSDP_XSDT : RSDP_RSDT), pointer_size);
    const uint8_t *list = (const uint8_t *)(uintptr_t)address;

    if (list == NULL) {
        return NULL;
    }
    uint64_t end = read_le(list + TABLE_LENGTH, 4);
    if (end > TABLE_HEADER + TABLES_MAX * 8) {
        return NULL;
    }
    for (uint32_t at = TABLE_HEADER; at + pointer_size <= end; at += pointer_size) {
        const uint8_t *entry = (const uint8_t *)(uintptr_t)read_le(list + at, pointer_size);
        if (entry != NULL && memcmp(entry, "FACP", 4) == 0) {
            return entry;
        }
    }
    return NULL;
}

uint16_t acpi_timer_port(EFI_SYSTEM_TABLE *table)
{
    const uint8_t *root = find_root_pointer(table);
    const uint8_t *fadt = root != NULL ? find_fadt(root) : NULL;

    if (fadt == NULL) {
        return 0;
    }
    uint64_t length = read_le(fadt + TABLE_LENGTH, 4);
    if (length >= FADT_X_PM_TIMER + 12 && fadt[FADT_X_PM_TIMER] == ADDRESS_SPACE_IO) {
        uint64_t address = read_le(fadt + FADT_X_PM_TIMER + 4, 8);
        if (address != 0 && address <= 0xFFFF) {
            return (uint16_t)address;
        }
    }
    if (length > FADT_PM_TIMER_LENGTH && fadt[FADT_PM_TIMER_LENGTH] == 4) {
        uint64_t address = read_le(fadt + FADT_PM_TIMER, 4);
        return address <= 0xFFFF ? (uint16_t)address : 0;
    }
    return 0;
}
