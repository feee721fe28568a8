/*
 * Switches a processor's vector state on, and restores the firmware's.
 * Sources: Intel SDM vol. 3 ch. 2.5 (CR0, CR4), 13.1 (XCR0), vol. 1 ch. 11.6.4 (MXCSR), 13.3 (XSAVE).
 */
#ifndef BOOTLLAMA_PC_VECTOR_STATE_H
#define BOOTLLAMA_PC_VECTOR_STATE_H

#include <stdbool.h>
#include <stdint.h>

/* The firmware's control registers, to restore later. */
struct vector_state {
    uintptr_t cr0, cr4;
    uint64_t xcr0;
    uint32_t mxcsr;
    bool has_sse, has_xsave; /* switched on in addition to x87 */
};

/*
 * Ring 0, this processor only: x87 on (CR0.EM = 0, MP = 1, TS = 0, NE = 1), then by CPUID SSE (CR4.OSFXSR, OSXMMEXCPT,
 * MXCSR 1F80h) and, with AVX2, XSAVE state (CR4.OSXSAVE; XCR0 gets x87, SSE, AVX and all three parts of AVX-512 as
 * CPUID leaf 0Dh allows them). Touches nothing that CPUID does not show; a part that faults stays off. cpu_detect then
 * reports the result. *saved receives the state for vector_state_restore.
 */
void vector_state_enable(struct vector_state *saved);
void vector_state_restore(const struct vector_state *saved);

#endif
