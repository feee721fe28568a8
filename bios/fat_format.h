/* What fat.c and fat_directory.c share. Not for others. */
#ifndef BOOTLLAMA_FAT_PARTS_H
#define BOOTLLAMA_FAT_PARTS_H

#include "fat.h"

enum { FAT_SLOT_BYTES = 32, FAT_SECTOR_SLOTS = FAT_SECTOR / FAT_SLOT_BYTES }; /* of a directory */

/* What fat_next_cluster gives besides the numbers of clusters. */
#define FAT_CHAIN_END 0xFFFFFFFFu
#define FAT_CHAIN_BAD 0xFFFFFFF7u

static inline uint32_t fat_get16(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8;
}

static inline uint32_t fat_get32(const uint8_t *bytes)
{
    return fat_get16(bytes) | fat_get16(bytes + 2) << 16;
}

/* fat.c */

/* The sector at `lba` of the medium, through the cache, until the next call. NULL if it cannot be read. */
const uint8_t *fat_sector(struct fat_volume *volume, uint32_t lba);

/* Fills volume->error, with up to two numbers, and returns FAT_DAMAGED. */
int fat_damaged(struct fat_volume *volume, const char *pattern, uint32_t a, uint32_t b);

/* The same for a chain that cannot go on from `cluster` to `next`. */
int fat_broken(struct fat_volume *volume, uint32_t cluster, uint32_t next);

bool fat_is_cluster(const struct fat_volume *volume, uint32_t cluster);

/* What the FAT has for a cluster: the next one, FAT_CHAIN_END, FAT_CHAIN_BAD, or another number that is no cluster. */
int fat_next_cluster(struct fat_volume *volume, uint32_t cluster, uint32_t *next);

/* fat_directory.c */

/* Finds what `path` names, in volume->entry then. The root directory is one with cluster 0. */
int fat_find(struct fat_volume *volume, const char *path);

#endif
