/* From the firmware's calling convention into core/. */
#ifndef BOOTLLAMA_UEFI_RUN_H
#define BOOTLLAMA_UEFI_RUN_H

#include "efi_headers.h"
#include "platform.h"

/* console_run as a function of the firmware's convention, which on x86-64 preserves XMM6 to XMM15. Vector state must be
   on. */
void EFIAPI run_console(struct platform *platform);

#endif
