#include "font.h"

/* EFI_HII_FONT_PROTOCOL and EFI_IMAGE_OUTPUT: UEFI Specification 2.10, "HII Font Protocol". gnu-efi does not have
   them. */
struct font_image {
    UINT16 width, height;
    void *bitmap;
};

struct font_protocol {
    void *string_to_image, *string_id_to_image;
    EFI_STATUS(EFIAPI *get_glyph)(const struct font_protocol *, CHAR16, const void *, struct font_image **, UINTN *);
    void *get_font_info;
};

void font_open(struct font *font, EFI_BOOT_SERVICES *boot)
{
    EFI_GUID screen = EFI_GRAPHICS_OUTPUT_PROTOCOL_GUID;
    EFI_GUID guid = {0xE9CA4775, 0x8657, 0x47FC, {0x97, 0xE7, 0x7E, 0xD6, 0x5A, 0x08, 0x43, 0x24}};
    void *found = NULL;

    *font = (struct font){.boot = boot};
    if (!EFI_ERROR(boot->LocateProtocol(&screen, NULL, &found)) &&
        !EFI_ERROR(boot->LocateProtocol(&guid, NULL, &found))) {
        font->protocol = found;
    }
}

/* The protocol allocates an image of the glyph, or of what stands for one that it does not have. */
BOOLEAN font_has(const struct font *font, CHAR16 character)
{
    struct font_image *image = NULL;

    if (font->protocol == NULL) {
        return TRUE;
    }
    EFI_STATUS status = font->protocol->get_glyph(font->protocol, character, NULL, &image, NULL);
    if (image != NULL) {
        if (image->bitmap != NULL) {
            font->boot->FreePool(image->bitmap);
        }
        font->boot->FreePool(image);
    }
    return status != EFI_WARN_UNKNOWN_GLYPH;
}
