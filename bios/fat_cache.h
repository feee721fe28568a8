/*
 * A cache of disk sectors: short lines for directories, and pieces of 32 KiB in the owner's memory for file allocation
 * tables, which are read in random order.
 */
#ifndef BOOTLLAMA_FAT_CACHE_H
#define BOOTLLAMA_FAT_CACHE_H

#include <stddef.h>

#include "fat_format.h"

enum {
    FAT_CACHE_LINES = 4,
    FAT_CACHE_LINE_SECTORS = 8,
    FAT_CACHE_PIECES_MAX = 64, /* 2 MiB: the whole table of half a million clusters of FAT32 */
    FAT_CACHE_PIECE_SECTORS = 64,
    FAT_CACHE_PIECE_BYTES = FAT_CACHE_PIECE_SECTORS * FAT_SECTOR,
};

/* What the functions of fat_*.h return. */
enum fat_status {
    FAT_OK = 0,
    FAT_NOT_FOUND = -1,   /* no such file, directory, entry or volume */
    FAT_DAMAGED = -2,     /* the volume's error says what is wrong */
    FAT_READ_FAILED = -3, /* the read function failed after its retries; it knows why */
    FAT_STOPPED = -4,     /* the read function was asked to stop */
};

/* Reads `count` sectors from `lba` of the medium on to buffer. Returns FAT_OK, FAT_READ_FAILED or FAT_STOPPED. */
typedef int fat_read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer);

struct fat_cache_line { /* sectors [lba, lba + count) */
    uint32_t lba, count;
    uint32_t used; /* time of last use, counted in lookups */
    uint8_t data[FAT_CACHE_LINE_SECTORS * FAT_SECTOR];
};

struct fat_cache_piece { /* sectors [lba, lba + count); count 0 with an lba: not readable in one piece */
    uint32_t lba, count;
};

struct fat_cache {
    fat_read_sectors *read;
    void *context; /* of `read`; not owned */
    uint32_t lookups;
    struct fat_cache_line line[FAT_CACHE_LINES];
    uint32_t pieces;
    struct fat_cache_piece piece[FAT_CACHE_PIECES_MAX];
    uint8_t *piece_data; /* [pieces][FAT_CACHE_PIECE_BYTES]; not owned */
};

/* Makes *cache an empty cache over `read`. `memory` is for pieces of tables: `bytes` bytes, which may be 0 or more than
   needed; the caller owns it, and it must outlive the cache. */
void fat_cache_init(struct fat_cache *cache, fat_read_sectors *read, void *context, void *memory, size_t bytes);

/* Forgets all sectors: the medium may have been changed. */
void fat_cache_clear(struct fat_cache *cache);

/* Finds the sector at `lba`; *data is valid until the next call. Neighbours below `end` may be read with it. */
int fat_cache_sector(struct fat_cache *cache, uint32_t lba, uint32_t end, const uint8_t **data);

/* The same for a sector of the table that lies in [start, end). */
int fat_cache_table_sector(struct fat_cache *cache, uint32_t lba, uint32_t start, uint32_t end, const uint8_t **data);

#endif
