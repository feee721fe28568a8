#include "fat_disk.h"

#include "base/format.h"
#include "base/memory.h"

enum {
    /* The partition table of a master or extended boot record. */
    TABLE = 0x1BE,
    ENTRIES = 4,
    ENTRY_BYTES = 16,
    ENTRY_FLAG = 0,
    ENTRY_TYPE = 4,
    ENTRY_START = 8, /* LBA, 32 bit */
    FLAG_ACTIVE = 0x80,
    TYPE_NONE = 0x00,
    TYPE_EXTENDED = 0x05,
    TYPE_EXTENDED_LBA = 0x0F,
    TYPE_EXTENDED_LINUX = 0x85,
    TYPE_GPT = 0xEE,
    LOGICAL_MAX = 32,

    /* The GUID partition table: UEFI specification ch. 5.3. */
    GPT_LBA = 1,
    GPT_ENTRIES_LBA = 72,   /* 64 bit */
    GPT_ENTRIES = 80,       /* 32 bit */
    GPT_ENTRY_BYTES = 84,   /* 32 bit */
    GPT_ENTRY_START = 32,   /* 64 bit */
    GPT_ENTRIES_USED = 128, /* at most */

    FILE_SYSTEM_NAME = 3, /* of 8 bytes, in the boot sector */
    FILE_SYSTEM_NAME_BYTES = 8,
};

static const uint8_t gpt_signature[8] = "EFI PART";

struct partition_table {
    uint8_t bytes[ENTRIES * ENTRY_BYTES];
};

static const uint8_t *entry_of(const struct partition_table *table, int number)
{
    return table->bytes + number * ENTRY_BYTES;
}

static bool is_extended(uint8_t type)
{
    return type == TYPE_EXTENDED || type == TYPE_EXTENDED_LBA || type == TYPE_EXTENDED_LINUX;
}

/* ---- One place ---- */

/* The most likely other file systems of a partition. */
static const char *other_file_system(const uint8_t *boot)
{
    static const struct {
        char signature[FILE_SYSTEM_NAME_BYTES + 1];
        const char *name;
    } others[] = {{"EXFAT   ", "exFAT"}, {"NTFS    ", "NTFS"}, {"-FVE-FS-", "BitLocker"}};

    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (memcmp(boot + FILE_SYSTEM_NAME, others[i].signature, FILE_SYSTEM_NAME_BYTES) == 0) {
            return others[i].name;
        }
    }
    return NULL;
}

/* Keeps the first failure, or the first one that names another file system. */
static void note_failure(struct fat_disk *disk, const struct fat_volume *volume, int status)
{
    const uint8_t *boot;
    const char *name = NULL;

    if (status == FAT_DAMAGED && fat_cache_sector(disk->cache, volume->start, volume->start + 1, &boot) == FAT_OK) {
        name = other_file_system(boot);
    }
    if (disk->is_named || (disk->status != FAT_OK && name == NULL)) {
        return;
    }
    disk->status = status;
    disk->is_named = name != NULL;
    if (name != NULL) {
        format(disk->error, sizeof disk->error,
               "the partition at LBA %u holds %s: format it as FAT32 or write the image again", volume->start, name);
    } else {
        memcpy(disk->error, volume->error, sizeof disk->error);
    }
}

/* Adds the volume at `start` unless it is known. Returns FAT_STOPPED, or FAT_OK after recording any failure. */
static int try_volume(struct fat_disk *disk, uint32_t start)
{
    for (uint32_t i = 0; i < disk->count; i++) {
        if (disk->volume[i].start == start) {
            return FAT_OK;
        }
    }
    if (disk->count == FAT_DISK_VOLUMES_MAX) {
        return FAT_OK;
    }
    struct fat_volume *volume = &disk->volume[disk->count];
    int status = fat_volume_mount(volume, disk->cache, start, disk->oem);
    if (status == FAT_OK) {
        disk->count++;
    } else if (status != FAT_STOPPED) {
        note_failure(disk, volume, status);
    }
    return status == FAT_STOPPED ? FAT_STOPPED : FAT_OK;
}

/* ---- Tables ---- */

