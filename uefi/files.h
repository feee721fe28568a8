/* Files and directories through EFI_FILE_PROTOCOL (UEFI specification, 13.5), with the care that firmware needs. */
#ifndef BOOTLLAMA_UEFI_FILES_H
#define BOOTLLAMA_UEFI_FILES_H

#include "clock.h"
#include "platform.h"
#include "volume.h"

enum { FILES_OPEN_MAX = 2, FILES_READ_MAX = 1 << 20 };

/* One open file or directory; free while `handle` and `volume` are NULL. */
struct open_file {
    EFI_FILE_HANDLE handle; /* NULL between a failure and the next try */
    struct volume *volume;  /* where it was opened */
    uint64_t size;          /* bytes */
    uint64_t position;      /* where the handle stands */
    CHAR16 path[PLATFORM_NAME_MAX + 16];
};

/* The stretch of a file that was read last. Firmware reads into it; smaller requests are served from it. */
struct window {
    uint8_t *bytes;               /* page-aligned, below 4 GiB */
    uint32_t size;                /* of the memory; 0 where there was none */
    const struct open_file *file; /* NULL while the window holds nothing */
    uint64_t start;               /* of bytes[0] in the file */
    uint64_t from, to;            /* the part of the file that may be used */
};

struct files {
    EFI_BOOT_SERVICES *boot;
    struct clock *clock; /* not owned */
    struct volumes volumes;
    struct window window;
    uint32_t chunk; /* bytes of one firmware read: the window's size, less after a failure */
    struct open_file open[FILES_OPEN_MAX];
    struct open_file directory; /* kept open from one `list` to the next */
    char directory_name[PLATFORM_NAME_MAX];
    uint32_t directory_index; /* entry that the directory's handle comes to next */
};

/* Finds the volumes and takes the read window. `device` is LoadedImage->DeviceHandle. files_end gives all back. */
void files_begin(struct files *files, EFI_BOOT_SERVICES *boot, EFI_HANDLE device, struct clock *clock);
void files_end(struct files *files);

/* open, close, read and list of struct platform; `error` is its text of the same name. */
int files_open(struct files *files, const char *path, struct platform_file *file, char *error);
void files_close(struct files *files, struct platform_file *file);
int files_read(struct files *files, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes,
               char *error);
int files_list(struct files *files, const char *directory, uint32_t index, struct platform_entry *entry, char *error);

#endif
