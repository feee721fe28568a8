/* The initrd as the volume that models come from: a root directory with one file. */
#ifndef BOOTLLAMA_INITRD_H
#define BOOTLLAMA_INITRD_H

#include "linux_boot.h"
#include "platform.h"

#define INITRD_PATH "/INITRD.GGUF"

/* Replaces the file calls of *platform: there is this one file, which is read from memory. Without an initrd there is
   none, and a list fails with what is missing. *given lives as long as the program. */
void initrd_mount(struct platform *platform, const struct linux_boot *given);

#endif
