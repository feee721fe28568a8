/* Walking device paths (UEFI specification, chapter 10). A malformed one ends early. */
#ifndef BOOTLLAMA_UEFI_DEVICE_PATH_H
#define BOOTLLAMA_UEFI_DEVICE_PATH_H

#include "efi_headers.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DEVICE_PATH_MAX = 4096 /* bytes examined if a path's size is unknown */ };

struct device_path {
    const uint8_t *at, *end; /* not owned */
};

/* The path in `size` bytes of memory, or that of a handle; empty if there is none. */
struct device_path device_path_in(const void *bytes, size_t size);
struct device_path device_path_of(EFI_BOOT_SERVICES *boot, EFI_HANDLE handle);

/* The next node, complete in its stated length, or NULL at the end of the path. The node between two instances of a
   multi-instance path is returned like any other. */
const EFI_DEVICE_PATH_PROTOCOL *device_path_next(struct device_path *path);

/* Bytes of the path up to its end node or to a malformed part. */
size_t device_path_bytes(struct device_path path);

/* Bytes of the path that lead to the drive, before the node of a partition; the whole path if it has no such node.
   *number becomes the partition's number, 0 if there is none. */
size_t device_path_drive_bytes(struct device_path path, uint32_t *number);

/* Whether a node of this kind is in the path. */
bool device_path_has(struct device_path path, uint8_t type, uint8_t subtype);

#endif
