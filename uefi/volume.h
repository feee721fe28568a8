/* The volumes that files come from, by the rule that platform.h states: that of the program, the others of its drive,
   and on UEFI those of other drives where none of these has a model. */
#ifndef BOOTLLAMA_UEFI_VOLUME_H
#define BOOTLLAMA_UEFI_VOLUME_H

#include "efi_headers.h"
#include "platform.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NAME_MAX_UCS2 = 255, /* units of a file name on FAT */
    ENTRY_BYTES_MAX = SIZE_OF_EFI_FILE_INFO + 2 * (NAME_MAX_UCS2 + 1),
};

/* Room for what GetInfo and a directory's Read return. */
union file_info {
    EFI_FILE_INFO info;
    uint64_t bytes[(ENTRY_BYTES_MAX + 7) / 8];
};

struct volume {
    EFI_HANDLE device;
    EFI_FILE_IO_INTERFACE *system; /* NULL where there is no such volume */
    EFI_FILE_HANDLE root;          /* open while `system` is set */
    EFI_STATUS failure;            /* why there is none, where the firmware says that there is */
    bool is_sata;                  /* read by a driver that may hide errors (read_window in files.c) */
};

enum {
    VOLUMES_OF_DRIVE = 8, /* that are looked at, beside the first */
    VOLUMES_MAX = VOLUMES_OF_DRIVE + 2,
    VOLUMES_PATH_MAX = 512, /* bytes of a device path that is remembered */
};

struct volumes {
    EFI_BOOT_SERVICES *boot;
    EFI_HANDLE device;              /* what the program was loaded from, or NULL */
    uint8_t path[VOLUMES_PATH_MAX]; /* its device path ... */
    size_t path_bytes;              /* ... without the end node; 0: unknown */

    /* In the order in which they count. [0] is what the program was loaded from, and may be missing (network boot, some
       boot menus); then the others of its drive in the order of their partitions; the last may be one of another drive,
       where none of these has a model. */
    struct volume volume[VOLUMES_MAX];
    uint32_t count;
    struct volume *models; /* the first with a model in /MODELS; NULL if there is none */
    EFI_HANDLE last;       /* the device of the last one that had a model */
};

/*
 * Finds the volumes. `device` is LoadedImage->DeviceHandle and may be NULL. Only where its drive has no model are
 * others looked at: those that the firmware shows, then those on disks that it has not connected yet, then those on
 * disks of controllers that it has not connected.
 */
void volumes_open(struct volumes *volumes, EFI_BOOT_SERVICES *boot, EFI_HANDLE device);
void volumes_close(struct volumes *volumes);

/* Looks again where there is no model now: a stick may have been changed or plugged in. Returns EFI_SUCCESS, or
   EFI_NOT_FOUND where no volume has a model, or why the volume that had one cannot be read: EFI_NO_MEDIA if it is gone.
   Open files of a volume that had no model any more are closed with it. */
EFI_STATUS volumes_update(struct volumes *volumes);

/* Volume `number` of those that may have a file: of the models' volume alone, where `of_models` and there is one, else
   of all in their order. NULL: there are no more. */
struct volume *volumes_at(struct volumes *volumes, bool of_models, uint32_t number);

/* Opens the root directory anew, after which the old handle is closed: a volume that failed may be well again. */
EFI_STATUS volume_reopen(struct volume *volume);

/* Reads the next entry of an open directory other than "." and "..", and other than those whose names do not fit
   core's: they could not be opened either. EFI_NOT_FOUND past the last one. */
EFI_STATUS volume_next_entry(EFI_FILE_HANDLE directory, struct platform_entry *entry);

#endif
