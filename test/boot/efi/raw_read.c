/*
 * What the firmware alone takes to read a model, for test/bench/reading.py: for each byte that COM1 receives, reads
 * \MODELS\MODEL.GGUF of its own volume from its beginning to its end, in aligned pieces of 1 MiB. Sends "@" whenever it
 * is ready, "!" if it cannot read. Started by x86-64 firmware as \EFI\BOOT\BOOTX64.EFI; never returns.
 */
#include "own_volume.h"
#include "pc/ports.h"

enum {
    COM1 = 0x3F8, /* data; other registers by their offset */
    LINE_STATUS = 5,
    RECEIVED = 0x01,
    PIECE = 1 << 20,
    PIECE_PAGES = PIECE / EFI_PAGE_SIZE,
};

static EFI_STATUS read_all(EFI_FILE *file, void *piece)
{
    EFI_STATUS status = file->SetPosition(file, 0);
    UINTN size = PIECE;

    while (!EFI_ERROR(status) && size > 0) {
        size = PIECE;
        status = file->Read(file, &size, piece);
    }
    return status;
}

/* Sends a byte and waits for one, which the firmware's own terminal, an event handler, does not get. */
static void answer(EFI_BOOT_SERVICES *boot, uint8_t byte)
{
    const EFI_TPL level = boot->RaiseTPL(TPL_HIGH_LEVEL);

    port_write(COM1, byte);
    while ((port_read(COM1 + LINE_STATUS) & RECEIVED) == 0) {}
    port_read(COM1);
    boot->RestoreTPL(level);
}

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *table)
{
    EFI_BOOT_SERVICES *boot = table->BootServices;
    EFI_PHYSICAL_ADDRESS piece = UINT32_MAX;
    EFI_FILE *file;

    boot->SetWatchdogTimer(0, 0, 0, NULL);
    EFI_STATUS status = own_volume_open(self, boot, u"\\MODELS\\MODEL.GGUF", &file);
    if (!EFI_ERROR(status)) {
        status = boot->AllocatePages(AllocateMaxAddress, EfiLoaderData, PIECE_PAGES, &piece);
    }
    for (;;) {
        answer(boot, EFI_ERROR(status) ? '!' : '@');
        status = read_all(file, (void *)(uintptr_t)piece);
    }
}