/* Reads the partition table of the boot record at `lba`. FAT_NOT_FOUND if it cannot be one. */
static int read_table(struct fat_disk *disk, uint32_t lba, struct partition_table *table)
{
    const uint8_t *sector;
    int status = fat_cache_sector(disk->cache, lba, lba + 1, &sector);

    if (status != FAT_OK) {
        return status;
    }
    memcpy(table->bytes, sector + TABLE, sizeof table->bytes);
    bool is_table = fat_get16(sector + FAT_BOOT_SIGNATURE) == FAT_BOOT_SIGNATURE_IS;
    for (int i = 0; i < ENTRIES; i++) {
        is_table = is_table && (entry_of(table, i)[ENTRY_FLAG] & ~FLAG_ACTIVE) == 0;
    }
    return is_table ? FAT_OK : FAT_NOT_FOUND;
}

/* The logical partitions of an extended one: a chain of boot records, each with a partition and the next link. */
static int try_logical(struct fat_disk *disk, uint32_t extended)
{
    struct partition_table table;
    uint32_t record = extended;

    for (int i = 0; i < LOGICAL_MAX && read_table(disk, record, &table) == FAT_OK; i++) {
        const uint8_t *partition = entry_of(&table, 0), *next = entry_of(&table, 1);
        if (partition[ENTRY_TYPE] != TYPE_NONE &&
            try_volume(disk, record + fat_get32(partition + ENTRY_START)) == FAT_STOPPED) {
            return FAT_STOPPED;
        }
        if (!is_extended(next[ENTRY_TYPE])) {
            break;
        }
        record = extended + fat_get32(next + ENTRY_START);
    }
    return FAT_OK;
}

static uint32_t low_lba(const uint8_t *bytes)
{
    return fat_get32(bytes + 4) == 0 ? fat_get32(bytes) : 0; /* nothing beyond 2 TiB is read */
}

static int try_gpt(struct fat_disk *disk)
{
    const uint8_t *header, *sector;
    int status = fat_cache_sector(disk->cache, GPT_LBA, GPT_LBA + 1, &header);

    if (status != FAT_OK || memcmp(header, gpt_signature, sizeof gpt_signature) != 0) {
        return status;
    }
    uint32_t first = low_lba(header + GPT_ENTRIES_LBA), count = fat_get32(header + GPT_ENTRIES);
    uint32_t bytes = fat_get32(header + GPT_ENTRY_BYTES);
    if (first == 0 || bytes < 128 || bytes > FAT_SECTOR || FAT_SECTOR % bytes != 0) {
        return FAT_OK;
    }
    for (uint32_t i = 0; i < count && i < GPT_ENTRIES_USED && status == FAT_OK; i++) {
        uint32_t lba = first + i * bytes / FAT_SECTOR;
        status = fat_cache_sector(disk->cache, lba, lba + 1, &sector);
        uint32_t start = status == FAT_OK ? low_lba(sector + i * bytes % FAT_SECTOR + GPT_ENTRY_START) : 0;
        if (start != 0) {
            status = try_volume(disk, start);
        }
    }
    return status;
}

/* The volumes of the table at `origin`, with LBAs relative to it: the active ones first, if requested. */
static int try_table(struct fat_disk *disk, uint32_t origin, bool active_first)
{
    struct partition_table table;
    int status = read_table(disk, origin, &table);

    if (status != FAT_OK) {
        return status;
    }
    for (int round = active_first ? 0 : 1; round < 2; round++) {
        for (int i = 0; i < ENTRIES && status == FAT_OK; i++) {
            const uint8_t *entry = entry_of(&table, i);
            uint8_t type = entry[ENTRY_TYPE];
            uint32_t start = origin + fat_get32(entry + ENTRY_START);
            if (type == TYPE_NONE || start == origin || (round == 0 && entry[ENTRY_FLAG] != FLAG_ACTIVE)) {
                continue;
            }
            status = is_extended(type)  ? try_logical(disk, start)
                     : type == TYPE_GPT ? try_gpt(disk)
                                        : try_volume(disk, start);
        }
    }
    return status;
}

int fat_disk_mount(struct fat_disk *disk, struct fat_cache *cache, uint32_t origin, const uint16_t *oem)
{
    *disk = (struct fat_disk){.cache = cache, .oem = oem};
    int status = try_table(disk, origin, true);
    if (status == FAT_OK || status == FAT_NOT_FOUND) {
        status = try_volume(disk, origin); /* the whole medium, without partitions */
    }
    if (origin != 0 && status == FAT_OK) {
        status = try_table(disk, 0, false);
    }
    if (disk->count > 0) {
        return FAT_OK;
    }
    return status == FAT_READ_FAILED || status == FAT_STOPPED ? status : disk->status;
}
