/* Files and directories through EFI_FILE_PROTOCOL (UEFI specification, 13.5), with workarounds for firmware. */
#ifndef BOOTLLAMA_UEFI_FILES_H
#define BOOTLLAMA_UEFI_FILES_H

#include "clock.h"
#include "platform.h"
#include "volume.h"

enum {
    FILES_OPEN_MAX = 2,
    FILES_READ_MAX = 1 << 20,
    FILES_SATA_MARGIN = 1 << 16, /* before and behind the part of a piece that is used on a SATA disk: see files.c */
};

/* One open file or directory; free while `handle` and `volume` are NULL. */
struct open_file {
    EFI_FILE_HANDLE handle; /* NULL between a failure and the next try */
    struct volume *volume;  /* the volume that it was opened on */
    uint64_t size;          /* bytes */
    uint64_t position;      /* the handle's position */
    CHAR16 path[VOLUME_PATH_UNITS];
};

/* The part of a file read last. Firmware reads into it; smaller requests are served from it. */
struct window {
    uint8_t *bytes;               /* page-aligned, below 4 GiB */
    uint32_t size;                /* of the memory; 0 if there was none */
    const struct open_file *file; /* NULL while the window holds nothing */
    uint64_t start;               /* of bytes[0] in the file */
    uint64_t from, to;            /* the valid part of the file */
    uint64_t end;                 /* of what was read: the rest is valid if the next piece agrees with it */
};

struct files {
    EFI_BOOT_SERVICES *boot;
    struct clock *clock; /* not owned */
    struct volumes volumes;
    struct window window;
    uint32_t chunk; /* bytes of one firmware read: the window's size, less after a failure */
    struct open_file open[FILES_OPEN_MAX];
    struct open_file directory; /* stays open from one `list` to the next */
    EFI_STATUS gone; /* why the drive counts as gone: all calls fail at once; EFI_SUCCESS while it does not */
    EFI_HANDLE lost; /* the device of a drive that counted as gone and has not been looked for since, else NULL */
    char directory_name[MODEL_PATH_MAX];
    uint32_t directory_index; /* next entry of the directory's handle */
};

/* Finds the volumes and allocates the read window. `device` is LoadedImage->DeviceHandle. files_end releases
   everything. */
void files_begin(struct files *files, EFI_BOOT_SERVICES *boot, EFI_HANDLE device, struct clock *clock);
void files_end(struct files *files);

/* Whether the drive counts as gone. files_retry ends that: the next call looks for the drive again. */
bool files_gone(const struct files *files);
void files_retry(struct files *files);

/* open, close, read and list of struct platform; `error` is platform.error. */
int files_open(struct files *files, const char *path, struct platform_file *file, char *error);
void files_close(struct files *files, struct platform_file *file);
int files_read(struct files *files, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes,
               char *error);
int files_list(struct files *files, const char *directory, uint32_t index, struct platform_entry *entry, char *error);

#endif
