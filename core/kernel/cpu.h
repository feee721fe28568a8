/*
 * What the processor can do, and switching its vector state on.
 * Sources: Intel SDM vol. 1 ch. 13 (XSAVE), vol. 2 CPUID, vol. 3 ch. 2.5 (CR0, CR4), 13.1 (XCR0).
 */
#ifndef BOOTLLAMA_CPU_H
#define BOOTLLAMA_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
    char name[49]; /* brand string, vendor or "486-class", trimmed, NUL at its end */
    bool fpu, sse2, avx2, avxvnni, avx512vnni; /* usable: the bits, and for AVX the XCR0 that is really set */
    bool avx2_off; /* there is AVX2, but its state is not on in XCR0 */
};

/* Reads CPUID and XCR0. Needs no privilege. sse2 trusts that CR4.OSFXSR is on wherever CPUID shows SSE. */
void cpu_detect(struct cpu_features *features);

/* Control registers as they were, so that firmware gets them back. */
struct cpu_vector_state {
    uintptr_t cr0, cr4;
    uint64_t xcr0;
    uint32_t mxcsr;
    bool has_sse, has_xsave;
};

/*
 * Ring 0, this processor only: x87 on (CR0.EM = 0, MP = 1, TS = 0, NE = 1), then by CPUID SSE (CR4.OSFXSR, OSXMMEXCPT,
 * MXCSR 1F80h) and XSAVE state (CR4.OSXSAVE, XCR0 |= x87, SSE, AVX, AVX-512 as CPUID leaf 0Dh allows).
 * Touches nothing that CPUID does not show. *saved receives what cpu_restore_vector_state puts back.
 */
void cpu_enable_vector_state(struct cpu_vector_state *saved);
void cpu_restore_vector_state(const struct cpu_vector_state *saved);

#endif
