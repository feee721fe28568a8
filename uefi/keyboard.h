/* Keys from the firmware's console input. */
#ifndef BOOTLLAMA_UEFI_KEYBOARD_H
#define BOOTLLAMA_UEFI_KEYBOARD_H

#include "efi_headers.h"

/* One of the two interfaces is used, never both: mixing them hangs machines. Both are NULL where there is no input. */
struct keyboard {
    EFI_BOOT_SERVICES *boot;
    EFI_SIMPLE_TEXT_INPUT_EX_PROTOCOL *extended;
    EFI_SIMPLE_TEXT_IN_PROTOCOL *simple;
    EFI_EVENT timer; /* for keyboard_wait; NULL where the firmware gave none */
};

/* Takes the extended interface of the console's own handle, or else the simple one. What was typed stays queued.
   keyboard_close gives back what it took. */
void keyboard_open(struct keyboard *keyboard, EFI_SYSTEM_TABLE *table);
void keyboard_close(struct keyboard *keyboard);

/* The next key as struct platform's get_key defines it, or KEY_NONE at once. */
int keyboard_get(struct keyboard *keyboard);

/* Lets the processor sleep until a key may have come, 20 ms at most or a tick of the firmware's timer. */
void keyboard_wait(struct keyboard *keyboard);

/* Lets the firmware rest the processor until there is a key, or for so long. */
void keyboard_rest(struct keyboard *keyboard, uint64_t microseconds);

#endif
