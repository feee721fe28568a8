/* Calls into the BIOS from protected mode: one register struct in, the same out. */
#ifndef BOOTLLAMA_BIOS_CALL_H
#define BOOTLLAMA_BIOS_CALL_H

#include "bios_regs.h"

/* Calls interrupt `vector` of the BIOS with *regs and returns its registers there. Preserves what real_mode_interrupt
   preserves; A20 is on again afterwards. */
void bios_call(uint8_t vector, struct bios_regs *regs);

/* The same with a 16-bit routine below 64 KiB that ends in IRET. */
void bios_run(void (*routine)(void), struct bios_regs *regs);

#endif
