/* Bringing disks to light that the firmware knows of and has not connected to their drivers. */
#ifndef BOOTLLAMA_UEFI_CONNECT_H
#define BOOTLLAMA_UEFI_CONNECT_H

#include "efi_headers.h"

/* File systems of the disks and USB devices that the firmware shows: a stick that came late, a disk not booted from. */
void connect_disks(EFI_BOOT_SERVICES *boot);

/* Disks of storage controllers and USB ports on the PCI bus that nothing has been asked of so far. May take seconds. */
void connect_controllers(EFI_BOOT_SERVICES *boot);

#endif
