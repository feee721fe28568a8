/*
 * The instructions of ring 0 that pc/vector_state.c is made of, in a file of their own: a unit test puts another
 * processor in their place. Intel SDM vol. 2: MOV to and from control registers, XSETBV, STMXCSR, LDMXCSR.
 *
 * A hypervisor may refuse by a fault what CPUID allows. The two that write to what CPUID describes therefore run with
 * interrupts off and an interrupt table of their own, in which #UD and #GP only end the instruction.
 */
#ifndef BOOTLLAMA_PC_CONTROL_REGISTERS_H
#define BOOTLLAMA_PC_CONTROL_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

uintptr_t cr0_read(void);
void cr0_write(uintptr_t value);

/* CR4 exists where CPUID does. cr4_write returns false, with CR4 as it was, where that faults. */
uintptr_t cr4_read(void);
bool cr4_write(uintptr_t value);

/* MXCSR exists where CPUID shows SSE, and can be reached while CR4.OSFXSR is set. */
uint32_t mxcsr_read(void);
void mxcsr_write(uint32_t value);

/* XCR0 exists while CR4.OSXSAVE is set; core/kernel/cpu.h reads it. Returns false, with XCR0 as it was, where that
   faults. */
bool xcr0_write(uint64_t value);

#endif
