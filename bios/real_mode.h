/* Into real mode and back, for bios_call.h and a20.c only: all other callers need A20 on afterwards. */
#ifndef BOOTLLAMA_REAL_MODE_H
#define BOOTLLAMA_REAL_MODE_H

#include "bios_regs.h"
#include "pc/vector_state.h"

/*
 * Calls interrupt `vector` of the BIOS with *regs and returns its registers there. Interrupts, including the timer's,
 * are on while it runs. Preserves x87 and SSE control words, CR0, CR4, all segments and tables; A20 may be off
 * afterwards.
 */
void real_mode_interrupt(uint8_t vector, struct bios_regs *regs);

/* The same with a 16-bit routine below 64 KiB that ends in IRET. */
void real_mode_run(void (*routine)(void), struct bios_regs *regs);

/* From now on also preserves the x87 and SSE state that `state` switched on. */
void real_mode_keep_vector_state(const struct vector_state *state);

#endif
