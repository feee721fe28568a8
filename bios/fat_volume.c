#include "fat_volume.h"

#include <stddef.h>

#include "base/format.h"

enum { VOLUME_SECTOR_MAX = 4096 };

int fat_volume_sector(struct fat_volume *volume, uint32_t lba, const uint8_t **data)
{
    return fat_cache_sector(volume->cache, lba, volume->end, data);
}

int fat_volume_damaged(struct fat_volume *volume, const char *pattern, uint32_t a, uint32_t b)
{
    format(volume->error, sizeof volume->error, pattern, a, b);
    return FAT_DAMAGED;
}

/* ---- The boot sector ---- */

struct layout { /* the boot sector's values, in sectors of 512 bytes */
    uint32_t cluster, reserved, fats, fat, root_slots, total;
};

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* The number in the 16-bit field, or, if that is 0, in the 32-bit one. */
static uint32_t get_16_or_32(const uint8_t *boot, uint32_t offset_16, uint32_t offset_32)
{
    uint32_t value = fat_get16(boot + offset_16);
    return value != 0 ? value : fat_get32(boot + offset_32);
}

/* Reads the BIOS parameter block; false if a number in it is impossible. */
static bool read_layout(const uint8_t *boot, struct layout *layout)
{
    uint32_t bytes = fat_get16(boot + FAT_BPB_SECTOR_BYTES), scale = bytes / FAT_SECTOR;
    uint32_t cluster = boot[FAT_BPB_CLUSTER_SECTORS], fats = boot[FAT_BPB_FATS];
    uint32_t reserved = fat_get16(boot + FAT_BPB_RESERVED_SECTORS);
    uint32_t total = get_16_or_32(boot, FAT_BPB_SECTORS_16, FAT_BPB_SECTORS_32);
    uint32_t fat = get_16_or_32(boot, FAT_BPB_FAT_SECTORS_16, FAT_BPB_FAT_SECTORS_32);

    if (fat_get16(boot + FAT_BOOT_SIGNATURE) != FAT_BOOT_SIGNATURE_IS || !is_power_of_two(bytes) ||
        bytes < FAT_SECTOR || bytes > VOLUME_SECTOR_MAX || !is_power_of_two(cluster) || reserved == 0 || fats == 0 ||
        fat == 0 || total == 0 || fat > UINT32_MAX / scale || total > UINT32_MAX / scale) {
        return false;
    }
    *layout = (struct layout){
        .cluster = cluster * scale,
        .reserved = reserved * scale,
        .fats = fats,
        .fat = fat * scale,
        .root_slots = fat_get16(boot + FAT_BPB_ROOT_SLOTS),
        .total = total * scale,
    };
    return true;
}

/* Only FAT32 has no FAT size in the 16-bit field. FAT32 volumes with too few clusters are still read as FAT32. */
static bool set_type(struct fat_volume *volume, const uint8_t *boot)
{
    if (fat_get16(boot + FAT_BPB_FAT_SECTORS_16) != 0) {
        volume->bits = volume->clusters <= FAT12_CLUSTERS_MAX ? 12 : 16;
        return volume->clusters <= FAT16_CLUSTERS_MAX;
    }
    volume->bits = 32;
    volume->root_cluster = fat_get32(boot + FAT_BPB_ROOT_CLUSTER);
    if ((boot[FAT_BPB_FLAGS] & FAT_FLAGS_NO_MIRROR) != 0) {
        uint32_t active = boot[FAT_BPB_FLAGS] & FAT_FLAGS_ACTIVE;
        if (active >= volume->fat_count) {
            return false;
        }
        volume->fat_start += active * volume->fat_sectors;
        volume->fat_count = 1;
    }
    return volume->root_slots == 0 && volume->clusters <= FAT32_CLUSTERS_MAX && fat_get16(boot + FAT_BPB_VERSION) == 0;
}

