/* Colours of the firmware's console, where it goes to screens alone: a serial terminal would get escape sequences. */
#ifndef BOOTLLAMA_UEFI_COLOURS_H
#define BOOTLLAMA_UEFI_COLOURS_H

#include "efi_headers.h"
#include "platform.h"

struct colours {
    EFI_SIMPLE_TEXT_OUT_PROTOCOL *out; /* NULL where the console stays as it is */
    UINTN before;                      /* its attribute as it was found */
};

/* Finds out what is behind ConOut. Where it cannot, nothing has a colour. */
void colours_open(struct colours *colours, EFI_SYSTEM_TABLE *table);

/* Sets the colour of what is written to the console from now on; the background stays as it was found. COLOUR_TEXT is
   the colour as it was found: set it at the end. */
void colours_set(struct colours *colours, enum platform_colour colour);

#endif
