#include "fat_file.h"

#include <stddef.h>

#include "base/memory.h"
#include "fat_directory.h"

static int follow(struct fat_volume *volume, uint32_t *cluster)
{
    uint32_t next;
    int status = fat_volume_next(volume, *cluster, &next);

    if (status == FAT_OK && !fat_volume_has_cluster(volume, next)) {
        status = fat_volume_broken(volume, *cluster, next);
    }
    *cluster = next;
    return status;
}

/* ---- Files ---- */

/* Every second mark goes, and from now on marks keep a distance. */
static void thin_marks(struct fat_file *file)
{
    for (uint32_t i = 0; i < FAT_FILE_MARKS / 2; i++) {
        file->mark[i] = file->mark[2 * i];
    }
    file->marks = FAT_FILE_MARKS / 2;
    file->gap = file->gap == 0 ? 2 : file->gap * 2;
    file->complete = false;
}

/* Notes where a fragment begins, as long as there is room for all of them. */
static void add_mark(struct fat_file *file, uint32_t index, uint32_t cluster)
{
    if (file->marks == FAT_FILE_MARKS) {
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
        return fat_volume_damaged(volume, "the file is larger than the volume: repair the volume", 0, 0);
    }
    for (uint32_t i = 0; i < file->clusters; i++) {
        if (!fat_volume_has_cluster(volume, next)) {
            return i > 0 ? fat_volume_broken(volume, cluster, next)
                         : fat_volume_damaged(volume, "the file begins at cluster %u, which is none: repair the volume",
                                              first, 0);
        }
        if (i == 0 || next != cluster + 1) {
            add_mark(file, i, next);
        }
        cluster = next;
        int status = fat_volume_next(volume, cluster, &next);
        if (status != FAT_OK) {
            return status;
        }
    }
    if (file->clusters > 0 && next != FAT_CHAIN_END) {
        return fat_volume_damaged(volume, "the chain of clusters goes on after its end, %u: repair the volume", cluster,
                                  0);
    }
    return FAT_OK;
}

int fat_file_open(struct fat_volume *volume, const char *path, struct fat_file *file)
{
    struct fat_entry entry;
    int status = fat_directory_find(volume, path, &entry);

    if (status != FAT_OK || entry.is_directory) {
        return status != FAT_OK ? status : FAT_NOT_FOUND;
    }
    uint32_t cluster_bytes = volume->cluster_sectors * FAT_SECTOR, size = entry.size;
    *file = (struct fat_file){
        .volume = volume,
        .size = size,
        .clusters = size / cluster_bytes + (size % cluster_bytes != 0),
        .complete = true,
    };
    return read_chain(volume, file, entry.cluster);
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
static int locate(struct fat_file *file, uint32_t index, uint32_t wanted, uint32_t *cluster, uint32_t *run)
{
    struct fat_volume *volume = file->volume;
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
        int status = fat_volume_next(volume, at.cluster, &next);
        if (status != FAT_OK || next != at.cluster + 1 || !fat_volume_has_cluster(volume, next)) {
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
            if (volume->cache->read(volume->cache->context, lba, done / FAT_SECTOR, out) != 0) {
                return FAT_READ_FAILED;
            }
        } else { /* a part of a sector */
            const uint8_t *data = fat_volume_sector(volume, lba);
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

int fat_file_read(struct fat_file *file, uint32_t offset, void *buffer, uint32_t bytes)
{
    struct fat_volume *volume = file->volume;
    uint32_t cluster_bytes = volume->cluster_sectors * FAT_SECTOR;
    uint8_t *out = buffer;

    while (bytes > 0) {
        uint32_t skip = offset % cluster_bytes, cluster, run;
        uint32_t wanted = (uint32_t)(((uint64_t)skip + bytes + cluster_bytes - 1) / cluster_bytes);
        int status = locate(file, offset / cluster_bytes, wanted, &cluster, &run);
        if (status != FAT_OK) {
            return status;
        }
        uint64_t room = (uint64_t)run * cluster_bytes - skip;
        uint32_t n = bytes < room ? bytes : (uint32_t)room;
        uint32_t lba = fat_volume_lba(volume, cluster) + skip / FAT_SECTOR;
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
