/*
 * A FAT12, FAT16 or FAT32 volume, read only, from any source of sectors, without BIOS calls or memory of its own. The
 * disk is treated as hostile: every number is checked before use, every chain is bounded.
 */
#ifndef BOOTLLAMA_FAT_VOLUME_H
#define BOOTLLAMA_FAT_VOLUME_H

#include <stdbool.h>
#include <stdint.h>

#include "fat_cache.h"

/* What fat_volume_next returns besides cluster numbers. */
#define FAT_CHAIN_END 0xFFFFFFFFu
#define FAT_CHAIN_BAD 0xFFFFFFF7u

struct fat_volume {
    struct fat_cache *cache; /* not owned */
    const uint16_t *oem;     /* [128] code points of bytes 80h to FFh in short names; not owned */
    uint32_t bits;           /* of a FAT entry: 12, 16 or 32 */
    uint32_t start, end;     /* LBA of the volume */
    uint32_t fat_start;      /* LBA of the first FAT */
    uint32_t fat_sectors, fat_count;
    uint32_t fat_copy;               /* the one in use, from 0 */
    uint32_t root_start, root_slots; /* FAT12 and FAT16: LBA, entries of 32 bytes */
    uint32_t root_cluster;           /* FAT32 */
    uint32_t data_start;             /* LBA of cluster 2 */
    uint32_t cluster_sectors;
    uint32_t clusters; /* numbered from 2 on */
    char error[96];    /* one line */
};

/* Fills *volume from the boot sector at `start`. Returns FAT_OK, FAT_DAMAGED or FAT_READ_FAILED. */
int fat_volume_mount(struct fat_volume *volume, struct fat_cache *cache, uint32_t start, const uint16_t *oem);

/* Finds the sector of the volume at `lba` of the medium; *data is valid until the next call. */
int fat_volume_sector(struct fat_volume *volume, uint32_t lba, const uint8_t **data);

bool fat_volume_has_cluster(const struct fat_volume *volume, uint32_t cluster);

/* The LBA of a cluster that the volume has. */
uint32_t fat_volume_lba(const struct fat_volume *volume, uint32_t cluster);

/* The FAT entry of a cluster: the next cluster, FAT_CHAIN_END, FAT_CHAIN_BAD, or a number of no cluster. */
int fat_volume_next(struct fat_volume *volume, uint32_t cluster, uint32_t *next);

/* Counts the entries from that of `cluster` on, at most `most`, that lead to the very next cluster, as far as one
   sector of the table tells. Only on FAT32, whose clusters may be small; 0 otherwise. */
int fat_volume_adjacent(struct fat_volume *volume, uint32_t cluster, uint32_t most, uint32_t *count);

/* Fills volume->error, with up to two numbers, and returns FAT_DAMAGED. */
int fat_volume_damaged(struct fat_volume *volume, const char *pattern, uint32_t a, uint32_t b);

/* The same for a chain that cannot continue from `cluster` to `next`. */
int fat_volume_broken(struct fat_volume *volume, uint32_t cluster, uint32_t next);

#endif
