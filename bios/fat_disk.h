/*
 * The FAT volumes of a disk: in the partitions of an MBR (including logical ones and images within a partition) or a
 * GPT, or on the whole disk without partitions. Partition types are not trusted: the boot sector decides.
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
    bool is_named;  /* the error names another file system */
    char error[96]; /* one line */
};

/*
 * Finds all FAT volumes, at most FAT_DISK_VOLUMES_MAX, in this order: those that the program was started from
 * (`origin`, the LBA of its boot sector: 0, or the start of a partition into which the image was written), with the
 * active partition first; then all others in partition table order. Returns FAT_OK if there is one; else FAT_DAMAGED
 * with disk->error filled, FAT_READ_FAILED or FAT_STOPPED.
 */
int fat_disk_mount(struct fat_disk *disk, struct fat_cache *cache, uint32_t origin, const uint16_t *oem);

#endif
