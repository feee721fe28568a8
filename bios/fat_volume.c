#include "fat_parts.h"

#include <stddef.h>

#include "base/format.h"
#include "base/memory.h"

enum {
    PARTITION_TABLE = 0x1BE, /* in sector 0 */
    PARTITIONS = 4,
    PARTITION_BYTES = 16,
    ACTIVE = 0x80,
    SIGNATURE = 0x1FE,

    FAT12_CLUSTERS_MAX = 4084, /* the number of clusters decides the type */
    FAT16_CLUSTERS_MAX = 65524,
    FAT32_CLUSTERS_MAX = 0x0FFFFFF5,
    NO_MIRROR = 0x80, /* of FAT32's flags: one FAT alone is kept up to date, its number in the low bits */
};

/* ---- Sectors through the cache ---- */

/* The line used longest ago gives way; the difference is right when the count of lookups wraps. */
static struct fat_line *oldest_line(struct fat_volume *volume)
{
    struct fat_line *oldest = &volume->line[0];

    for (int i = 1; i < FAT_LINES; i++) {
        if (volume->lookups - volume->line[i].used > volume->lookups - oldest->used) {
            oldest = &volume->line[i];
        }
    }
    return oldest;
}

/* A line of neighbours is read with the sector, unless one of them is unreadable. */
const uint8_t *fat_sector(struct fat_volume *volume, uint32_t lba)
{
    volume->lookups++;
    for (int i = 0; i < FAT_LINES; i++) {
        struct fat_line *line = &volume->line[i];
        if (lba - line->lba < line->count) {
            line->used = volume->lookups;
            return line->data + (lba - line->lba) * FAT_SECTOR;
        }
    }
    struct fat_line *line = oldest_line(volume);
    uint32_t ahead = (lba - volume->start) % FAT_LINE_SECTORS, left = volume->end - (lba - ahead);
    line->used = volume->lookups;
    line->lba = lba - ahead;
    line->count = left < FAT_LINE_SECTORS ? left : FAT_LINE_SECTORS;
    if (volume->read(volume->context, line->lba, line->count, line->data) != 0) {
        line->lba = lba;
        line->count = volume->read(volume->context, lba, 1, line->data) == 0 ? 1 : 0;
    }
    return line->count > 0 ? line->data + (lba - line->lba) * FAT_SECTOR : NULL;
}

int fat_damaged(struct fat_volume *volume, const char *pattern, uint32_t a, uint32_t b)
{
    format(volume->error, sizeof volume->error, pattern, a, b);
    return FAT_DAMAGED;
}

/* ---- The volume ---- */

struct layout { /* what the boot sector says, in sectors of 512 bytes */
    uint32_t cluster, reserved, fats, fat, root_slots, total;
};

static bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

/* Reads the BIOS parameter block; false if a number in it cannot be. */
static bool read_layout(const uint8_t *boot, struct layout *layout)
{
    uint32_t bytes = fat_get16(boot + 11), scale = bytes / FAT_SECTOR;
    uint32_t total = fat_get16(boot + 19) != 0 ? fat_get16(boot + 19) : fat_get32(boot + 32);
    uint32_t fat = fat_get16(boot + 22) != 0 ? fat_get16(boot + 22) : fat_get32(boot + 36);

    if (fat_get16(boot + SIGNATURE) != 0xAA55 || !is_power_of_two(bytes) || bytes < FAT_SECTOR || bytes > 4096 ||
        !is_power_of_two(boot[13]) || fat_get16(boot + 14) == 0 || boot[16] == 0 || fat == 0 || total == 0 ||
        fat > UINT32_MAX / scale || total > UINT32_MAX / scale) {
        return false;
    }
    *layout = (struct layout){
        .cluster = boot[13] * scale,
        .reserved = fat_get16(boot + 14) * scale,
        .fats = boot[16],
        .fat = fat * scale,
        .root_slots = fat_get16(boot + 17),
        .total = total * scale,
    };
    return true;
}

