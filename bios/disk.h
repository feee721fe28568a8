/* Reads sectors of the boot drive through INT 13h. */
#ifndef BOOTLLAMA_DISK_H
#define BOOTLLAMA_DISK_H

#include <stdbool.h>
#include <stdint.h>

struct disk {
    uint8_t drive; /* DL of INT 13h */
    bool has_edd, use_edd;
    uint32_t sectors_per_track, heads; /* 0 if unknown */
    uint32_t limit;                    /* sectors in one call, at most; smaller after larger ones failed */
    uint8_t status;                    /* AH of the last call that failed */
    char error[48];                    /* why the last disk_read failed: "INT 13h status 10h at LBA 2112" */
};

/* Takes `drive` (DL of INT 13h) into use: EDD where it has that, and its geometry. */
void disk_init(struct disk *disk, uint8_t drive);

/*
 * Reads `count` sectors of 512 bytes from `lba` on to `buffer`, anywhere in memory. Returns 0, or -1 with
 * disk->error filled after every remedy: six tries with resets and ever fewer sectors, then as many through CHS.
 */
int disk_read(struct disk *disk, uint32_t lba, uint32_t count, void *buffer);

#endif
