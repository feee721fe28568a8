/* Volumes made by mkfs.fat and mtools, in memory, and the driver of bios/fat*.c on them: for test_fat*.c. */
#ifndef BOOTLLAMA_TEST_FAT_VOLUMES_H
#define BOOTLLAMA_TEST_FAT_VOLUMES_H

#include "unit.h"

#include "fat_directory.h"
#include "fat_disk.h"
#include "fat_file.h"

enum {
    PARTITION_LBA = 2048,
    MANY = 300,         /* files in /MANY */
    BIG_BYTES = 780001, /* /BIG.BIN */
    PIECES = 400,       /* files of a cluster each, every other one deleted: where /FRAGMENT.BIN goes */
    FRAGMENT_CLUSTERS = 190,
};

struct disk { /* in memory, with what the driver did to it */
    uint8_t *bytes;
    uint32_t sectors;
    uint32_t calls, sectors_read;
    uint32_t bad, bad_count; /* sectors that cannot be read */
    uint32_t stop_after;     /* calls; from then on the reader is asked to stop. 0 = never */
};

struct volume_case {
    const char *name, *mkfs; /* options of mkfs.fat */
    uint32_t bits, mib;
    uint32_t partition; /* its LBA, or 0 for none */
    uint32_t hint;      /* offset of the number of the next free cluster, from the volume's start */
    struct disk disk;
};

enum { VOLUME_CASES = 4 };

extern struct volume_case cases[VOLUME_CASES]; /* FAT12, FAT16, FAT32, and FAT32 in sectors of 4096 bytes */
extern uint8_t big[BIG_BYTES];                 /* what is in /BIG.BIN */
extern uint8_t out[BIG_BYTES];                 /* for what is read */
extern struct fat_cache cache;
extern struct fat_disk fat_disk;
extern struct fat_volume volume;               /* mounted last */
extern struct fat_list list;                   /* in it */
extern struct fat_entry entry;                 /* listed last */
extern struct fat_file file;                   /* opened last */
extern uint16_t oem[128];                      /* code points of bytes 80h to FFh in short names: 400h and up */

/* Set-up and tear-down of a group: makes all volumes, removes them; or makes no more than the folder for them. */
void make_folder(void);
int make_volumes(void **state);
int remove_volumes(void **state);

/* Runs a shell script in the folder of the volumes, with the case's variables set; fails the test if it fails. */
void run(const char *script, const struct volume_case *volume_case);

/* Takes the image that a script has made into memory. */
void load(struct volume_case *volume_case);

/* The read function of a struct disk. */
int read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer);

/* An entry of the partition table, for a partition up to the end of the disk. */
void set_partition(struct disk *disk, int number, uint8_t flag, uint8_t type, uint32_t lba);

/* Looks for the volumes of a disk, with an empty cache; the first one is `volume`. Returns as fat_disk_mount. */
int mount_disk(struct disk *disk);

/* Mounts a volume of the table, which must work, with no sector bad and nothing counted yet. */
struct disk *mount_case(size_t number);

/* The slot of a file in a directory, by its 11 characters on the disk. */
uint8_t *find_slot(struct disk *disk, const char *name);

/* Opens and reads a file of the mounted volume, which must be these n bytes. */
void expect_file(const char *path, const void *content, uint32_t n);

#endif
