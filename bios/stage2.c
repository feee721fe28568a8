/*
 * The step between start.asm and main.c: unpacks the program that all but the head of stage 2 holds.
 *
 * Called by start.asm in 32-bit protected mode, with flat segments on the stack below STACK_TOP, before there is a bss.
 * It lies in the head of stage 2 with all that it calls. When it returns true, start.asm goes on to bios_main.
 */
#include "layout.h"
#include "pack/unpack.h"

extern const struct packed packed_program; /* behind the head; placed by stage2.ld */

bool stage2_unpack(void);

_Static_assert(UNPACK_ADDRESS + sizeof(struct codec) <= STACK_TOP - UNPACK_STACK, "no room for a stack");

bool stage2_unpack(void)
{
    return unpack((uint8_t *)PROGRAM_ADDRESS, UNPACK_ADDRESS - PROGRAM_ADDRESS, &packed_program,
                  (struct codec *)UNPACK_ADDRESS);
}
