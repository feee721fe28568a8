/*
 * AVX-VNNI's vpdpbusd on a processor without it: a handler of SIGILL decodes the instruction as kernels ship it, VEX
 * prefix and all, and computes it on the registers of the interrupted program. Needs AVX. Linux, 32 and 64 bits.
 * Intel, "Architecture Instruction Set Extensions", AVX-VNNI; the XSAVE area in a signal's frame: Linux,
 * arch/x86/include/uapi/asm/sigcontext.h.
 */
#ifndef BOOTLLAMA_TEST_EMULATE_VNNI_H
#define BOOTLLAMA_TEST_EMULATE_VNNI_H

#include <stdint.h>

/* From now on the whole process has the instruction. If the processor has it, the handler stays idle except for an
   instruction after UD2 (0Fh 0Bh), which a test of the handler uses. */
void emulate_vnni(void);

/* The instructions computed by the handler so far. */
uint64_t emulated_vnni(void);

#endif
