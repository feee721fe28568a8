#include "fat_directory.h"

#include "base/memory.h"

enum { SLOTS_MAX = 65536 };

/* ---- Slots ---- */

static struct fat_place directory_start(const struct fat_volume *volume, uint32_t first)
{
    uint32_t cluster = first == 0 && volume->bits == 32 ? volume->root_cluster : first;
    return (struct fat_place){.first = cluster, .cluster = cluster};
}

/* Finds the LBA of the slot at *place, in the next cluster if one ends. FAT_NOT_FOUND after the last one. */
static int find_sector(struct fat_volume *volume, struct fat_place *place, uint32_t *lba)
{
    uint32_t cluster_slots = volume->cluster_sectors * FAT_SECTOR_SLOTS, slot = place->slot;

    if (place->first == 0) {
        *lba = volume->root_start + slot / FAT_SECTOR_SLOTS;
        return slot < volume->root_slots ? FAT_OK : FAT_NOT_FOUND;
    }
    if (slot == 0 && !fat_volume_has_cluster(volume, place->first)) {
        return fat_volume_damaged(volume, "a directory begins at cluster %u, which does not exist: repair the volume",
                                  place->first, 0);
    }
    if (slot != 0 && slot % cluster_slots == 0) {
        uint32_t next;
        int status = fat_volume_next(volume, place->cluster, &next);
        if (status != FAT_OK || next == FAT_CHAIN_END) {
            return status != FAT_OK ? status : FAT_NOT_FOUND;
        }
        if (!fat_volume_has_cluster(volume, next)) {
            return fat_volume_broken(volume, place->cluster, next);
        }
        place->cluster = next;
    }
    *lba = fat_volume_lba(volume, place->cluster) + slot % cluster_slots / FAT_SECTOR_SLOTS;
    return FAT_OK;
}

/* Copies the slot at *place to out and advances. FAT_NOT_FOUND at the end of the last cluster. */
static int next_slot(struct fat_volume *volume, struct fat_place *place, uint8_t out[FAT_SLOT_BYTES])
{
    uint32_t lba = 0;
    int status = find_sector(volume, place, &lba);

    if (status != FAT_OK) {
        return status;
    }
    if (place->slot >= SLOTS_MAX) {
        return fat_volume_damaged(volume, "the directory at cluster %u has no end: repair the volume", place->first, 0);
    }
    const uint8_t *data;
    status = fat_volume_sector(volume, lba, &data);
    if (status != FAT_OK) {
        return status;
    }
    memcpy(out, data + place->slot % FAT_SECTOR_SLOTS * FAT_SLOT_BYTES, FAT_SLOT_BYTES);
    place->slot++;
    return FAT_OK;
}

/* ---- Entries ---- */

static bool is_long_name(const uint8_t *slot)
{
    return slot[0] != FAT_NAME_DELETED && (slot[FAT_SLOT_ATTRIBUTES] & FAT_ATTRIBUTES_KNOWN) == FAT_ATTRIBUTE_LONG_NAME;
}

/* Whether it is a file or directory other than "." and "..". */
static bool is_entry(const uint8_t *slot)
{
    return slot[0] != FAT_NAME_DELETED && slot[0] != '.' && (slot[FAT_SLOT_ATTRIBUTES] & FAT_ATTRIBUTE_LABEL) == 0;
}

static int next_entry(struct fat_volume *volume, struct fat_place *place, struct fat_entry *entry)
{
    struct fat_long_name name;
    uint8_t slot[FAT_SLOT_BYTES];

    memset(&name, 0, sizeof name);
    do {
        int status = next_slot(volume, place, slot);
        if (status != FAT_OK || slot[0] == FAT_NAME_END) {
            return status != FAT_OK ? status : FAT_NOT_FOUND;
        }
        if (is_long_name(slot)) {
            fat_name_add_slot(&name, slot);
        } else if (!is_entry(slot)) {
            name.valid = false;
        }
    } while (is_long_name(slot) || !is_entry(slot));
    fat_name_write_short(slot, volume->oem, entry->short_name);
    if (!fat_name_write_long(&name, slot, entry->name)) {
        memcpy(entry->name, entry->short_name, sizeof entry->short_name);
    }
    uint32_t high = volume->bits == 32 ? fat_get16(slot + FAT_SLOT_CLUSTER_HIGH) << 16 : 0;
    entry->size = fat_get32(slot + FAT_SLOT_SIZE);
    entry->cluster = fat_get16(slot + FAT_SLOT_CLUSTER_LOW) | high;
    entry->is_directory = (slot[FAT_SLOT_ATTRIBUTES] & FAT_ATTRIBUTE_DIRECTORY) != 0;
    entry->is_hidden = (slot[FAT_SLOT_ATTRIBUTES] & (FAT_ATTRIBUTE_HIDDEN | FAT_ATTRIBUTE_SYSTEM)) != 0;
    return FAT_OK;
}

int fat_directory_find(struct fat_volume *volume, const char *path, struct fat_entry *entry)
{
    *entry = (struct fat_entry){.is_directory = true};
    for (;;) {
        size_t n = 0;
        while (*path == '/') {
            path++;
        }
        while (path[n] != 0 && path[n] != '/') {
            n++;
        }
        if (n == 0) {
            return FAT_OK;
        }
        if (!entry->is_directory) {
            return FAT_NOT_FOUND;
        }
        struct fat_place place = directory_start(volume, entry->cluster);
        do {
            int status = next_entry(volume, &place, entry);
            if (status != FAT_OK) {
                return status;
            }
        } while (!fat_name_equal(entry->name, path, n) && !fat_name_equal(entry->short_name, path, n));
        path += n;
    }
}

int fat_directory_list(struct fat_volume *volume, struct fat_list *list, const char *path, uint32_t index,
                       struct fat_entry *entry)
{
    int status = fat_directory_find(volume, path, entry);

    if (status != FAT_OK || !entry->is_directory) {
        return status != FAT_OK ? status : FAT_NOT_FOUND;
    }
    struct fat_place start = directory_start(volume, entry->cluster);
    if (list->place.first != start.first || index < list->index || list->index == 0) {
        *list = (struct fat_list){.place = start};
    }
    do {
        struct fat_place before = list->place;
        status = next_entry(volume, &list->place, entry);
        if (status != FAT_OK) {
            list->place = before; /* the same call then returns the same again */
            return status;
        }
    } while (list->index++ < index);
    return FAT_OK;
}
