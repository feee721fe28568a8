#include "processors_madt.h"

#include <stdbool.h>

enum {
    TYPE = 0, /* offsets into all entries, and into the two kinds of processors */
    LENGTH = 1,
    LENGTH_MIN = 2,
    APIC = 0,
    APIC_BYTES = 8,
    APIC_ID = 3,
    APIC_FLAGS = 4,
    X2APIC = 9,
    X2APIC_BYTES = 16,
    X2APIC_ID = 4,
    X2APIC_FLAGS = 8,
    FLAG_ENABLED = 1,
};

static uint32_t read32(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Reads an entry of either kind; false where it is neither, or the processor is switched off. */
static bool read_entry(const uint8_t *entry, uint32_t *id)
{
    if (entry[TYPE] == APIC && entry[LENGTH] >= APIC_BYTES) {
        *id = entry[APIC_ID];
        return (read32(entry + APIC_FLAGS) & FLAG_ENABLED) != 0;
    }
    if (entry[TYPE] == X2APIC && entry[LENGTH] >= X2APIC_BYTES) {
        *id = read32(entry + X2APIC_ID);
        return (read32(entry + X2APIC_FLAGS) & FLAG_ENABLED) != 0;
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
uint32_t madt_processors(const uint8_t *madt, uint32_t bytes, uint32_t own, uint32_t id_max, uint32_t *ids,
                         uint32_t most)
{
    uint32_t count = 0, at = MADT_HEADER, id;

    while (count < most && bytes - at >= LENGTH_MIN) {
        const uint8_t *entry = madt + at;
        if (entry[LENGTH] < LENGTH_MIN || entry[LENGTH] > bytes - at) {
            break;
        }
        if (read_entry(entry, &id) && id != own && id <= id_max && !contains(ids, count, id)) {
            ids[count++] = id;
        }
        at += entry[LENGTH];
    }
    return count;
}
