/* Connects disks and keyboards that the firmware knows but has not given to their drivers. */
#ifndef BOOTLLAMA_UEFI_CONNECT_H
#define BOOTLLAMA_UEFI_CONNECT_H

#include "efi_headers.h"

/* Disks and USB devices that the firmware shows, such as a stick plugged in late or a disk not booted from. */
void connect_disks(EFI_BOOT_SERVICES *boot);

/* Storage controllers and USB ports on the PCI bus that are still unused. May take seconds. */
void connect_controllers(EFI_BOOT_SERVICES *boot);

/* Starts the controller that the device is on anew, with all that is on it: a driver that missed that a stick was
   pulled out keeps its file system, and no other stick is found at that port. Device handles change. Takes a second. */
void connect_again(EFI_BOOT_SERVICES *boot, EFI_HANDLE device);

/* Keyboards: USB ports and the bridge to a PS/2 controller on the PCI bus, and USB devices behind ports in use. May
   take seconds. */
void connect_keyboards(EFI_BOOT_SERVICES *boot);

#endif
