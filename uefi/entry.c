/*
 * The program's first instruction. Firmware's StartImage calls uefi_entry in 64-bit long mode, paging on and flat,
 * with the Microsoft calling convention: RCX = image handle, RDX = system table, at least 128 KiB of stack. gnu-efi's
 * _relocate relocates the image to its address; efi_main runs the program and returns to the firmware.
 *
 * Vector registers may be off until vector_state_enable: nothing before it uses them (uefi.mk ensures that).
 */
#include "pc/vector_state.h"
#include "run.h"
#include "uefi_platform.h"

/* Made by the linker (uefi.ld). Hidden: they must be reached before any address in the image has been relocated. */
extern const char ImageBase[] __attribute__((visibility("hidden")));
extern const char _DYNAMIC[] __attribute__((visibility("hidden")));

EFI_STATUS _relocate(long base, const void *dynamic, EFI_HANDLE image, EFI_SYSTEM_TABLE *table); /* libgnuefi.a */
EFI_STATUS EFIAPI uefi_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

/* PE base relocations: some firmware rejects an image without them. One block for page 1000h of 12 bytes, including its
   header, with two entries that do nothing, because _relocate does the work. */
static const uint32_t base_relocations[] __attribute__((section(".reloc"), used)) = {0x1000, 12, 0};

static EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    struct vector_state vector_state;
    struct platform platform;
    struct uefi uefi;

    uefi_greet(table);
    vector_state_enable(&vector_state);
    uefi_platform_begin(&platform, &uefi, image, table, ImageBase);
    run_console(&platform);
    platform.exclusive(&platform, false);
    uefi_platform_end(&uefi);
    vector_state_restore(&vector_state);
    return EFI_SUCCESS;
}

EFI_STATUS EFIAPI uefi_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    EFI_STATUS status = _relocate((long)ImageBase, _DYNAMIC, image, table);

    return EFI_ERROR(status) ? status : efi_main(image, table);
}
