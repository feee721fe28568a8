/* Into real mode and back, for bios_call.h and a20.c: everybody else wants A20 on afterwards. */
#ifndef BOOTLLAMA_REAL_MODE_H
#define BOOTLLAMA_REAL_MODE_H

#include "bios_regs.h"
#include "pc/vector_state.h"

/*
 * Interrupt `vector` of the BIOS with *regs, which come back as it left them. Interrupts are on while it runs, the
 * timer's among them. x87 and SSE control words, CR0, CR4, all segments and tables are kept; A20 may be off afterwards.
 */
void real_mode_interrupt(uint8_t vector, struct bios_regs *regs);

/* The same with a 16-bit routine below 64 KiB that ends in IRET. */
void real_mode_run(void (*routine)(void), struct bios_regs *regs);

/* From here on the x87 and SSE state that `state` switched on is kept, too. */
void real_mode_keep_vector_state(const struct vector_state *state);

#endif
