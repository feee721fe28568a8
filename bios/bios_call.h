/* Calls into the BIOS from protected mode: one register struct in, the same out. */
#ifndef BOOTLLAMA_BIOS_CALL_H
#define BOOTLLAMA_BIOS_CALL_H

#include <stdbool.h>
#include <stdint.h>

#include "pc/vector_state.h"

/* The registers as the BIOS is to see them and as it left them. thunk.asm knows this layout. */
struct bios_regs {
    uint16_t ds, es;
    uint32_t edi, esi, ebp, ebx, edx, ecx, eax;
    uint16_t target, target_segment, back, back_segment; /* bios_call's own business */
    uint16_t flags;                                      /* in: BIOS_CARRY or 0 */
    uint16_t owed_ticks;                                 /* bios_call's own business */
};
_Static_assert(sizeof(struct bios_regs) == 44, "thunk.asm knows the layout");

enum { BIOS_CARRY = 0x0001, BIOS_ZERO = 0x0040 }; /* in flags */

static inline bool bios_failed(const struct bios_regs *regs)
{
    return (regs->flags & BIOS_CARRY) != 0;
}

/* A pointer to anything of stage 2, which lies below 1 MiB, as the BIOS takes it. */
static inline uint16_t bios_segment(const volatile void *pointer)
{
    return (uint16_t)((uintptr_t)pointer >> 4);
}

static inline uint16_t bios_offset(const volatile void *pointer)
{
    return (uint16_t)((uintptr_t)pointer & 15);
}

/*
 * Interrupt `vector` of the BIOS with *regs, which come back as it left them. Interrupts are on while it runs, the
 * timer's among them. x87 and SSE control words, CR0, CR4, all segments and tables are kept; A20 is on again
 * afterwards.
 */
void bios_call(uint8_t vector, struct bios_regs *regs);

/* The same with a 16-bit routine below 64 KiB that ends in IRET. */
void bios_run(void (*routine)(void), struct bios_regs *regs);

/* From here on the x87 and SSE state that `state` switched on is kept over BIOS calls too. */
void bios_call_keep_vector_state(const struct vector_state *state);

#endif