/* Only FAT32 has no FAT size in the 16-bit field. Its volumes made too small for it are read as what they are. */
static bool set_type(struct fat_volume *volume, const uint8_t *boot)
{
    if (fat_get16(boot + 22) != 0) {
        volume->bits = volume->clusters <= FAT12_CLUSTERS_MAX ? 12 : 16;
        return volume->clusters <= FAT16_CLUSTERS_MAX;
    }
    volume->bits = 32;
    volume->root_cluster = fat_get32(boot + 44);
    if ((boot[40] & NO_MIRROR) != 0) {
        uint32_t active = boot[40] & 0x0F;
        if (active >= volume->fat_count) {
            return false;
        }
        volume->fat_start += active * volume->fat_sectors;
        volume->fat_count = 1;
    }
    return volume->root_slots == 0 && volume->clusters <= FAT32_CLUSTERS_MAX && fat_get16(boot + 42) == 0;
}

/* Takes the volume at `start` if its boot sector makes sense. */
static int mount_at(struct fat_volume *volume, uint32_t start)
{
    struct layout layout;

    volume->start = start;
    volume->end = start + 1;
    const uint8_t *boot = fat_sector(volume, start);
    if (boot == NULL) {
        return FAT_READ_FAILED;
    }
    if (!read_layout(boot, &layout) || layout.total > UINT32_MAX - start) {
        return fat_damaged(volume, "no FAT file system at LBA %u", start, 0);
    }
    uint32_t root = (layout.root_slots + FAT_SECTOR_SLOTS - 1) / FAT_SECTOR_SLOTS;
    uint64_t before_data = layout.reserved + (uint64_t)layout.fats * layout.fat + root;
    if (before_data >= layout.total || (layout.total - (uint32_t)before_data) < layout.cluster) {
        return fat_damaged(volume, "the FAT file system at LBA %u has no room for data", start, 0);
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
        return fat_damaged(volume, "the FAT file system at LBA %u contradicts itself", start, 0);
    }
    uint64_t entries = (uint64_t)layout.fat * FAT_SECTOR * 8 / volume->bits;
    if (entries < volume->clusters + 2ull) {
        volume->clusters = entries > 2 ? (uint32_t)entries - 2 : 0; /* no more than the FAT tells of */
    }
    volume->end = start + layout.total;
    return FAT_OK;
}

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

int fat_mount(struct fat_volume *volume, fat_read_sectors *read, void *context, const uint16_t *oem)
{
    uint8_t table[PARTITIONS * PARTITION_BYTES];
    int status = FAT_NOT_FOUND;

    *volume = (struct fat_volume){.read = read, .context = context, .oem = oem, .end = 1};
    const uint8_t *first = fat_sector(volume, 0);
    if (first == NULL) {
        return FAT_READ_FAILED;
    }
    memcpy(table, first + PARTITION_TABLE, sizeof table);
    for (int active = 1; active >= 0; active--) {
        for (int i = 0; i < PARTITIONS; i++) {
            const uint8_t *partition = table + i * PARTITION_BYTES;
            uint32_t start = fat_get32(partition + 8);
            if (partition[0] == (active ? ACTIVE : 0) && is_fat_type(partition[4]) && start != 0) {
                status = mount_at(volume, start);
            }
            if (status == FAT_OK) {
                return FAT_OK;
            }
        }
    }
    if (status == FAT_NOT_FOUND) {
        return mount_at(volume, 0); /* a disk without partitions */
    }
    char reason[sizeof volume->error];
    memcpy(reason, volume->error, sizeof reason);
    if (mount_at(volume, 0) != FAT_OK) {
        memcpy(volume->error, reason, sizeof reason);
        return status;
    }
    return FAT_OK;
}

/* ---- Chains of clusters ---- */

bool fat_is_cluster(const struct fat_volume *volume, uint32_t cluster)
{
    return cluster >= 2 && cluster - 2 < volume->clusters;
}

/* Sector `number` of the FAT, from the copy that could be read last or the first other one that can. */
static const uint8_t *table_sector(struct fat_volume *volume, uint32_t number)
{
    for (uint32_t tried = 0; tried < volume->fat_count; tried++) {
        const uint8_t *data = fat_sector(volume, volume->fat_start + volume->fat_copy * volume->fat_sectors + number);
        if (data != NULL) {
            return data;
        }
        volume->fat_copy = (volume->fat_copy + 1) % volume->fat_count;
    }
    return NULL;
}

