/* Reads sectors of the boot drive through INT 13h. */
#ifndef BOOTLLAMA_DISK_H
#define BOOTLLAMA_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum disk_status {
    DISK_OK = 0,
    DISK_FAILED = -1,  /* disk->error says why */
    DISK_STOPPED = -2, /* stop_asked said so */
};

struct disk {
    uint8_t drive; /* DL of INT 13h */
    bool has_edd, use_edd;
    uint32_t sectors_per_track, heads; /* 0 if unknown */
    uint32_t limit;                    /* sectors in one call, at most; smaller after larger ones failed */
    bool (*stop_asked)(void *context); /* asked between two calls of the BIOS; NULL = never */
    void *context;                     /* of stop_asked; not owned */
    uint64_t since;                    /* when the read under way began, microseconds */
    bool is_gone;                      /* it does not answer: every read fails at once, until disk_retry */
    bool is_stopped;                   /* the read under way */
    uint8_t status;                    /* AH of the last call that failed */
    char error[64];                    /* why the last read failed: "INT 13h status 10h at LBA 2112" */
};

/* Takes `drive` (DL of INT 13h) into use: EDD where it has that, and its geometry. *disk is all zero but for
   stop_asked and its context. */
void disk_init(struct disk *disk, uint8_t drive);

/*
 * Reads `count` sectors of 512 bytes from `lba` on to `buffer`, anywhere in memory. Fails after every remedy: six tries
 * with resets and ever fewer sectors, then as many through CHS. After three seconds there are no more tries, and unless
 * the BIOS tells of a bad sector, the drive is taken for gone: it may have been pulled out.
 */
enum disk_status disk_read(struct disk *disk, uint32_t lba, uint32_t count, void *buffer);

/* Gives a drive that is gone another chance: somebody may have plugged it in again. */
void disk_retry(struct disk *disk);

#endif
