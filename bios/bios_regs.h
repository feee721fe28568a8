/* The registers of a BIOS call. */
#ifndef BOOTLLAMA_BIOS_REGS_H
#define BOOTLLAMA_BIOS_REGS_H

#include <stdbool.h>
#include <stdint.h>

/* The values for the BIOS, then those that it returned. thunk.asm knows this layout. */
struct bios_regs {
    uint16_t ds, es;
    uint32_t edi, esi, ebp, ebx, edx, ecx, eax;
    uint16_t target, target_segment, back, back_segment; /* real_mode.c's own business */
    uint16_t flags;                                      /* in: BIOS_CARRY or 0 */
    uint16_t owed_ticks;                                 /* real_mode.c's own business */
};
_Static_assert(sizeof(struct bios_regs) == 44, "thunk.asm knows the layout");

enum { BIOS_CARRY = 0x0001, BIOS_ZERO = 0x0040 }; /* in flags */

static inline bool bios_failed(const struct bios_regs *regs)
{
    return (regs->flags & BIOS_CARRY) != 0;
}

/* Converts a pointer into stage 2, which lies below 1 MiB, to segment and offset for the BIOS. */
static inline uint16_t bios_segment(const volatile void *pointer)
{
    return (uint16_t)((uintptr_t)pointer >> 4);
}

static inline uint16_t bios_offset(const volatile void *pointer)
{
    return (uint16_t)((uintptr_t)pointer & 15);
}

#endif
