/* Keys from the firmware's console input. */
#ifndef BOOTLLAMA_UEFI_KEYBOARD_H
#define BOOTLLAMA_UEFI_KEYBOARD_H

#include "efi_headers.h"

/* Only one of the two interfaces is used: mixing them hangs machines. Both are NULL if there is no input. */
struct keyboard {
    EFI_BOOT_SERVICES *boot;
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended;
    EFI_SIMPLE_TEXT_IN_PROTOCOL *simple;
};

/* Takes the extended interface of the console's own handle, or else the simple one. Keys typed before stay queued. If
   there is no keyboard, connects one: fast-booting firmware may not have done so. */
void keyboard_open(struct keyboard *keyboard, EFI_SYSTEM_TABLE *table);

/* The next key as defined by get_key of struct platform; KEY_NONE, without waiting, if there is none. */
int keyboard_get(struct keyboard *keyboard);

/* Lets the firmware idle the processor until there may be a key, or for this long (rounded up to the firmware's
   tick). */
void keyboard_rest(struct keyboard *keyboard, uint64_t microseconds);

#endif
