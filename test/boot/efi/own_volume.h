/* What the test programs for UEFI firmware share: a file of the volume that they were started from. */
#ifndef BOOTLLAMA_TEST_OWN_VOLUME_H
#define BOOTLLAMA_TEST_OWN_VOLUME_H

#include <stdbool.h>

#include "uefi/efi_headers.h"

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *table); /* called by gnu-efi's entry code */

/* Opens the file `path` for reading. */
static inline EFI_STATUS own_volume_open(EFI_HANDLE self, EFI_BOOT_SERVICES *boot, const CHAR16 *path, EFI_FILE **file)
{
    static const EFI_GUID loaded_image = EFI_LOADED_IMAGE_PROTOCOL_GUID;
    static const EFI_GUID file_system = EFI_SIMPLE_FILE_SYSTEM_PROTOCOL_GUID;
    EFI_SIMPLE_FILE_SYSTEM_PROTOCOL *volume;
    EFI_LOADED_IMAGE *of_self;
    EFI_FILE *root;

    EFI_STATUS status = boot->HandleProtocol(self, (EFI_GUID *)&loaded_image, (void **)&of_self);
    if (!EFI_ERROR(status)) {
        status = boot->HandleProtocol(of_self->DeviceHandle, (EFI_GUID *)&file_system, (void **)&volume);
    }
    if (!EFI_ERROR(status)) {
        status = volume->OpenVolume(volume, &root);
    }
    return EFI_ERROR(status) ? status : root->Open(root, file, (CHAR16 *)path, EFI_FILE_MODE_READ, 0);
}

/* Reads the file `path` into `content`, *size bytes at most; *size becomes its length. */
static inline EFI_STATUS own_volume_read(EFI_HANDLE self, EFI_BOOT_SERVICES *boot, const CHAR16 *path, void *content,
                                         UINTN *size)
{
    EFI_FILE *file;

    const EFI_STATUS status = own_volume_open(self, boot, path, &file);
    return EFI_ERROR(status) ? status : file->Read(file, size, content);
}

#endif
