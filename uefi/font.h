/* Which characters the firmware's font has. edk2's graphics console says of every character that it can show it
   (TestString), and leaves out those that its font lacks. */
#ifndef BOOTLLAMA_UEFI_FONT_H
#define BOOTLLAMA_UEFI_FONT_H

#include "efi_headers.h"

struct font_protocol;

struct font {
    EFI_BOOT_SERVICES *boot;
    struct font_protocol *protocol; /* NULL: the console does not draw with it */
};

/* Finds the font of a machine with a graphics screen. Without one, text may go to a terminal that has more. */
void font_open(struct font *font, EFI_BOOT_SERVICES *boot);

/* Whether the font has the character. Without a font, or if it fails, it counts as there. */
BOOLEAN font_has(const struct font *font, CHAR16 character);

#endif
