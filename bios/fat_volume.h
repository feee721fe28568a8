/*
 * FAT12, FAT16 and FAT32, read only, from any source of sectors: no BIOS in here, no memory of its own.
 * Format: Microsoft "FAT: General Overview of On-Disk Format" 1.03 (fatgen103), long names included. All that the disk
 * says is taken as hostile: every number is checked before it is used, every chain is bounded.
 */
#ifndef BOOTLLAMA_FAT_H
#define BOOTLLAMA_FAT_H

#include <stdbool.h>
#include <stdint.h>

enum {
    FAT_SECTOR = 512,   /* bytes of a sector of the medium; a volume may count in larger ones */
    FAT_NAME_MAX = 256, /* bytes of a name in UTF-8, its NUL included */
    FAT_LINES = 4,
    FAT_LINE_SECTORS = 8,
    FAT_MARKS = 128,
};

enum fat_status {
    FAT_OK = 0,
    FAT_NOT_FOUND = -1,   /* no such file, directory or entry */
    FAT_DAMAGED = -2,     /* volume->error says what is wrong */
    FAT_READ_FAILED = -3, /* the read function failed; it knows why */
};

/* Reads `count` sectors from `lba` of the medium on to buffer. Returns 0, or anything else if that failed for good. */
typedef int fat_read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer);

struct fat_line { /* of the cache: sectors [lba, lba + count) */
    uint32_t lba, count;
    uint32_t used; /* when, in lookups */
    uint8_t data[FAT_LINE_SECTORS * FAT_SECTOR];
};

struct fat_directory { /* a place in a directory */
    uint32_t first;    /* cluster; 0 = the fixed root directory of FAT12 and FAT16 */
    uint32_t cluster;  /* that holds the slot */
    uint32_t slot;     /* of 32 bytes, from the directory's start */
};

struct fat_entry {
    char name[FAT_NAME_MAX]; /* the long one where there is one; UTF-8 */
    char short_name[40];     /* 8.3, UTF-8 */
    uint32_t size;           /* bytes */
    uint32_t cluster;        /* the first, 0 = none */
    bool is_directory;
};

struct fat_volume {
    fat_read_sectors *read;
    void *context;
    const uint16_t *oem; /* [128] code points of bytes 80h to FFh in short names; not owned */
    uint32_t bits;       /* of a FAT entry: 12, 16 or 32 */
    uint32_t start, end; /* LBA of the volume */
    uint32_t fat_start;  /* LBA of the first FAT */
    uint32_t fat_sectors, fat_count;
    uint32_t fat_copy;               /* the one in use, from 0 */
    uint32_t root_start, root_slots; /* FAT12 and FAT16: LBA, entries of 32 bytes */
    uint32_t root_cluster;           /* FAT32 */
    uint32_t data_start;             /* LBA of cluster 2 */
    uint32_t cluster_sectors;
    uint32_t clusters; /* numbered from 2 on */
    char error[96];    /* one line */
    uint32_t lookups;
    struct fat_line line[FAT_LINES];
    struct fat_directory list; /* where the last fat_list ended: entry number list_index of directory list.first */
    uint32_t list_index;
    struct fat_entry entry; /* under way */
};

struct fat_mark { /* cluster number `index` of the file is `cluster` of the volume */
    uint32_t index, cluster;
};

struct fat_file {
    uint32_t size;     /* bytes */
    uint32_t clusters; /* that `size` takes */
    bool complete;     /* the marks are the first clusters of all fragments: no need to look at the FAT again */
    uint32_t gap;      /* clusters between two marks at least, once there are more fragments than marks */
    uint32_t marks;
    struct fat_mark mark[FAT_MARKS];
    struct fat_mark last; /* found last; where reading on begins */
};

/*
 * Finds the FAT volume of a disk: the active partition of a FAT type, another one of a FAT type, or the disk itself
 * without partitions. Fills *volume, which keeps no pointer but to the arguments. Returns FAT_OK, FAT_DAMAGED or
 * FAT_READ_FAILED.
 */
int fat_mount(struct fat_volume *volume, fat_read_sectors *read, void *context, const uint16_t *oem);

/*
 * Opens the file at `path` ("/MODELS/A.GGUF", any case, long or short names) and looks at its whole chain of clusters:
 * a chain that is longer or shorter than the file, or leads anywhere but to used clusters, makes FAT_DAMAGED.
 */
int fat_open(struct fat_volume *volume, const char *path, struct fat_file *file);

/* Reads bytes [offset, offset + bytes) of the file, which must lie in it, to buffer. Neighbouring clusters are one call
   of the read function. */
int fat_read(struct fat_volume *volume, struct fat_file *file, uint32_t offset, void *buffer, uint32_t bytes);

/* Finds entry number `index` of the directory at `path` in the order on the disk, without ".", ".." and labels; it
   stays in volume->entry until the next call. Counting up, no sector is read twice. */
int fat_list(struct fat_volume *volume, const char *path, uint32_t index);

#endif
