/* Files of a FAT volume: a file's chain of clusters is followed while it is read, as far as it is read. */
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
    uint32_t gap;              /* clusters between two marks at least; 0 while every known fragment has its mark */
    uint32_t marks;
    struct fat_mark mark[FAT_FILE_MARKS]; /* where fragments begin, in order */
    struct fat_mark known;                /* the last cluster of the part of the chain that has been followed */
    struct fat_mark check;                /* an earlier one: a chain that comes back to it is a circle */
    struct fat_mark last;                 /* located last; where reading on begins */
};

/*
 * Opens the file at `path` (as for fat_directory_find), looking at its first cluster alone. A chain that ends early or
 * leads anywhere but to clusters of the volume makes FAT_DAMAGED when it is read there. So does a circle, at the latest
 * with the last cluster. A chain that goes on after the file's size does no harm.
 */
int fat_file_open(struct fat_volume *volume, const char *path, struct fat_file *file);

/* The same for an entry of a directory that was listed. */
int fat_file_open_entry(struct fat_volume *volume, const struct fat_entry *entry, struct fat_file *file);

/* Reads bytes [offset, offset + bytes) of the file, which must lie in it, to buffer. Neighbouring clusters are one call
   of the read function. */
int fat_file_read(struct fat_file *file, uint32_t offset, void *buffer, uint32_t bytes);

#endif
