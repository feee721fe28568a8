/* The volumes that files come from: the one that the program was started from, and the one with a model. */
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
    EFI_FILE_IO_INTERFACE *system; /* NULL where there is no such volume */
    EFI_FILE_HANDLE root;          /* open while `system` is set */
    bool is_sata;                  /* read by a driver that may hide errors (read_window in files.c) */
};

struct volumes {
    EFI_BOOT_SERVICES *boot;
    EFI_HANDLE device;    /* what the program was loaded from, or NULL */
    struct volume start;  /* its volume; may be missing (network boot, some boot menus) */
    struct volume models; /* another one with a model in /MODELS; only set where `start` has none */
};

/*
 * Finds both volumes. `device` is LoadedImage->DeviceHandle and may be NULL. Only where `start` has no model are others
 * looked at: those that the firmware shows, then those on disks that it has not connected yet, then those on disks of
 * controllers that it has not connected.
 */
void volumes_open(struct volumes *volumes, EFI_BOOT_SERVICES *boot, EFI_HANDLE device);
void volumes_close(struct volumes *volumes);

/* Looks again where neither has a model now: a stick may have been changed or plugged in. */
void volumes_update(struct volumes *volumes);

/* Opens the root directory anew, after which the old handle is closed: a volume that failed may be well again. */
EFI_STATUS volume_reopen(struct volume *volume);

/* Reads the next entry of an open directory other than "." and "..", and other than those whose names do not fit
   core's: they could not be opened either. EFI_NOT_FOUND past the last one. */
EFI_STATUS volume_next_entry(EFI_FILE_HANDLE directory, struct platform_entry *entry);

#endif
