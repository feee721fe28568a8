/*
 * The FAT driver on a damaged disk. The first byte of the input takes one of three sound volumes (FAT12, FAT16, FAT32)
 * or nothing in bits 0 and 1, a cache with pieces in bit 2, and in the others after how many reads, if not 0, it is
 * asked to stop. The rest is changes to the volume, three bytes each: place (16 bit, little-endian) and new value. With
 * nothing, the rest is the disk itself. Sectors past what is stored are zero; past the end of the disk they cannot be
 * read.
 */
#include <stdlib.h>
#include <string.h>

#include "fat_boot.h"

enum {
    STORED = 65536, /* bytes of the disk that can be changed */
    DISK_SECTORS = 6000,
    ROOT_SLOTS = 64,
    READS_MAX = 400000, /* far more than a volume of this size takes */
    ENTRIES_MAX = 70000,
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t disk[STORED];
static uint32_t reads, stop_after;
static struct fat_boot boot;

static int read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer)
{
    uint8_t *out = buffer;

    (void)context;
    reads++;
    if (reads > READS_MAX || count == 0)
        abort();
    if (stop_after > 0 && reads > stop_after)
        return FAT_STOPPED;
    if (lba >= DISK_SECTORS || count > DISK_SECTORS - lba)
        return FAT_READ_FAILED;
    for (; count > 0; count--, lba++, out += FAT_SECTOR) {
        if (lba < STORED / FAT_SECTOR)
            memcpy(out, disk + lba * FAT_SECTOR, FAT_SECTOR);
        else
            memset(out, 0, FAT_SECTOR);
    }
    return FAT_OK;
}

static void put16(uint32_t place, uint32_t value)
{
    disk[place] = (uint8_t)value;
    disk[place + 1] = (uint8_t)(value >> 8);
}

static void put_link(uint32_t bits, uint32_t cluster, uint32_t value)
{
    uint8_t *fat = disk + FAT_SECTOR;

    if (bits == 12) {
        uint32_t place = cluster + cluster / 2, shift = cluster % 2 * 4;
        fat[place] = (uint8_t)(fat[place] | value << shift);
        fat[place + 1] = (uint8_t)(fat[place + 1] | (value << shift) >> 8);
    } else {
        for (uint32_t i = 0; i < bits / 8; i++)
            fat[cluster * (bits / 8) + i] = (uint8_t)(value >> 8 * i);
    }
}

static void put_entry(uint8_t *slot, const char name[12], uint8_t attributes, uint32_t cluster, uint32_t bytes)
{
    memcpy(slot, name, 11);
    slot[11] = attributes;
    slot[26] = (uint8_t)cluster;
    memcpy(slot + 28, &bytes, 4);
}

/* One slot of a long name of at most 13 characters for the short entry after it. */
static void put_long_name(uint8_t *slot, const char *name, const uint8_t *entry)
{
    static const uint8_t places[13] = {1, 3, 5, 7, 9, 14, 16, 18, 20, 22, 24, 28, 30};
    size_t length = strlen(name);
    uint8_t sum = 0;

    for (int i = 0; i < 11; i++)
        sum = (uint8_t)((sum << 7 | sum >> 1) + entry[i]);
    slot[0] = 0x41;
    slot[11] = 0x0F;
    slot[13] = sum;
    for (size_t i = 0; i < 13; i++)
        slot[places[i]] = (uint8_t)(i < length ? name[i] : i == length ? 0 : 0xFF);
}

/* A volume on the whole disk: a directory in cluster 3 with two files, one of three clusters in disorder, and a folder
   in cluster 8 with a model; another one in the root. */
