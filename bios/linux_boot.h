/* What a loader of Linux kernels passes to bootllama.krn: linux_setup.asm fills it. */
#ifndef BOOTLLAMA_LINUX_BOOT_H
#define BOOTLLAMA_LINUX_BOOT_H

#include <stdint.h>

#include "layout.h"

/* At LINUX_BOOT. linux_setup.asm knows this layout. */
struct linux_boot {
    uint32_t initrd, initrd_bytes;         /* address; 0 bytes = there is none */
    char command_line[COMMAND_LINE_BYTES]; /* with its NUL */
};
_Static_assert(LINUX_BOOT + sizeof(struct linux_boot) <= TRAMPOLINE, "it lies below the trampoline");

#endif
