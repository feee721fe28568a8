/* Where on a disk its FAT volume is. */
#ifndef BOOTLLAMA_FAT_DISK_H
#define BOOTLLAMA_FAT_DISK_H

#include "fat_volume.h"

/*
 * Finds the FAT volume of a disk: the active partition of a FAT type, another one of a FAT type, or the disk itself
 * without partitions. Fills *volume, which keeps no pointer but to the arguments. Returns FAT_OK, FAT_DAMAGED or
 * FAT_READ_FAILED.
 */
int fat_disk_mount(struct fat_volume *volume, struct fat_cache *cache, const uint16_t *oem);

#endif