static void make_volume(uint32_t bits)
{
    static const uint8_t chain[][2] = {{4, 6}, {6, 5}, {5, 0}};
    uint32_t clusters = bits == 16 ? 5000 : 100;
    uint32_t fat = (clusters * bits / 8 + FAT_SECTOR) / FAT_SECTOR, root = bits == 32 ? 0 : ROOT_SLOTS;
    uint32_t data = (1 + fat) * FAT_SECTOR + root * 32, end = 0xFFFFFFF >> (bits == 12 ? 16 : bits == 16 ? 12 : 0);

    put16(11, FAT_SECTOR);
    disk[13] = 1;
    put16(14, 1);
    disk[16] = 1;
    put16(17, root);
    put16(bits == 32 ? 36 : 22, fat);
    put16(32, 1 + fat + root / 16 + clusters);
    put16(34, (1 + fat + root / 16 + clusters) >> 16);
    put16(44, bits == 32 ? 2 : 0);
    put16(510, 0xAA55);
    for (int i = 2; i < 4; i++)
        put_link(bits, (uint32_t)i, end);
    for (int i = 0; i < 3; i++)
        put_link(bits, chain[i][0], chain[i][1] != 0 ? chain[i][1] : end);
    for (uint32_t cluster = 7; cluster < 10; cluster++)
        put_link(bits, cluster, end);
    uint8_t *top = disk + (bits == 32 ? data : data - root * 32), *models = disk + data + FAT_SECTOR;
    put_entry(top, "MODELS     ", 0x10, 3, 0);
    put_entry(models + 32, "LONGNA~1GGU", 0, 4, 3 * FAT_SECTOR);
    put_long_name(models, "long name.gg", models + 32);
    put_entry(models + 64, "B       BIN", 0, 7, 100);
    put_entry(models + 96, "IN         ", 0x10, 8, 0);
    put_entry(disk + data + 6 * FAT_SECTOR, "C       GGU", 0, 9, 300);
    put_entry(top + 32, "D       GGU", 0, 7, 100);
}

static void read_file(const char *path)
{
    static uint8_t buffer[8 * FAT_SECTOR];
    struct fat_file file;

    if (fat_boot_open(&boot, path, &file) != FAT_OK)
        return;
    for (uint32_t part = 0; part < 3; part++) {
        uint32_t n = file.size < sizeof buffer ? file.size : sizeof buffer;
        if (fat_file_read(&file, (file.size - n) / 2 * part, buffer, n) == FAT_NOT_FOUND)
            abort();
    }
}

static void list_directory(const char *path)
{
    char file[FAT_NAME_MAX + 16];
    struct fat_entry entry;
    uint32_t index = 0;

    while (fat_boot_list(&boot, path, index, &entry) == FAT_OK) {
        size_t length = strlen(entry.name);
        if (length >= FAT_NAME_MAX || strlen(entry.short_name) >= sizeof entry.short_name || index > ENTRIES_MAX)
            abort();
        if (index++ < 3) {
            strcpy(file, path);
            strcat(file, "/");
            strcat(file, entry.name);
            read_file(file);
        }
    }
}

static int list_platform(void *context, const char *directory, uint32_t index, struct platform_entry *named)
{
    struct fat_entry entry;
    int status = fat_boot_list(&boot, directory, index, &entry);

    (void)context;
    if (status != FAT_OK)
        return status == FAT_NOT_FOUND ? PLATFORM_NOT_FOUND
               : status == FAT_STOPPED ? PLATFORM_STOPPED
                                       : PLATFORM_IO_ERROR;
    fat_boot_describe(&entry, named);
    return PLATFORM_OK;
}

/* A walk over all models ends, in whatever circles the folders lie. */
static void walk_models(void)
{
    static struct model_walk walk;
    struct platform_entry named;
    char path[MODEL_PATH_MAX];
    uint32_t found = 0;
    int status;

    model_walk_begin(&walk, list_platform, NULL);
    while ((status = model_walk_next(&walk, &named)) != PLATFORM_NOT_FOUND && status != PLATFORM_STOPPED) {
        if (status == PLATFORM_OK && found < 3) {
            model_walk_path(path, named.name);
            read_file(path);
        }
        if (found++ > MODEL_WALK_ENTRIES)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint32_t types[] = {0, 12, 16, 32};
    static const uint16_t oem[128];
    static struct fat_cache cache;
    static uint8_t pieces[2 * FAT_CACHE_PIECE_BYTES];

    if (size == 0)
        return 0;
    memset(disk, 0, sizeof disk);
    reads = 0;
    stop_after = data[0] >> 3;
    uint32_t bits = types[data[0] % 4];
    if (bits == 0) {
        memcpy(disk, data + 1, size - 1 < sizeof disk ? size - 1 : sizeof disk);
    } else {
        make_volume(bits);
        for (size_t i = 1; i + 3 <= size; i += 3)
            disk[data[i] | data[i + 1] << 8] = data[i + 2];
    }
    fat_cache_init(&cache, read_sectors, NULL, pieces, (data[0] & 4) != 0 ? sizeof pieces : 0);
    fat_boot_init(&boot, &cache, 0, oem);
    list_directory("");
    list_directory("/MODELS");
    read_file("/models/LONG NAME.GG");
    read_file("/MODELS/B.BIN");
    walk_models();
    return 0;
}
