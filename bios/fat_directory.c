#include "fat_parts.h"

#include <stddef.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

enum {
    DIRECTORY_SLOTS_MAX = 65536,
    SLOT_END = 0x00,
    SLOT_DELETED = 0xE5,
    SLOT_E5 = 0x05, /* stands for a first character E5h */
    ATTRIBUTE_LABEL = 0x08,
    ATTRIBUTE_DIRECTORY = 0x10,
    ATTRIBUTE_LONG_NAME = 0x0F,
    LOWER_CASE_BASE = 0x08, /* Windows NT's bits for short names */
    LOWER_CASE_EXTENSION = 0x10,
    LONG_NAME_LAST = 0x40, /* of a long-name slot's number: it comes first on the disk */
    LONG_NAME_SLOTS_MAX = 20,
    SLOT_UNITS = 13, /* UTF-16 units in a long-name slot */
};

/* ---- Slots ---- */

static void rewind_directory(const struct fat_volume *volume, struct fat_directory *directory, uint32_t first)
{
    *directory = (struct fat_directory){.first = first, .cluster = first};
    if (first == 0 && volume->bits == 32) {
        directory->first = directory->cluster = volume->root_cluster;
    }
}

/* Copies the slot at the directory's place to out and moves on. FAT_NOT_FOUND at the end of the last cluster. */
static int next_slot(struct fat_volume *volume, struct fat_directory *directory, uint8_t out[FAT_SLOT_BYTES])
{
    uint32_t cluster_slots = volume->cluster_sectors * FAT_SECTOR_SLOTS, slot = directory->slot;
    uint32_t lba = volume->root_start + slot / FAT_SECTOR_SLOTS;

    if (directory->first != 0) {
        if (slot == 0 && !fat_is_cluster(volume, directory->first)) {
            return fat_damaged(volume, "a directory begins at cluster %u, which is none: repair the volume",
                               directory->first, 0);
        }
        if (slot != 0 && slot % cluster_slots == 0) {
            uint32_t next;
            int status = fat_next_cluster(volume, directory->cluster, &next);
            if (status != FAT_OK || next == FAT_CHAIN_END) {
                return status != FAT_OK ? status : FAT_NOT_FOUND;
            }
            if (!fat_is_cluster(volume, next)) {
                return fat_broken(volume, directory->cluster, next);
            }
            directory->cluster = next;
        }
        lba = volume->data_start + (directory->cluster - 2) * volume->cluster_sectors +
              slot % cluster_slots / FAT_SECTOR_SLOTS;
    } else if (slot >= volume->root_slots) {
        return FAT_NOT_FOUND;
    }
    if (slot >= DIRECTORY_SLOTS_MAX) {
        return fat_damaged(volume, "the directory at cluster %u has no end: repair the volume", directory->first, 0);
    }
    const uint8_t *data = fat_sector(volume, lba);
    if (data == NULL) {
        return FAT_READ_FAILED;
    }
    memcpy(out, data + slot % FAT_SECTOR_SLOTS * FAT_SLOT_BYTES, FAT_SLOT_BYTES);
    directory->slot++;
    return FAT_OK;
}

/* ---- Names ---- */

/* Appends a code point in UTF-8; false, with nothing written, if it and a NUL do not fit. */
static bool append(char *out, uint32_t size, uint32_t *used, uint32_t code_point)
{
    static const uint8_t lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    uint32_t bytes = code_point < 0x80 ? 1 : code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;

    if (*used + bytes >= size) {
        return false;
    }
    for (uint32_t i = bytes - 1; i > 0; i--) {
        out[*used + i] = (char)(0x80 | (code_point & 0x3F));
        code_point >>= 6;
    }
    out[*used] = (char)(lead[bytes] | code_point);
    *used += bytes;
    out[*used] = 0;
    return true;
}

struct long_name { /* as its slots come in, the last part first */
    uint16_t units[LONG_NAME_SLOTS_MAX * SLOT_UNITS];
    uint32_t count;   /* units */
    uint32_t missing; /* slots still to come */
    uint8_t checksum;
    bool valid;
};

/* Slots must count down to 1 with one checksum; anything else makes the name invalid up to the next first slot. */
static void add_long_name_slot(struct long_name *name, const uint8_t *slot)
{
    static const uint8_t places[SLOT_UNITS] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    uint32_t number = slot[0] & ~(uint32_t)LONG_NAME_LAST;

    if ((slot[0] & LONG_NAME_LAST) != 0) {
        name->valid = number >= 1 && number <= LONG_NAME_SLOTS_MAX;
        name->missing = number;
        name->count = number * SLOT_UNITS;
        name->checksum = slot[13];
    }
    if (!name->valid || number != name->missing || name->missing == 0 || slot[13] != name->checksum) {
        name->valid = false;
        return;
    }
    name->missing--;
    for (uint32_t i = 0; i < SLOT_UNITS; i++) {
        name->units[name->missing * SLOT_UNITS + i] = (uint16_t)fat_get16(slot + places[i]);
    }
}

/* An old DOS renames a file and leaves its long name behind: the checksum of the short name tells. */
static bool long_name_belongs(const struct long_name *name, const uint8_t *slot)
{
    uint8_t sum = 0;

    for (int i = 0; i < 11; i++) {
        sum = (uint8_t)((sum << 7 | sum >> 1) + slot[i]);
    }
    return name->valid && name->missing == 0 && sum == name->checksum;
}

