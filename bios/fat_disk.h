/*
 * The FAT volumes of a disk: in the partitions of an MBR (logical ones and images within a partition, too) or a GPT, or
 * on the whole disk without partitions. What a partition table says of types is not trusted: a boot sector tells.
 */
#ifndef BOOTLLAMA_FAT_DISK_H
#define BOOTLLAMA_FAT_DISK_H

#include "fat_volume.h"

enum { FAT_DISK_VOLUMES_MAX = 8 };

struct fat_disk {
    struct fat_cache *cache; /* not owned */
    const uint16_t *oem;     /* as in struct fat_volume */
    uint32_t count;          /* of volumes */
    struct fat_volume volume[FAT_DISK_VOLUMES_MAX];
    int status;     /* the first failure */
    bool is_named;  /* it is about another file system, which is named */
    char error[96]; /* one line */
};

/*
 * Finds all FAT volumes, at most FAT_DISK_VOLUMES_MAX, in this order: what the program was started from (`origin`, the
 * LBA of its boot sector: 0, or the start of a partition into which the image was written), with its active partition
 * first; then all others in the order of the partition table. Returns FAT_OK where there is one; else FAT_DAMAGED with
 * disk->error filled, FAT_READ_FAILED or FAT_STOPPED.
 */
int fat_disk_mount(struct fat_disk *disk, struct fat_cache *cache, uint32_t origin, const uint16_t *oem);

#endif
