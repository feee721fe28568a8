/* Memory from the firmware, in pages of 4096 bytes. */
#ifndef BOOTLLAMA_UEFI_PAGES_H
#define BOOTLLAMA_UEFI_PAGES_H

#include "efi_headers.h"
#include <stddef.h>

/* Bytes of the largest free block that pointers reach and that can be taken at once, without what the firmware needs
   for itself; 0 if the firmware does not say. */
uint64_t pages_largest(EFI_BOOT_SERVICES *boot);

/* At least `bytes` of memory anywhere, or below 4 GiB, contents undefined; NULL if there is no such block. */
void *pages_take(EFI_BOOT_SERVICES *boot, size_t bytes);
void *pages_take_low(EFI_BOOT_SERVICES *boot, size_t bytes);

/* Releases the memory that one of the two returned for `bytes`. */
void pages_give(EFI_BOOT_SERVICES *boot, void *memory, size_t bytes);

#endif
