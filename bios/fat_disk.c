#include "fat_disk.h"

#include <stddef.h>

#include "base/memory.h"

/* The partition table of sector 0. */
enum {
    TABLE = 0x1BE,
    ENTRIES = 4,
    ENTRY_BYTES = 16,
    ENTRY_FLAG = 0,
    ENTRY_TYPE = 4,
    ENTRY_START = 8, /* LBA, 32 bit */
    FLAG_ACTIVE = 0x80,
};

static bool is_fat_type(uint8_t type)
{
    static const uint8_t types[] = {0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E, 0xEF};

    for (size_t i = 0; i < sizeof types; i++) {
        if (types[i] == type) {
            return true;
        }
    }
    return false;
}

int fat_disk_mount(struct fat_volume *volume, struct fat_cache *cache, const uint16_t *oem)
{
    uint8_t table[ENTRIES * ENTRY_BYTES];
    int status = FAT_NOT_FOUND;

    const uint8_t *first = fat_cache_sector(cache, 0, 1);
    if (first == NULL) {
        return FAT_READ_FAILED;
    }
    memcpy(table, first + TABLE, sizeof table);
    for (int active = 1; active >= 0; active--) {
        for (int i = 0; i < ENTRIES; i++) {
            const uint8_t *entry = table + i * ENTRY_BYTES;
            uint32_t start = fat_get32(entry + ENTRY_START);
            if (entry[ENTRY_FLAG] == (active ? FLAG_ACTIVE : 0) && is_fat_type(entry[ENTRY_TYPE]) && start != 0) {
                status = fat_volume_mount(volume, cache, start, oem);
            }
            if (status == FAT_OK) {
                return FAT_OK;
            }
        }
    }
    if (status == FAT_NOT_FOUND) {
        return fat_volume_mount(volume, cache, 0, oem); /* a disk without partitions */
    }
    char reason[sizeof volume->error];
    memcpy(reason, volume->error, sizeof reason);
    if (fat_volume_mount(volume, cache, 0, oem) != FAT_OK) {
        memcpy(volume->error, reason, sizeof reason);
        return status;
    }
    return FAT_OK;
}
