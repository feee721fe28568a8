/* Reads sectors of the boot drive through INT 13h. */
#ifndef BOOTLLAMA_DISK_H
#define BOOTLLAMA_DISK_H

#include <stdint.h>

/* Takes `drive` (DL of INT 13h) into use: EDD where it has that, and its geometry. */
void disk_init(uint8_t drive);

/*
 * Reads `count` sectors of 512 bytes from `lba` on to `buffer`, anywhere in memory. Returns 0, or -1 after all that may
 * help was tried: six times with resets and ever fewer sectors, then the same through CHS.
 */
int disk_read(uint32_t lba, uint32_t count, void *buffer);

/* Why the last disk_read failed: "INT 13h status 10h at LBA 2112". */
const char *disk_error(void);

#endif
