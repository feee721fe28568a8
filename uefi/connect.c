/* A firmware in a hurry connects only what it boots from (UEFI specification, 7.3: ConnectController). */
#include "connect.h"

#include <efi/efipciio.h>
#include <stdbool.h>

enum {
    PCI_CLASS = 8, /* in the configuration space: revision, interface, subclass, class */
    CLASS_STORAGE = 0x01,
    SUBCLASS_USB = 0x0C03,
    SUBCLASS_SD = 0x0805, /* SD host controller */
};

/* A controller that disks can be behind. Others are left alone: a graphics card would blank the screen, a network card
   wait for its cable. */
static bool may_have_disks(EFI_BOOT_SERVICES *boot, EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    void *found = NULL;
    UINT32 word = 0;

    if (EFI_ERROR(boot->HandleProtocol(handle, &guid, &found)) || found == NULL) {
        return false;
    }
    EFI_PCI_IO_PROTOCOL *pci = found;
    if (EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_CLASS, 1, &word))) {
        return false;
    }
    return word >> 24 == CLASS_STORAGE || word >> 16 == SUBCLASS_USB || word >> 16 == SUBCLASS_SD;
}

/* Connects every handle with this protocol that `wanted`, unless NULL, is true for. */
static void connect_all(EFI_BOOT_SERVICES *boot, EFI_GUID protocol, bool (*wanted)(EFI_BOOT_SERVICES *, EFI_HANDLE))
{
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;

    if (EFI_ERROR(boot->LocateHandleBuffer(ByProtocol, &protocol, NULL, &count, &handles))) {
        return;
    }
    for (UINTN i = 0; i < count; i++) {
        if (wanted == NULL || wanted(boot, handles[i])) {
            boot->ConnectController(handles[i], NULL, NULL, TRUE);
        }
    }
    boot->FreePool(handles);
}

void connect_disks(EFI_BOOT_SERVICES *boot)
{
    static const EFI_GUID usb_io = {0x2b2f68d6, 0x0cd2, 0x44cf, {0x8e, 0x8b, 0xbb, 0xa2, 0x0b, 0x1b, 0x5b, 0x75}};

    connect_all(boot, usb_io, NULL);
    connect_all(boot, (EFI_GUID)EFI_BLOCK_IO_PROTOCOL_GUID, NULL);
}

void connect_controllers(EFI_BOOT_SERVICES *boot)
{
    connect_all(boot, (EFI_GUID)EFI_PCI_IO_PROTOCOL_GUID, may_have_disks);
}
