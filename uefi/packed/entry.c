/*
 * The first program in BOOTX64.EFI, which unpacks the second (bootllama.efi, the whole of bootllama) and has the
 * firmware start that.
 *
 * Firmware's StartImage calls unpack_entry in 64-bit long mode, paging on and flat, with the Microsoft calling
 * convention: RCX = image handle, RDX = system table. The second program then runs as an image of its own,
 * loaded by the firmware's LoadImage with the right access to every page, and begins at uefi_entry in ../entry.c. When
 * it ends, so does this one. No address is relocated here: there is no pointer in its data.
 */
#include "efi_headers.h"

#include "pack/unpack.h"

/* uefi.mk names the file. */
__asm__(".section .rodata\n"
        ".balign 4\n"
        ".globl packed_program\n"
        ".hidden packed_program\n"
        "packed_program: .incbin \"" PACKED_PROGRAM "\"\n"
        ".text\n");

extern const struct packed packed_program __attribute__((visibility("hidden")));

EFI_STATUS EFIAPI unpack_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

/* PE base relocations that do nothing: see ../entry.c. */
static const uint32_t base_relocations[] __attribute__((section(".reloc"), used)) = {0x1000, 12, 0};

static void say(EFI_SYSTEM_TABLE *table, const CHAR16 *text)
{
    if (table->ConOut != NULL) {
        table->ConOut->OutputString(table->ConOut, (CHAR16 *)text);
    }
}

static void *protocol_of(EFI_BOOT_SERVICES *boot, EFI_HANDLE handle, EFI_GUID guid)
{
    void *found = NULL;
    return EFI_ERROR(boot->HandleProtocol(handle, &guid, &found)) ? NULL : found;
}

static EFI_LOADED_IMAGE_PROTOCOL *loaded_image(EFI_BOOT_SERVICES *boot, EFI_HANDLE image)
{
    return protocol_of(boot, image, (EFI_GUID)EFI_LOADED_IMAGE_PROTOCOL_GUID);
}

/* The path that the first program came by: some firmware refuses NULL even for an image in memory. It makes copies. */
static EFI_DEVICE_PATH *path_of(EFI_BOOT_SERVICES *boot, EFI_HANDLE image)
{
    EFI_DEVICE_PATH *path = protocol_of(boot, image, (EFI_GUID)EFI_LOADED_IMAGE_DEVICE_PATH_PROTOCOL_GUID);
    const EFI_LOADED_IMAGE_PROTOCOL *loaded = loaded_image(boot, image);

    return path != NULL || loaded == NULL ? path : loaded->FilePath;
}

/* The second program reads its files from the volume of the first. No pointer is handed down: each image's FilePath is
   freed with it. */
static void hand_down(EFI_BOOT_SERVICES *boot, EFI_HANDLE from, EFI_HANDLE to)
{
    const EFI_LOADED_IMAGE_PROTOCOL *ours = loaded_image(boot, from);
    EFI_LOADED_IMAGE_PROTOCOL *theirs = loaded_image(boot, to);

    if (ours != NULL && theirs != NULL) {
        theirs->DeviceHandle = ours->DeviceHandle;
    }
}

static EFI_STATUS start(EFI_BOOT_SERVICES *boot, EFI_HANDLE image, uint8_t *program)
{
    EFI_HANDLE second = NULL;
    EFI_STATUS status =
        boot->LoadImage(FALSE, image, path_of(boot, image), program, packed_program.bytes, &second);
    if (EFI_ERROR(status)) {
        if (second != NULL) { /* loaded but not to be started: EFI_SECURITY_VIOLATION */
            boot->UnloadImage(second);
        }
        return status;
    }
    hand_down(boot, image, second);
    return boot->StartImage(second, NULL, NULL);
}

EFI_STATUS EFIAPI unpack_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    EFI_BOOT_SERVICES *boot = table->BootServices;
    uint8_t *program = NULL;
    struct codec *scratch = NULL;
    EFI_STATUS status;

    boot->SetWatchdogTimer(0, 0, 0, NULL);
    say(table, u"bootllama: unpacking\r\n");
    status = boot->AllocatePool(EfiLoaderData, packed_program.bytes, (void **)&program);
    if (!EFI_ERROR(status)) {
        status = boot->AllocatePool(EfiLoaderData, sizeof *scratch, (void **)&scratch);
    }
    if (!EFI_ERROR(status)) {
        status = unpack(program, packed_program.bytes, &packed_program, scratch) ? EFI_SUCCESS : EFI_CRC_ERROR;
    }
    if (!EFI_ERROR(status)) {
        status = start(boot, image, program);
    }
    if (EFI_ERROR(status)) {
        say(table, u"Error: bootllama cannot be unpacked or started: no memory, a damaged file, or Secure Boot\r\n");
    }
    if (scratch != NULL) {
        boot->FreePool(scratch);
    }
    if (program != NULL) {
        boot->FreePool(program);
    }
    return status;
}
