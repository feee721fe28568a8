/* Sectors of a disk through a small cache. */
#ifndef BOOTLLAMA_FAT_CACHE_H
#define BOOTLLAMA_FAT_CACHE_H

#include "fat_format.h"

enum { FAT_CACHE_LINES = 4, FAT_CACHE_LINE_SECTORS = 8 };

/* Reads `count` sectors from `lba` of the medium on to buffer. Returns 0, or anything else if that failed for good. */
typedef int fat_read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer);

struct fat_cache_line { /* sectors [lba, lba + count) */
    uint32_t lba, count;
    uint32_t used; /* when, in lookups */
    uint8_t data[FAT_CACHE_LINE_SECTORS * FAT_SECTOR];
};

struct fat_cache {
    fat_read_sectors *read;
    void *context; /* of `read`; not owned */
    uint32_t lookups;
    struct fat_cache_line line[FAT_CACHE_LINES];
};

/* Makes *cache an empty one over `read`. */
void fat_cache_init(struct fat_cache *cache, fat_read_sectors *read, void *context);

/* The sector at `lba`, until the next call; NULL if it cannot be read. Neighbours below `end` may be read with it. */
const uint8_t *fat_cache_sector(struct fat_cache *cache, uint32_t lba, uint32_t end);

#endif
