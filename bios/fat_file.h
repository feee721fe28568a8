/* Files of a FAT volume. */
#ifndef BOOTLLAMA_FAT_FILE_H
#define BOOTLLAMA_FAT_FILE_H

#include "fat_volume.h"

enum { FAT_FILE_MARKS = 128 };

struct fat_mark { /* cluster number `index` of the file is `cluster` of the volume */
    uint32_t index, cluster;
};

struct fat_file {
    struct fat_volume *volume; /* not owned */
    uint32_t size;             /* bytes */
    uint32_t clusters;         /* that `size` takes */
    bool complete;             /* the marks are the first clusters of all fragments: no need to look at the FAT again */
    uint32_t gap;              /* clusters between two marks at least, once there are more fragments than marks */
    uint32_t marks;
    struct fat_mark mark[FAT_FILE_MARKS];
    struct fat_mark last; /* found last; where reading on begins */
};

/*
 * Opens the file at `path` (as for fat_directory_find) and looks at its whole chain of clusters: a chain that is longer
 * or shorter than the file, or leads anywhere but to used clusters, makes FAT_DAMAGED.
 */
int fat_file_open(struct fat_volume *volume, const char *path, struct fat_file *file);

/* Reads bytes [offset, offset + bytes) of the file, which must lie in it, to buffer. Neighbouring clusters are one call
   of the read function. */
int fat_file_read(struct fat_file *file, uint32_t offset, void *buffer, uint32_t bytes);

#endif
