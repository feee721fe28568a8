/* Fast-booting firmware connects only what it boots from (UEFI specification, 7.3: ConnectController). */
#include "connect.h"

#include <efi/efipciio.h>
#include <stdbool.h>

enum {
    PCI_CLASS = 8, /* in the configuration space: revision, interface, subclass, class */
    CLASS_STORAGE = 0x01,
    SUBCLASS_USB = 0x0C03,
    SUBCLASS_SD = 0x0805, /* SD host controller */
    SUBCLASS_ISA = 0x0601,
};

/* Class and subclass of a controller on the PCI bus, 0 if it is not on the bus or cannot be read. */
static uint32_t class_of(EFI_BOOT_SERVICES *boot, EFI_HANDLE handle)
{
    EFI_GUID guid = EFI_PCI_IO_PROTOCOL_GUID;
    void *found = NULL;
    UINT32 word = 0;

    if (EFI_ERROR(boot->HandleProtocol(handle, &guid, &found)) || found == NULL) {
        return 0;
    }
    EFI_PCI_IO_PROTOCOL *pci = found;
    return EFI_ERROR(pci->Pci.Read(pci, EfiPciIoWidthUint32, PCI_CLASS, 1, &word)) ? 0 : word >> 16;
}

/* Others are left alone: a graphics card would blank the screen, a network card would wait for its cable. */
static bool may_have_disks(uint32_t class)
{
    return class >> 8 == CLASS_STORAGE || class == SUBCLASS_USB || class == SUBCLASS_SD;
}

static bool may_have_keyboards(uint32_t class)
{
    return class == SUBCLASS_USB || class == SUBCLASS_ISA;
}

/* Connects every handle with this protocol; if `wanted` is given, only PCI controllers of a class that it accepts. */
static void connect_all(EFI_BOOT_SERVICES *boot, EFI_GUID protocol, bool (*wanted)(uint32_t class))
{
    EFI_HANDLE *handles = NULL;
    UINTN count = 0;

    if (EFI_ERROR(boot->LocateHandleBuffer(ByProtocol, &protocol, NULL, &count, &handles))) {
        return;
    }
    for (UINTN i = 0; i < count; i++) {
        if (wanted == NULL || wanted(class_of(boot, handles[i]))) {
            boot->ConnectController(handles[i], NULL, NULL, TRUE);
        }
    }
    boot->FreePool(handles);
}

static void connect_usb_devices(EFI_BOOT_SERVICES *boot)
{
    static const EFI_GUID usb_io = {0x2b2f68d6, 0x0cd2, 0x44cf, {0x8e, 0x8b, 0xbb, 0xa2, 0x0b, 0x1b, 0x5b, 0x75}};

    connect_all(boot, usb_io, NULL);
}

void connect_disks(EFI_BOOT_SERVICES *boot)
{
    connect_usb_devices(boot);
    connect_all(boot, (EFI_GUID)EFI_BLOCK_IO_PROTOCOL_GUID, NULL);
}

void connect_controllers(EFI_BOOT_SERVICES *boot)
{
    connect_all(boot, (EFI_GUID)EFI_PCI_IO_PROTOCOL_GUID, may_have_disks);
}

void connect_again(EFI_BOOT_SERVICES *boot, EFI_HANDLE device)
{
    EFI_GUID of_path = EFI_DEVICE_PATH_PROTOCOL_GUID, of_bus = EFI_PCI_IO_PROTOCOL_GUID;
    EFI_HANDLE controller = NULL;
    void *path = NULL;

    if (EFI_ERROR(boot->HandleProtocol(device, &of_path, &path)) || path == NULL) {
        return;
    }
    EFI_DEVICE_PATH_PROTOCOL *rest = path;
    if (!EFI_ERROR(boot->LocateDevicePath(&of_bus, &rest, &controller)) && may_have_disks(class_of(boot, controller))) {
        boot->DisconnectController(controller, NULL, NULL);
        boot->ConnectController(controller, NULL, NULL, TRUE);
    }
}

void connect_keyboards(EFI_BOOT_SERVICES *boot)
{
    connect_all(boot, (EFI_GUID)EFI_PCI_IO_PROTOCOL_GUID, may_have_keyboards);
    connect_usb_devices(boot);
}
