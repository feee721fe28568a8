/* Reads sectors of the boot drive through INT 13h. */
#ifndef BOOTLLAMA_DISK_H
#define BOOTLLAMA_DISK_H

#include <stdbool.h>
#include <stdint.h>

enum disk_status {
    DISK_OK = 0,
    DISK_FAILED = -1,  /* disk->error says why */
    DISK_STOPPED = -2, /* stop_asked returned true */
};

struct disk {
    uint8_t drive;  /* DL of INT 13h */
    uint32_t block; /* sectors of 512 bytes in one of the drive's own: 1, or 4 on a CD; 0 = it cannot be read */
    bool has_edd, use_edd;
    uint32_t sectors_per_track, heads; /* 0 if unknown */
    uint32_t limit;                    /* most sectors in one call; lower after larger calls failed */
    uint32_t place;                    /* address that reads go to: the bounce buffer, or the window */
    uint32_t held, held_count;         /* sectors [held, held + held_count) are there */
    bool (*stop_asked)(void *context); /* called between BIOS calls; NULL = never */
    void *context;                     /* of stop_asked; not owned */
    uint64_t since;                    /* start of the last read, end of it on what is removable; microseconds */
    bool is_gone;                      /* it does not answer: every read fails immediately until disk_retry */
    bool is_stopped;                   /* the current read was stopped */
    uint8_t status;                    /* AH of the last call that failed */
    char error[64];                    /* why the last read failed: "INT 13h status 10h at LBA 2112" */
};

/* Starts using `drive` (DL of INT 13h), whose own sectors have `block` times 512 bytes: detects EDD and its geometry. A
   CD, which has larger ones, is read by EDD in any case. If `block` is 0, the program does not come from the drive, and
   the BIOS is asked: a drive whose sectors do not have 512 bytes is not read. *disk is all zero except for stop_asked
   and its context. */
void disk_init(struct disk *disk, uint8_t drive, uint32_t block);

/*
 * Reads `count` sectors of 512 bytes from `lba` on to `buffer`, anywhere in memory; straight to it if it lies in the
 * window of layout.h and the drive is neither a floppy nor a CD drive. Fails after six tries with resets
 * and fewer and fewer sectors, then as many through CHS. After two tries and three seconds, ten on a CD, and on a
 * floppy three tries, it gives up and, unless the BIOS reports a bad sector, marks the drive as gone: it may have been
 * unplugged. A floppy is read by whole tracks, with the geometry that its sector 0 told when it was read last.
 */
enum disk_status disk_read(struct disk *disk, uint32_t lba, uint32_t count, void *buffer);

/* Sectors of the reads that suit the drive. A hard disk or a CD takes one call for each, wherever it begins. */
uint32_t disk_preferred(const struct disk *disk);

/* Whether the drive takes floppies or CDs and may hold another one than when it was read last, more than a second ago.
   The caller is to read sector 0 again first. */
bool disk_may_be_changed(struct disk *disk);

/* Tries a drive that is gone again: it may have been plugged in again. */
void disk_retry(struct disk *disk);

#endif
