/* Memory from the firmware, in pages of 4096 bytes. */
#ifndef BOOTLLAMA_UEFI_PAGES_H
#define BOOTLLAMA_UEFI_PAGES_H

#include "efi_headers.h"
#include <stddef.h>

/* Bytes of the largest free piece that may be taken in one go; what the firmware needs for itself is left out of it.
   0 where the firmware does not tell. */
uint64_t pages_largest(EFI_BOOT_SERVICES *boot);

/* At least `bytes` of memory at any address, or below 4 GiB, with any content; NULL where there is no such piece. */
void *pages_take(EFI_BOOT_SERVICES *boot, size_t bytes);
void *pages_take_low(EFI_BOOT_SERVICES *boot, size_t bytes);

/* Gives back what one of the two returned for `bytes`. */
void pages_give(EFI_BOOT_SERVICES *boot, void *memory, size_t bytes);

#endif