/* UTF-16 to UTF-8, unpaired surrogates as U+FFFD. False if it does not fit. */
static bool write_long_name(const struct long_name *name, char *out)
{
    uint32_t used = 0;

    for (uint32_t i = 0; i < name->count && name->units[i] != 0; i++) {
        uint32_t unit = name->units[i];
        if (unit >= 0xD800 && unit < 0xE000) {
            uint32_t low = i + 1 < name->count ? name->units[i + 1] : 0;
            bool pair = unit < 0xDC00 && low >= 0xDC00 && low < 0xE000;
            unit = pair ? 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00) : 0xFFFD;
            i += pair;
        }
        if (!append(out, FAT_NAME_MAX, &used, unit)) {
            return false;
        }
    }
    return used > 0;
}

/* One part of a short name, padded with spaces on the disk. */
static void append_short(const struct fat_volume *volume, const uint8_t *bytes, int n, bool lower,
                         struct fat_entry *entry, uint32_t *used)
{
    while (n > 0 && bytes[n - 1] == ' ') {
        n--;
    }
    for (int i = 0; i < n; i++) {
        uint8_t byte = bytes[i];
        if (lower && byte >= 'A' && byte <= 'Z') {
            byte += 'a' - 'A';
        }
        append(entry->short_name, sizeof entry->short_name, used, byte < 0x80 ? byte : volume->oem[byte - 0x80]);
    }
}

static void write_short_name(const struct fat_volume *volume, const uint8_t *slot, struct fat_entry *entry)
{
    uint8_t name[11];
    uint32_t used = 0;

    memcpy(name, slot, sizeof name);
    if (name[0] == SLOT_E5) {
        name[0] = 0xE5;
    }
    entry->short_name[0] = 0;
    append_short(volume, name, 8, (slot[12] & LOWER_CASE_BASE) != 0, entry, &used);
    if (name[8] != ' ') {
        append(entry->short_name, sizeof entry->short_name, &used, '.');
        append_short(volume, name + 8, 3, (slot[12] & LOWER_CASE_EXTENSION) != 0, entry, &used);
    }
}

/* The next entry of a directory, in volume->entry. */
static int next_entry(struct fat_volume *volume, struct fat_directory *directory)
{
    struct fat_entry *entry = &volume->entry;
    struct long_name name;
    uint8_t slot[FAT_SLOT_BYTES];

    name.count = name.missing = 0;
    name.checksum = 0;
    name.valid = false;
    for (;;) {
        int status = next_slot(volume, directory, slot);
        if (status != FAT_OK || slot[0] == SLOT_END) {
            return status != FAT_OK ? status : FAT_NOT_FOUND;
        }
        if (slot[0] != SLOT_DELETED && (slot[11] & 0x3F) == ATTRIBUTE_LONG_NAME) {
            add_long_name_slot(&name, slot);
            continue;
        }
        if (slot[0] != SLOT_DELETED && slot[0] != '.' && (slot[11] & ATTRIBUTE_LABEL) == 0) {
            break;
        }
        name.valid = false;
    }
    write_short_name(volume, slot, entry);
    if (!long_name_belongs(&name, slot) || !write_long_name(&name, entry->name)) {
        memcpy(entry->name, entry->short_name, sizeof entry->short_name);
    }
    entry->size = fat_get32(slot + 28);
    entry->cluster = fat_get16(slot + 26) | (volume->bits == 32 ? fat_get16(slot + 20) << 16 : 0);
    entry->is_directory = (slot[11] & ATTRIBUTE_DIRECTORY) != 0;
    return FAT_OK;
}

/* Lower case for ASCII, Latin-1, Greek and Cyrillic, which is where names on disks mostly are. */
static uint32_t fold(uint32_t c)
{
    bool by_32 = (c >= 'A' && c <= 'Z') || (c >= 0xC0 && c <= 0xDE && c != 0xD7) || (c >= 0x391 && c <= 0x3A9) ||
                 (c >= 0x410 && c <= 0x42F);
    return by_32 ? c + 32 : c >= 0x400 && c <= 0x40F ? c + 80 : c;
}

/* Compares a whole name with part[0..n) of a path. */
static bool same_name(const char *name, const char *part, size_t n)
{
    const char *name_end = name + text_length(name), *part_end = part + n;

    while (name < name_end && part < part_end) {
        if (fold(utf8_next(&name, name_end)) != fold(utf8_next(&part, part_end))) {
            return false;
        }
    }
    return name == name_end && part == part_end;
}

int fat_find(struct fat_volume *volume, const char *path)
{
    struct fat_entry *entry = &volume->entry;

    *entry = (struct fat_entry){.is_directory = true};
    for (;;) {
        struct fat_directory directory;
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
        rewind_directory(volume, &directory, entry->cluster);
        do {
            int status = next_entry(volume, &directory);
            if (status != FAT_OK) {
                return status;
            }
        } while (!same_name(entry->name, path, n) && !same_name(entry->short_name, path, n));
        path += n;
    }
}

int fat_list(struct fat_volume *volume, const char *path, uint32_t index)
{
    struct fat_directory *list = &volume->list;
    int status = fat_find(volume, path);

    if (status != FAT_OK || !volume->entry.is_directory) {
        return status != FAT_OK ? status : FAT_NOT_FOUND;
    }
    struct fat_directory start;
    rewind_directory(volume, &start, volume->entry.cluster);
    if (list->first != start.first || index < volume->list_index || volume->list_index == 0) {
        *list = start;
        volume->list_index = 0;
    }
    do {
        struct fat_directory before = *list;
        status = next_entry(volume, list);
        if (status != FAT_OK) {
            *list = before; /* asked again, it says the same again */
            return status;
        }
    } while (volume->list_index++ < index);
    return FAT_OK;
}
