/* Colours of the firmware's console, if only screens are behind it: a serial terminal would get escape sequences, which
   are for COLOUR_THOUGHT alone. */
#ifndef BOOTLLAMA_UEFI_COLOURS_H
#define BOOTLLAMA_UEFI_COLOURS_H

#include "efi_headers.h"
#include "platform.h"

struct colours {
    EFI_SIMPLE_TEXT_OUT_PROTOCOL *out;     /* NULL if the console stays unchanged */
    EFI_SIMPLE_TEXT_OUT_PROTOCOL *console; /* the same, but also where a terminal is behind it: for COLOUR_THOUGHT */
    bool thinking;                         /* that is set */
    UINTN before;                          /* its original attribute */
};

/* Finds out what is behind ConOut. If that fails, there are no colours. */
void colours_open(struct colours *colours, EFI_SYSTEM_TABLE *table);

/* Sets the colour of the text that follows; the background stays unchanged. COLOUR_TEXT is the console's original
   colour: set it at the end. */
void colours_set(struct colours *colours, enum platform_colour colour);

#endif
