/* From the firmware's calling convention into core/. */
#ifndef BOOTLLAMA_UEFI_RUN_H
#define BOOTLLAMA_UEFI_RUN_H

#include "efi_headers.h"
#include "platform.h"

/* console_run as a function of the Microsoft convention: preserves XMM6 to XMM15 for the firmware. Vector state must be
   on. */
void EFIAPI run_console(struct platform *platform);

#endif
