/*
 * The command line of the program: LoadOptions of EFI_LOADED_IMAGE_PROTOCOL (UEFI 2.10, 9.1), as iPXE, the UEFI Shell,
 * GRUB's chainloader and boot entries fill it.
 */
#ifndef BOOTLLAMA_LOAD_OPTIONS_H
#define BOOTLLAMA_LOAD_OPTIONS_H

#include <stdbool.h>

#include "efi_headers.h"

enum { LOAD_OPTIONS_MAX = 4096 }; /* bytes of a command line in UTF-8, its NUL included; what is longer is cut */

/*
 * Writes the settings to out[LOAD_OPTIONS_MAX], without the program's name, which most put before them. Returns false,
 * and writes "", if there are none: the options are missing or empty, or they are no text with a '=', since firmware
 * passes data of its own, too.
 */
bool load_options_read(const EFI_LOADED_IMAGE_PROTOCOL *image, char *out);

#endif
