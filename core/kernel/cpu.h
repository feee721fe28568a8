/*
 * The processor's features. Nothing here needs a privilege; pc/vector_state.h switches on what is off.
 * Sources: Intel SDM vol. 1 ch. 13 (XSAVE) and 20.1 (processors without CPUID), vol. 2 CPUID, vol. 3 ch. 13.1 (XCR0).
 */
#ifndef BOOTLLAMA_CPU_H
#define BOOTLLAMA_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu_features {
    char name[49];                             /* brand string, vendor or "486-class", trimmed, NUL at its end */
    bool fpu, sse2, avx2, avxvnni, avx512vnni; /* usable: CPUID's bits, and for AVX also the state that XCR0 enables */
    bool avx2_off;                             /* the processor has AVX2, but XCR0 does not enable its state */
};

/* Reads CPUID and XCR0. sse2 trusts that CR4.OSFXSR is on wherever CPUID shows SSE. */
void cpu_detect(struct cpu_features *features);

/* Whether a processor with these features runs every kernel that one with `needed` runs. */
bool cpu_runs_all_of(const struct cpu_features *features, const struct cpu_features *needed);

enum {
    CPUID_FEATURES = 1, /* the leaf of these bits of EDX and ECX */
    CPUID_EDX_FPU = 1u << 0,
    CPUID_EDX_TSC = 1u << 4,
    CPUID_EDX_MSR = 1u << 5,
    CPUID_EDX_APIC = 1u << 9,
    CPUID_EDX_FXSR = 1u << 24,
    CPUID_EDX_SSE = 1u << 25,
    CPUID_EDX_SSE2 = 1u << 26,
    CPUID_ECX_XSAVE = 1u << 26,
    CPUID_ECX_OSXSAVE = 1u << 27,
    CPUID_ECX_AVX = 1u << 28,
    CPUID_ECX_F16C = 1u << 29,

    CPUID_FEATURES_7 = 7, /* the next leaf of features; EAX of sub-leaf 0 is the highest sub-leaf */
    CPUID_EBX7_AVX2 = 1u << 5,

    CPUID_XSAVE = 0xD, /* sub-leaf 0: EAX holds the bits that XCR0 may have */

    XCR0_X87_SSE = 0x03,
    XCR0_AVX = 0x04,
    XCR0_AVX512 = 0xE0, /* opmask, ZMM_Hi256, Hi16_ZMM */
};

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/* CPUID's answer; all zero if the processor has no such leaf or no CPUID. */
struct cpuid cpuid_read(uint32_t leaf, uint32_t subleaf);

/* The instructions themselves (cpuid.c). A processor may have no CPUID. Any leaf may be requested; one that does not
   exist returns the values of another. XCR0 exists if CPUID_ECX_OSXSAVE is set. */
bool cpuid_exists(void);
struct cpuid cpuid_instruction(uint32_t leaf, uint32_t subleaf);
uint64_t xcr0_read(void);

#endif
