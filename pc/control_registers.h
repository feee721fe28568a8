/*
 * The ring-0 instructions of pc/vector_state.c, in a file of their own so that a unit test can replace the processor.
 * Intel SDM vol. 2: MOV to and from control registers, XSETBV, STMXCSR, LDMXCSR.
 *
 * A hypervisor may fault on an access that CPUID allows. The two functions that write registers described by CPUID
 * therefore run with interrupts off and an interrupt table of their own, in which #UD and #GP just end the instruction.
 */
#ifndef BOOTLLAMA_PC_CONTROL_REGISTERS_H
#define BOOTLLAMA_PC_CONTROL_REGISTERS_H

#include <stdbool.h>
#include <stdint.h>

uintptr_t cr0_read(void);
void cr0_write(uintptr_t value);

/* CR4 exists if CPUID does. cr4_write returns false, with CR4 unchanged, if the write faults. */
uintptr_t cr4_read(void);
bool cr4_write(uintptr_t value);

/* MXCSR exists if CPUID shows SSE, and is accessible while CR4.OSFXSR is set. */
uint32_t mxcsr_read(void);
void mxcsr_write(uint32_t value);

/* XCR0 exists while CR4.OSXSAVE is set; core/kernel/cpu.h reads it. Returns false, with XCR0 unchanged, if the write
   faults. */
bool xcr0_write(uint64_t value);

#endif
