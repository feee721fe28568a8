#include "fat_file.h"

#include "base/memory.h"

/* ---- Chains ---- */

/* Drops every second mark; from now on marks keep a minimum distance. */
static void thin_marks(struct fat_file *file)
{
    for (uint32_t i = 0; i < FAT_FILE_MARKS / 2; i++) {
        file->mark[i] = file->mark[2 * i];
    }
    file->marks = FAT_FILE_MARKS / 2;
    file->gap = file->gap == 0 ? 2 : file->gap * 2;
}

/* Records where a fragment begins, while there is room for all of them. */
static void add_mark(struct fat_file *file, struct fat_mark start)
{
    if (file->marks == FAT_FILE_MARKS) {
        thin_marks(file);
    }
    if (start.index - file->mark[file->marks - 1].index >= file->gap) {
        file->mark[file->marks++] = start;
    }
}

/* The number of the mark at or before cluster `index` of the file. */
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

static int leads_back(struct fat_volume *volume, uint32_t cluster)
{
    return fat_volume_damaged(volume, "the chain of clusters loops back to %u: repair the volume", cluster, 0);
}

/* Detects loops (R. P. Brent): compares each cluster with an earlier one, which moves up at every power of two. */
static int check_circle(struct fat_volume *volume, struct fat_mark *check, struct fat_mark at)
{
    if (at.cluster == check->cluster) {
        return leads_back(volume, at.cluster);
    }
    if ((at.index & (at.index - 1)) == 0) {
        *check = at;
    }
    return FAT_OK;
}

/* The file's last cluster is known, and `next` follows it, which matters only if it leads back. */
static int check_tail(const struct fat_file *file, uint32_t next)
{
    struct fat_volume *volume = file->volume;
    struct fat_mark at = file->known, check = file->check;
    int status = FAT_OK;

    while (status == FAT_OK && fat_volume_has_cluster(volume, next)) {
        at = (struct fat_mark){at.index + 1, next};
        status = check_circle(volume, &check, at);
        if (status == FAT_OK) {
            status = fat_volume_next(volume, at.cluster, &next);
        }
    }
    return status;
}

/* *at becomes the known part's last cluster. */
static int extend(struct fat_file *file, struct fat_mark at)
{
    bool is_neighbour = at.cluster == file->known.cluster + 1;
    int status = check_circle(file->volume, &file->check, at);

    if (status != FAT_OK) {
        return status;
    }
    file->known = at;
    if (!is_neighbour) {
        add_mark(file, at);
    }
    if (at.index == file->clusters - 1) {
        uint32_t next;
        status = fat_volume_next(file->volume, at.cluster, &next);
        return status == FAT_OK ? check_tail(file, next) : status;
    }
    return FAT_OK;
}

/* Advances *at, which is not the file's last cluster, by one. */
static int follow(struct fat_file *file, struct fat_mark *at)
{
    uint32_t next;
    int status = fat_volume_next(file->volume, at->cluster, &next);

    if (status != FAT_OK) {
        return status;
    }
    if (!fat_volume_has_cluster(file->volume, next)) {
        return fat_volume_broken(file->volume, at->cluster, next);
    }
    struct fat_mark moved = {at->index + 1, next};
    if (moved.index > file->known.index) {
        status = extend(file, moved);
    }
    if (status == FAT_OK) {
        *at = moved;
    }
    return status;
}

/* Advances *at by at most `most` clusters if it is the last known one: by those behind it that lie next to each other,
   as far as one sector of the table tells, and not to the file's last one. Much faster than one by one. */
static int follow_adjacent(struct fat_file *file, struct fat_mark *at, uint32_t most)
{
    struct fat_mark *check = &file->check;
    const uint32_t left = file->clusters - 1 - at->index;
    uint32_t count;

    if (most == 0 || at->index != file->known.index || left == 0) {
        return FAT_OK;
    }
    const int status = fat_volume_adjacent(file->volume, at->cluster, most < left ? most : left - 1, &count);
    if (status != FAT_OK) {
        return status;
    }
    if (check->cluster - at->cluster - 1 < count) { /* check_circle for all of them */
        return leads_back(file->volume, check->cluster);
    }
    at->index += count;
    at->cluster += count;
    for (uint32_t i = check->index == 0 ? 1 : 2 * check->index; i <= at->index; i *= 2) {
        *check = (struct fat_mark){i, at->cluster - (at->index - i)};
    }
    file->known = *at;
    return FAT_OK;
}