int fat_volume_mount(struct fat_volume *volume, struct fat_cache *cache, uint32_t start, const uint16_t *oem)
{
    struct layout layout;

    *volume = (struct fat_volume){.cache = cache, .oem = oem, .start = start, .end = start + 1};
    const uint8_t *boot;
    int status = fat_volume_sector(volume, start, &boot);
    if (status != FAT_OK) {
        return status;
    }
    if (!read_layout(boot, &layout) || layout.total > UINT32_MAX - start) {
        return fat_volume_damaged(volume, "no FAT file system at LBA %u", start, 0);
    }
    uint32_t root = (layout.root_slots + FAT_SECTOR_SLOTS - 1) / FAT_SECTOR_SLOTS;
    uint64_t before_data = layout.reserved + (uint64_t)layout.fats * layout.fat + root;
    if (before_data >= layout.total || (layout.total - (uint32_t)before_data) < layout.cluster) {
        return fat_volume_damaged(volume, "the FAT file system at LBA %u has no room for data", start, 0);
    }
    volume->cluster_sectors = layout.cluster;
    volume->fat_start = start + layout.reserved;
    volume->fat_sectors = layout.fat;
    volume->fat_count = layout.fats;
    volume->root_start = volume->fat_start + layout.fats * layout.fat;
    volume->root_slots = layout.root_slots;
    volume->data_start = start + (uint32_t)before_data;
    volume->clusters = (layout.total - (uint32_t)before_data) / layout.cluster;
    if (!set_type(volume, boot)) {
        return fat_volume_damaged(volume, "the FAT file system at LBA %u contradicts itself", start, 0);
    }
    uint64_t entries = (uint64_t)layout.fat * FAT_SECTOR * 8 / volume->bits;
    if (entries < volume->clusters + (uint64_t)FAT_CLUSTER_FIRST) { /* no more clusters than the FAT has entries for */
        volume->clusters = entries > FAT_CLUSTER_FIRST ? (uint32_t)entries - FAT_CLUSTER_FIRST : 0;
    }
    volume->end = start + layout.total;
    return FAT_OK;
}

/* ---- Chains of clusters ---- */

bool fat_volume_has_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    return cluster >= FAT_CLUSTER_FIRST && cluster - FAT_CLUSTER_FIRST < volume->clusters;
}

uint32_t fat_volume_lba(const struct fat_volume *volume, uint32_t cluster)
{
    return volume->data_start + (cluster - FAT_CLUSTER_FIRST) * volume->cluster_sectors;
}

/* Finds sector `number` of the FAT in the copy that was readable last, or in the first other readable one. */
static int table_sector(struct fat_volume *volume, uint32_t number, const uint8_t **data)
{
    int status = FAT_READ_FAILED;

    for (uint32_t tried = 0; tried < volume->fat_count && status == FAT_READ_FAILED; tried++) {
        uint32_t start = volume->fat_start + volume->fat_copy * volume->fat_sectors;
        status = fat_cache_table_sector(volume->cache, start + number, start, start + volume->fat_sectors, data);
        if (status == FAT_READ_FAILED) {
            volume->fat_copy = (volume->fat_copy + 1) % volume->fat_count;
        }
    }
    return status;
}

int fat_volume_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next)
{
    uint32_t bits = volume->bits, offset = bits == 12 ? cluster + cluster / 2 : cluster * (bits / 8);
    uint32_t number = offset / FAT_SECTOR, place = offset % FAT_SECTOR;
    const uint8_t *data;
    int status = table_sector(volume, number, &data);

    if (status != FAT_OK) {
        return status;
    }
    uint32_t value = bits == 32 ? fat_get32(data + place) & FAT32_ENTRY_MASK : data[place];
    if (bits != 32) { /* an entry of FAT12 may lie across two sectors */
        if (place == FAT_SECTOR - 1) {
            status = table_sector(volume, number + 1, &data);
            if (status != FAT_OK) {
                return status;
            }
        }
        value |= (uint32_t)data[(place + 1) % FAT_SECTOR] << 8;
    }
    if (bits == 12) {
        value = cluster % 2 != 0 ? value >> 4 : value & 0xFFF;
    }
    uint32_t end = bits == 32 ? 0x0FFFFFF8 : bits == 16 ? 0xFFF8 : 0xFF8;
    *next = value >= end ? FAT_CHAIN_END : value == end - 1 ? FAT_CHAIN_BAD : value;
    return FAT_OK;
}

int fat_volume_adjacent(struct fat_volume *volume, uint32_t cluster, uint32_t most, uint32_t *count)
{
    const uint32_t offset = cluster * FAT32_ENTRY_BYTES;
    const uint8_t *data;

    *count = 0;
    if (volume->bits != 32) {
        return FAT_OK;
    }
    const int status = table_sector(volume, offset / FAT_SECTOR, &data);
    for (uint32_t place = offset % FAT_SECTOR; status == FAT_OK && place < FAT_SECTOR; place += FAT32_ENTRY_BYTES) {
        const uint32_t next = cluster + *count + 1;
        if (*count == most || (fat_get32(data + place) & FAT32_ENTRY_MASK) != next ||
            !fat_volume_has_cluster(volume, next)) {
            break;
        }
        ++*count;
    }
    return status;
}

int fat_volume_broken(struct fat_volume *volume, uint32_t cluster, uint32_t next)
{
    const char *pattern = next == 0               ? "cluster %u leads to a free cluster: repair the volume"
                          : next == FAT_CHAIN_END ? "the chain of clusters ends too early, at %u: repair the volume"
                          : next == FAT_CHAIN_BAD ? "cluster %u leads to a bad cluster: repair the volume"
                                                  : "cluster %u leads to %u, which does not exist: repair the volume";
    return fat_volume_damaged(volume, pattern, cluster, next);
}
