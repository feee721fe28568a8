/*
 * The initrd as the volume that models come from: a root directory with the models in it.
 *
 * Loaders put several initrds one behind the other, each at a multiple of 4 bytes, some with a cpio header before it
 * (iPXE's "initrd URL NAME"). So a model begins where the header of a GGUF file is found at such a multiple, whatever
 * lies before it, and ends where the next one begins.
 */
#ifndef BOOTLLAMA_INITRD_H
#define BOOTLLAMA_INITRD_H

#include "linux_boot.h"
#include "platform.h"

enum { INITRD_MODELS = 9 }; /* what lies behind so many belongs to the last one */

/* Replaces the file calls of *platform: the files are /INITRD.GGUF, /INITRD2.GGUF and so on, which are read from
   memory. If there is no model, a list fails and says what is missing. *given lives as long as the program. */
void initrd_mount(struct platform *platform, const struct linux_boot *given);

#endif
