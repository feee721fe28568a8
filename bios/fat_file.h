/* Files of a FAT volume: a file's cluster chain is followed only as far as the file is read. */
#ifndef BOOTLLAMA_FAT_FILE_H
#define BOOTLLAMA_FAT_FILE_H

#include "fat_directory.h"

enum { FAT_FILE_MARKS = 128 };

struct fat_mark { /* cluster number `index` of the file is `cluster` of the volume */
    uint32_t index, cluster;
};

struct fat_file {
    struct fat_volume *volume; /* not owned */
    uint32_t size;             /* bytes */
    uint32_t clusters;         /* that `size` takes */
    uint32_t gap;              /* minimum clusters between two marks; 0 while every known fragment has its mark */
    uint32_t marks;
    struct fat_mark mark[FAT_FILE_MARKS]; /* where fragments begin, in order */
    struct fat_mark known;                /* the last cluster of the part of the chain followed so far */
    struct fat_mark check;                /* an earlier one: a chain that returns to it is a loop */
    struct fat_mark last;                 /* located last; sequential reads start here */
};

/*
 * Opens the file at `path` (as for fat_directory_find), checking only its first cluster. A read returns FAT_DAMAGED if
 * the chain ends early there or leaves the volume's clusters, and, at the latest with the last cluster, if the chain is
 * a loop. A chain longer than the file's size is harmless.
 */
int fat_file_open(struct fat_volume *volume, const char *path, struct fat_file *file);

/* The same for a listed directory entry. */
int fat_file_open_entry(struct fat_volume *volume, const struct fat_entry *entry, struct fat_file *file);

/* Reads bytes [offset, offset + bytes) of the file, which must lie in it, to buffer. Adjacent clusters are read with
   one call of the read function. */
int fat_file_read(struct fat_file *file, uint32_t offset, void *buffer, uint32_t bytes);

#endif
