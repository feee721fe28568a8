/* Names of firmware status codes (UEFI specification, appendix D). */
#ifndef BOOTLLAMA_UEFI_STATUS_H
#define BOOTLLAMA_UEFI_STATUS_H

#include "efi_headers.h"
#include <stddef.h>

enum { STATUS_NAME_MAX = 32 };

/* Writes the specification's name, "EFI_DEVICE_ERROR", or "EFI status 0x2a" if it has none. Returns out
   [STATUS_NAME_MAX]. */
const char *status_name(char *out, EFI_STATUS status);

#endif
