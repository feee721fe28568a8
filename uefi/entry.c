/*
 * The program's first instruction. Firmware's StartImage calls uefi_entry with memory flat and at least 128 KiB of
 * stack. gnu-efi's _relocate relocates the image to its address; efi_main runs the program and returns to the firmware.
 *
 *      x86-64   long mode, paging on; Microsoft calling convention: RCX = image handle, RDX = system table
 *      IA-32    protected mode, paging off or one to one; C calling convention: both are on the stack, which some
 *               firmware aligns to 4 bytes only
 *
 * Vector registers may be off until vector_state_enable: nothing before it uses them (uefi.mk ensures that).
 */
#include "kernel/cpu.h"
#include "pc/vector_state.h"
#include "run.h"
#include "uefi_platform.h"

enum { READING_US = 10000000 /* before the firmware goes on and clears the screen */ };

/* Made by the linker (uefi.ld). Hidden: they must be reached before any address in the image has been relocated. */
extern const char ImageBase[] __attribute__((visibility("hidden")));
extern const char _DYNAMIC[] __attribute__((visibility("hidden")));

EFI_STATUS _relocate(long base, const void *dynamic, EFI_HANDLE image, EFI_SYSTEM_TABLE *table); /* libgnuefi.a */
EFI_STATUS EFIAPI uefi_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *table);

/* PE base relocations: some firmware rejects an image without them. One block for page 1000h of 12 bytes, including its
   header, with two entries that do nothing, because _relocate does the work. */
static const uint32_t base_relocations[] __attribute__((section(".base_relocations"), used)) = {0x1000, 12, 0};

/* Secure Boot's shim revokes by component and generation, and loads nothing without this section. A security fix counts
   the generation, the second field, up (https://github.com/rhboot/shim/blob/main/SBAT.md). No NUL at its end. */
#define SBAT                                                                        \
    "sbat,1,SBAT Version,sbat,1,https://github.com/rhboot/shim/blob/main/SBAT.md\n" \
    "bootllama,1,bootllama,bootllama," BOOTLLAMA_VERSION ",README.TXT\n"
static const char sbat[sizeof SBAT - 1] __attribute__((section(".sbat"), used)) = SBAT;

/* Every x86-64 has SSE2. */
static bool runs_this_program(void)
{
    struct cpu_features features;

    cpu_detect(&features);
    return features.sse2;
}

static EFI_STATUS efi_main(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    struct vector_state vector_state;
    struct platform platform;
    struct uefi uefi;

    uefi_greet(table);
    vector_state_enable(&vector_state);
    if (!runs_this_program()) {
        screen_say(table, u"\r\nError: this processor has no SSE2, which bootllama needs under UEFI.\r\n");
        table->BootServices->Stall(READING_US);
        vector_state_restore(&vector_state);
        return EFI_UNSUPPORTED;
    }
    uefi_platform_begin(&platform, &uefi, image, table, ImageBase);
    run_console(&platform);
    platform.exclusive(&platform, false);
    uefi_platform_end(&uefi);
    vector_state_restore(&vector_state);
    return EFI_SUCCESS;
}

__attribute__((force_align_arg_pointer)) EFI_STATUS EFIAPI uefi_entry(EFI_HANDLE image, EFI_SYSTEM_TABLE *table)
{
    EFI_STATUS status = _relocate((long)ImageBase, _DYNAMIC, image, table);

    return EFI_ERROR(status) ? status : efi_main(image, table);
}
