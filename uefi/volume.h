/* The volumes that files come from, by the rule of platform.h: that of the program, the others of its drive, and, if
   none of these has a model, those of other drives. */
#ifndef BOOTLLAMA_UEFI_VOLUME_H
#define BOOTLLAMA_UEFI_VOLUME_H

#include "base/model_walk.h"
#include "efi_headers.h"
#include "platform.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    NAME_MAX_UCS2 = 255,                    /* units of a file name on FAT */
    VOLUME_PATH_UNITS = MODEL_PATH_MAX + 8, /* of a path, its NUL included */
    ENTRY_BYTES_MAX = SIZE_OF_EFI_FILE_INFO + 2 * (NAME_MAX_UCS2 + 1),
};

/* Buffer for the results of GetInfo and a directory's Read. */
union file_info {
    EFI_FILE_INFO info;
    uint64_t bytes[(ENTRY_BYTES_MAX + 7) / 8];
};

struct volume {
    EFI_HANDLE device;
    EFI_FILE_IO_INTERFACE *system; /* NULL if there is no such volume */
    EFI_FILE_HANDLE root;          /* open while `system` is set */
    EFI_STATUS failure;            /* why there is none although the firmware reports one */
    bool is_sata;                  /* read by a driver that may hide errors (read_window in files.c) */
};

enum {
    VOLUMES_OF_DRIVE = 8, /* examined in addition to the first */
    VOLUMES_MAX = VOLUMES_OF_DRIVE + 2,
    VOLUMES_PATH_MAX = 512, /* most bytes of a remembered device path */
};

struct volumes {
    EFI_BOOT_SERVICES *boot;
    EFI_HANDLE device;              /* the device that the program was loaded from, or NULL */
    uint8_t path[VOLUMES_PATH_MAX]; /* its device path ... */
    size_t path_bytes;              /* ... without the end node; 0: unknown */

    /* In order of precedence. [0] is the one that the program was loaded from, and may be missing (network boot, some
       boot menus); then the others of its drive in partition order; if none of these has a model, the last may be one
       of another drive. */
    struct volume volume[VOLUMES_MAX];
    uint32_t count;
    struct volume *models;  /* the first with a model; NULL if there is none */
    EFI_HANDLE last;        /* the device of the last one that had a model */
    struct model_walk walk; /* the search for a model */
};

/*
 * Finds the volumes. `device` is LoadedImage->DeviceHandle and may be NULL. Searches other drives only if its own has
 * no model: those that the firmware shows, then disks that it has not connected yet, then disks of controllers that it
 * has not connected.
 */
void volumes_open(struct volumes *volumes, EFI_BOOT_SERVICES *boot, EFI_HANDLE device);
void volumes_close(struct volumes *volumes);

/* Searches again if there is no model now: a stick may have been changed or plugged in. Returns EFI_SUCCESS,
   EFI_NOT_FOUND if no volume has a model, or why the volume that had one cannot be read: EFI_NO_MEDIA if it is gone. A
   volume that no longer has a model is closed together with its open files. */
EFI_STATUS volumes_update(struct volumes *volumes);

/* Whether the firmware still has the volume's device; if not, it must not be touched any more. */
bool volumes_have(const struct volumes *volumes, EFI_HANDLE device);

/* The same as volumes_update after `device`, which may be gone, has stopped answering: closes all volumes, starts the
   device's controller anew if the firmware still has the device, and searches. */
EFI_STATUS volumes_again(struct volumes *volumes, EFI_HANDLE device);

/* Volume `number` of those that may have a file: only the models' volume if `of_models` and there is one, else all in
   order. NULL past the last one. */
struct volume *volumes_at(struct volumes *volumes, bool of_models, uint32_t number);

/* Reopens the root directory and then closes the old handle: a volume that failed may work again. */
EFI_STATUS volume_reopen(struct volume *volume);

/* Turns "/A/B" into "\A\B" of at most `capacity` units, and MODELS_ROOT into the root. Returns false if no volume can
   have such a name. */
bool volume_path(CHAR16 *out, size_t capacity, const char *path);

/* What the firmware says of an open file or directory. */
EFI_STATUS volume_info(EFI_FILE_HANDLE handle, union file_info *entry);

/* Goes back to a directory's first entry, also just after it was opened: iPXE's root is one file for everyone, with one
   position. */
void volume_rewind(EFI_FILE_HANDLE directory);

/* Reads the next entry of an open directory; skips "." and "..", and names too long for core/, which could not be
   opened either. EFI_NOT_FOUND past the last one. */
EFI_STATUS volume_next_entry(EFI_FILE_HANDLE directory, struct platform_entry *entry);

#endif
