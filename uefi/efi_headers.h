/* The UEFI declarations of gnu-efi, on x86-64 with EFIAPI as the ms_abi attribute: firmware is called like any C
   function. */
#ifndef BOOTLLAMA_UEFI_EFI_HEADERS_H
#define BOOTLLAMA_UEFI_EFI_HEADERS_H

#define GNU_EFI_USE_MS_ABI
#include <efi/efi.h>

#endif
