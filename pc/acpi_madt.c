#include "pc/acpi_madt.h"

#include <stdbool.h>

#include "pc/bytes.h"

enum {
    MADT_HEADER = 44, /* bytes before the first entry */

    /* offsets into all entries, and into the two kinds that are processors */
    ENTRY_TYPE = 0,
    ENTRY_LENGTH = 1,
    ENTRY_BYTES = 2,
    APIC_TYPE = 0,
    APIC_ID = 3,
    APIC_FLAGS = 4,
    APIC_BYTES = 8,
    X2APIC_TYPE = 9,
    X2APIC_ID = 4,
    X2APIC_FLAGS = 8,
    X2APIC_BYTES = 16,
    FLAG_ENABLED = 1,
};

/* Reads an entry of either kind; false if it is neither, or the processor is disabled. */
static bool read_entry(const uint8_t *entry, uint32_t *id)
{
    if (entry[ENTRY_TYPE] == APIC_TYPE && entry[ENTRY_LENGTH] >= APIC_BYTES) {
        *id = entry[APIC_ID];
        return (bytes_number(entry + APIC_FLAGS, 4) & FLAG_ENABLED) != 0;
    }
    if (entry[ENTRY_TYPE] == X2APIC_TYPE && entry[ENTRY_LENGTH] >= X2APIC_BYTES) {
        *id = (uint32_t)bytes_number(entry + X2APIC_ID, 4);
        return (bytes_number(entry + X2APIC_FLAGS, 4) & FLAG_ENABLED) != 0;
    }
    return false;
}

static bool contains(const uint32_t *ids, uint32_t count, uint32_t id)
{
    while (count > 0 && ids[count - 1] != id) {
        count--;
    }
    return count > 0;
}

/* Firmware may list a processor twice, once as each kind. */
uint32_t acpi_find_processors(const uint8_t *root, uint32_t own, uint32_t id_max, uint32_t *ids, uint32_t most)
{
    const struct acpi_table madt = acpi_find(root, "APIC", MADT_HEADER);
    uint32_t count = 0, at = MADT_HEADER, id;

    while (count < most && at + ENTRY_BYTES <= madt.length) {
        const uint8_t *entry = madt.bytes + at;
        if (entry[ENTRY_LENGTH] < ENTRY_BYTES || entry[ENTRY_LENGTH] > madt.length - at) {
            break;
        }
        if (read_entry(entry, &id) && id != own && id <= id_max && !contains(ids, count, id)) {
            ids[count++] = id;
        }
        at += entry[ENTRY_LENGTH];
    }
    return count;
}
