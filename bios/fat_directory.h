/* Directories of a FAT volume: paths and lists of entries. */
#ifndef BOOTLLAMA_FAT_DIRECTORY_H
#define BOOTLLAMA_FAT_DIRECTORY_H

#include "fat_name.h"
#include "fat_volume.h"

struct fat_entry {
    char name[FAT_NAME_MAX];             /* the long one if there is one; UTF-8 */
    char short_name[FAT_SHORT_NAME_MAX]; /* 8.3, UTF-8 */
    uint32_t size;                       /* bytes */
    uint32_t cluster;                    /* the first, 0 = none */
    bool is_directory;
    bool is_hidden; /* or system */
};

struct fat_place {    /* of a slot in a directory */
    uint32_t first;   /* cluster of the directory; 0 = the fixed root directory of FAT12 and FAT16 */
    uint32_t cluster; /* the one that holds the slot */
    uint32_t slot;    /* of 32 bytes, from the directory's start */
};

struct fat_list { /* where the last fat_directory_list ended; starts as all zeros */
    struct fat_place place;
    uint32_t index; /* of the next entry, 0 = none was listed */
};

/* Finds the entry at `path` ("/MODELS/A.GGUF", any case, long or short names). The root directory has cluster 0. */
int fat_directory_find(struct fat_volume *volume, const char *path, struct fat_entry *entry);

/* Finds entry number `index` of the directory at `path` in the order on the disk, without ".", ".." and labels.
   Ascending indices with the same *list read no sector twice. */
int fat_directory_list(struct fat_volume *volume, struct fat_list *list, const char *path, uint32_t index,
                       struct fat_entry *entry);

#endif