/* ---- Files ---- */

int fat_file_open_entry(struct fat_volume *volume, const struct fat_entry *entry, struct fat_file *file)
{
    uint32_t cluster_bytes = volume->cluster_sectors * FAT_SECTOR, size = entry->size;
    struct fat_mark first = {0, entry->cluster};

    if (entry->is_directory) {
        return FAT_NOT_FOUND;
    }
    *file = (struct fat_file){
        .volume = volume,
        .size = size,
        .clusters = size / cluster_bytes + (size % cluster_bytes != 0),
        .marks = 1,
        .mark[0] = first,
        .known = first,
        .check = first,
        .last = first,
    };
    if (file->clusters > volume->clusters) {
        return fat_volume_damaged(volume, "the file is larger than the volume: repair the volume", 0, 0);
    }
    if (file->clusters > 0 && !fat_volume_has_cluster(volume, first.cluster)) {
        return fat_volume_damaged(volume, "the file begins at cluster %u, which does not exist: repair the volume",
                                  first.cluster, 0);
    }
    return FAT_OK;
}

int fat_file_open(struct fat_volume *volume, const char *path, struct fat_file *file)
{
    struct fat_entry entry;
    int status = fat_directory_find(volume, path, &entry);

    return status == FAT_OK ? fat_file_open_entry(volume, &entry, file) : status;
}

/* The nearest known cluster at or before cluster `index`, and how many clusters from there on, including itself, are
   known to be contiguous. */
static struct fat_mark nearest(const struct fat_file *file, uint32_t index, uint32_t *run)
{
    uint32_t number = find_mark(file, index);
    struct fat_mark at = file->mark[number];

    if (file->gap == 0 && index <= file->known.index) { /* the marks are complete */
        *run = (number + 1 < file->marks ? file->mark[number + 1].index : file->known.index + 1) - index;
        return (struct fat_mark){index, at.cluster + (index - at.index)};
    }
    *run = 1;
    if (file->known.index <= index) {
        return file->known;
    }
    return file->last.index > at.index && file->last.index <= index ? file->last : at;
}

/* Finds cluster `index` of the file and how many clusters from it on, at most `wanted`, are contiguous. */
static int locate(struct fat_file *file, uint32_t index, uint32_t wanted, uint32_t *cluster, uint32_t *run)
{
    struct fat_mark at = nearest(file, index, run), next;
    int status = FAT_OK;

    while (status == FAT_OK && at.index < index) {
        status = follow(file, &at);
    }
    *cluster = at.cluster;
    *run = *run < wanted ? *run : wanted;
    at = (struct fat_mark){index + *run - 1, *cluster + *run - 1};
    bool is_end = file->gap == 0 && at.index < file->known.index; /* of a fragment */
    while (status == FAT_OK && *run < wanted && !is_end) {
        next = at;
        status = follow(file, &next);
        is_end = status == FAT_OK && next.cluster != at.cluster + 1;
        if (status == FAT_OK && !is_end) {
            at = next;
            status = follow_adjacent(file, &at, index + wanted - 1 - at.index);
            *run = at.index - index + 1;
        }
    }
    file->last = at;
    return status;
}

/* Reads n bytes from byte `skip` of sector `lba` on. */
static int read_span(struct fat_volume *volume, uint32_t lba, uint32_t skip, uint8_t *out, uint32_t n)
{
    while (n > 0) {
        uint32_t done = n / FAT_SECTOR * FAT_SECTOR;
        int status;
        if (skip == 0 && done > 0) {
            status = volume->cache->read(volume->cache->context, lba, done / FAT_SECTOR, out);
        } else { /* a part of a sector */
            const uint8_t *data;
            done = n < FAT_SECTOR - skip ? n : FAT_SECTOR - skip;
            status = fat_volume_sector(volume, lba, &data);
            if (status == FAT_OK) {
                memcpy(out, data + skip, done);
            }
        }
        if (status != FAT_OK) {
            return status;
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
        uint32_t skip = offset % cluster_bytes, cluster = 0, run = 0;
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