/* What the FAT says of a cluster: the next one, FAT_CHAIN_END, FAT_CHAIN_BAD, or a number that is_cluster refuses. */
int fat_next_cluster(struct fat_volume *volume, uint32_t cluster, uint32_t *next)
{
    uint32_t bits = volume->bits, offset = bits == 12 ? cluster + cluster / 2 : cluster * (bits / 8);
    uint32_t number = offset / FAT_SECTOR, place = offset % FAT_SECTOR;
    const uint8_t *data = table_sector(volume, number);

    if (data == NULL) {
        return FAT_READ_FAILED;
    }
    uint32_t value = bits == 32 ? fat_get32(data + place) & 0x0FFFFFFF : data[place];
    if (bits != 32) { /* an entry of FAT12 may lie across two sectors */
        if (place == FAT_SECTOR - 1 && (data = table_sector(volume, number + 1)) == NULL) {
            return FAT_READ_FAILED;
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

/* Says why a chain cannot go on from `cluster` to `next`. */
int fat_broken(struct fat_volume *volume, uint32_t cluster, uint32_t next)
{
    const char *pattern = next == 0               ? "cluster %u leads to a free cluster: repair the volume"
                          : next == FAT_CHAIN_END ? "the chain of clusters ends too early, at %u: repair the volume"
                          : next == FAT_CHAIN_BAD ? "cluster %u leads to a bad cluster: repair the volume"
                                                  : "cluster %u leads to %u, which is none: repair the volume";
    return fat_damaged(volume, pattern, cluster, next);
}

static int follow(struct fat_volume *volume, uint32_t *cluster)
{
    uint32_t next;
    int status = fat_next_cluster(volume, *cluster, &next);

    if (status == FAT_OK && !fat_is_cluster(volume, next)) {
        status = fat_broken(volume, *cluster, next);
    }
    *cluster = next;
    return status;
}

/* ---- Files ---- */

/* Every second mark goes, and from now on marks keep a distance. */
static void thin_marks(struct fat_file *file)
{
    for (uint32_t i = 0; i < FAT_MARKS / 2; i++) {
        file->mark[i] = file->mark[2 * i];
    }
    file->marks = FAT_MARKS / 2;
    file->gap = file->gap == 0 ? 2 : file->gap * 2;
    file->complete = false;
}

/* Notes where a fragment begins, as long as there is room for all of them. */
static void add_mark(struct fat_file *file, uint32_t index, uint32_t cluster)
{
    if (file->marks == FAT_MARKS) {
        thin_marks(file);
    }
    if (file->marks == 0 || index - file->mark[file->marks - 1].index >= file->gap) {
        file->mark[file->marks++] = (struct fat_mark){index, cluster};
    }
}

/* Goes through the whole chain once. A loop shows as a chain that does not end where the file does. */
static int read_chain(struct fat_volume *volume, struct fat_file *file, uint32_t first)
{
    uint32_t cluster = first, next = first;

    if (file->clusters > volume->clusters) {
        return fat_damaged(volume, "the file is larger than the volume: repair the volume", 0, 0);
    }
    for (uint32_t i = 0; i < file->clusters; i++) {
        if (!fat_is_cluster(volume, next)) {
            return i > 0 ? fat_broken(volume, cluster, next)
                         : fat_damaged(volume, "the file begins at cluster %u, which is none: repair the volume", first,
                                       0);
        }
        if (i == 0 || next != cluster + 1) {
            add_mark(file, i, next);
        }
        cluster = next;
        int status = fat_next_cluster(volume, cluster, &next);
        if (status != FAT_OK) {
            return status;
        }
    }
    if (file->clusters > 0 && next != FAT_CHAIN_END) {
        return fat_damaged(volume, "the chain of clusters goes on after its end, %u: repair the volume", cluster, 0);
    }
    return FAT_OK;
}

int fat_open(struct fat_volume *volume, const char *path, struct fat_file *file)
{
    int status = fat_find(volume, path);

    if (status != FAT_OK || volume->entry.is_directory) {
        return status != FAT_OK ? status : FAT_NOT_FOUND;
    }
    uint32_t cluster_bytes = volume->cluster_sectors * FAT_SECTOR, size = volume->entry.size;
    *file = (struct fat_file){
        .size = size,
        .clusters = size / cluster_bytes + (size % cluster_bytes != 0),
        .complete = true,
    };
    return read_chain(volume, file, volume->entry.cluster);
}

/* The mark at or before cluster `index` of the file. */
static uint32_t find_mark(const struct fat_file *file, uint32_t index)
{
    uint32_t low = 0, high = file->marks;

    while (high - low > 1) {
        uint32_t middle = (low + high) / 2;
        if (file->mark[middle].index <= index) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Finds cluster `index` of the file and how many after it, `wanted` at most and itself included, lie in one piece. */
static int locate(struct fat_volume *volume, struct fat_file *file, uint32_t index, uint32_t wanted, uint32_t *cluster,
                  uint32_t *run)
{
    uint32_t number = find_mark(file, index);
    struct fat_mark at = file->mark[number];

    if (file->complete) {
        uint32_t end = number + 1 < file->marks ? file->mark[number + 1].index : file->clusters;
        *cluster = at.cluster + (index - at.index);
        *run = end - index < wanted ? end - index : wanted;
        return FAT_OK;
    }
    if (file->last.index > at.index && file->last.index <= index) {
        at = file->last;
    }
    for (; at.index < index; at.index++) {
        int status = follow(volume, &at.cluster);
        if (status != FAT_OK) {
            return status;
        }
    }
    file->last = at;
    *cluster = at.cluster;
    *run = 1;
    for (uint32_t next; *run < wanted; ++*run) {
        int status = fat_next_cluster(volume, at.cluster, &next);
        if (status != FAT_OK || next != at.cluster + 1 || !fat_is_cluster(volume, next)) {
            return status;
        }
        at.cluster = next;
    }
    return FAT_OK;
}

/* Reads n bytes from byte `skip` of sector `lba` on. */
static int read_span(struct fat_volume *volume, uint32_t lba, uint32_t skip, uint8_t *out, uint32_t n)
{
    while (n > 0) {
        uint32_t done = n / FAT_SECTOR * FAT_SECTOR;
        if (skip == 0 && done > 0) {
            if (volume->read(volume->context, lba, done / FAT_SECTOR, out) != 0) {
                return FAT_READ_FAILED;
            }
        } else { /* a part of a sector */
            const uint8_t *data = fat_sector(volume, lba);
            if (data == NULL) {
                return FAT_READ_FAILED;
            }
            done = n < FAT_SECTOR - skip ? n : FAT_SECTOR - skip;
            memcpy(out, data + skip, done);
        }
        lba += (skip + done) / FAT_SECTOR;
        skip = 0;
        out += done;
        n -= done;
    }
    return FAT_OK;
}

int fat_read(struct fat_volume *volume, struct fat_file *file, uint32_t offset, void *buffer, uint32_t bytes)
{
    uint32_t cluster_bytes = volume->cluster_sectors * FAT_SECTOR;
    uint8_t *out = buffer;

    while (bytes > 0) {
        uint32_t skip = offset % cluster_bytes, cluster, run;
        uint32_t wanted = (uint32_t)(((uint64_t)skip + bytes + cluster_bytes - 1) / cluster_bytes);
        int status = locate(volume, file, offset / cluster_bytes, wanted, &cluster, &run);
        if (status != FAT_OK) {
            return status;
        }
        uint64_t room = (uint64_t)run * cluster_bytes - skip;
        uint32_t n = bytes < room ? bytes : (uint32_t)room;
        uint32_t lba = volume->data_start + (cluster - 2) * volume->cluster_sectors + skip / FAT_SECTOR;
        status = read_span(volume, lba, skip % FAT_SECTOR, out, n);
        if (status != FAT_OK) {
            return status;
        }
        out += n;
        offset += n;
        bytes -= n;
    }
    return FAT_OK;
}
