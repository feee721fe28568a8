/*
 * Enrols the keys in \KEYS of its own volume while the firmware is in set-up mode: the firmware itself checks each
 * .AUTH file. Started by x86-64 firmware as \EFI\BOOT\BOOTX64.EFI; says how it went and switches off.
 */
#include "own_volume.h"

enum { FILE_BYTES_MAX = 1 << 14 };

#define AUTHENTICATED                                                                            \
    (EFI_VARIABLE_NON_VOLATILE | EFI_VARIABLE_BOOTSERVICE_ACCESS | EFI_VARIABLE_RUNTIME_ACCESS | \
     EFI_VARIABLE_TIME_BASED_AUTHENTICATED_WRITE_ACCESS)

/* In this order: PK ends the set-up mode. */
static const struct {
    CHAR16 path[16], variable[4];
    EFI_GUID owner;
} keys[] = {
    {u"\\KEYS\\DB.AUTH", u"db", {0xD719B2CB, 0x3D3A, 0x4596, {0xA3, 0xBC, 0xDA, 0xD0, 0x0E, 0x67, 0x65, 0x6F}}},
    {u"\\KEYS\\KEK.AUTH", u"KEK", EFI_GLOBAL_VARIABLE},
    {u"\\KEYS\\PK.AUTH", u"PK", EFI_GLOBAL_VARIABLE},
};

EFI_STATUS efi_main(EFI_HANDLE self, EFI_SYSTEM_TABLE *table)
{
    static uint8_t content[FILE_BYTES_MAX];
    EFI_STATUS status = EFI_SUCCESS;

    for (UINTN i = 0; i < sizeof keys / sizeof *keys && !EFI_ERROR(status); i++) {
        UINTN size = sizeof content;
        status = own_volume_read(self, table->BootServices, keys[i].path, content, &size);
        if (!EFI_ERROR(status)) {
            status = table->RuntimeServices->SetVariable((CHAR16 *)keys[i].variable, (EFI_GUID *)&keys[i].owner,
                                                         AUTHENTICATED, size, content);
        }
    }
    table->ConOut->OutputString(table->ConOut, EFI_ERROR(status) ? u"\r\nkeys refused\r\n" : u"\r\nkeys enrolled\r\n");
    table->RuntimeServices->ResetSystem(EfiResetShutdown, status, 0, NULL);
    return status;
}
