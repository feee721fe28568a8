#include "pc/vector_state.h"

#include "kernel/cpu.h"
#include "pc/control_registers.h"

enum {
    CR0_MP = 1u << 1,
    CR0_EM = 1u << 2,
    CR0_TS = 1u << 3,
    CR0_NE = 1u << 5,
    CR4_OSFXSR = 1u << 9,
    CR4_OSXMMEXCPT = 1u << 10,
    CR4_OSXSAVE = 1u << 18,

    MXCSR_DEFAULT = 0x1F80, /* all exceptions masked, round to nearest even, denormals kept */
};

/* The wanted XCR0: each part of `allowed` whose prerequisites are also allowed; 0: no XCR0 at all. */
static uint64_t wanted_xcr0(uint64_t before, uint64_t allowed)
{
    static const uint64_t parts[] = {XCR0_X87_SSE, XCR0_AVX, XCR0_AVX512};
    uint64_t wanted = 0;

    for (uint32_t i = 0; i < sizeof parts / sizeof parts[0] && (allowed & parts[i]) == parts[i]; i++) {
        wanted |= parts[i];
    }
    return wanted != 0 ? wanted | before : 0;
}

/* No kernel uses AVX without AVX2. QEMU's TCG repeats a write of CR4.OSXSAVE forever on a processor with XSAVE, but
   without leaf 0Dh's XSAVEOPT (Opteron_G4, Opteron_G5); those with AVX2 have both. */
static bool uses_xsave(const struct cpuid *features)
{
    return (features->ecx & CPUID_ECX_XSAVE) != 0 && (cpuid_read(CPUID_FEATURES_7, 0).ebx & CPUID_EBX7_AVX2) != 0;
}

/* Returns whether XCR0 must be restored: old hypervisors and set-ups that limit CPUID show XSAVE without leaf 0Dh. */
static bool enable_xsave(struct vector_state *saved)
{
    const struct cpuid allowed = cpuid_read(CPUID_XSAVE, 0);
    const uintptr_t cr4 = cr4_read();

    if (wanted_xcr0(0, allowed.eax) == 0 || !cr4_write(cr4 | CR4_OSXSAVE)) {
        return false;
    }
    saved->xcr0 = xcr0_read();
    const uint64_t all = wanted_xcr0(saved->xcr0, allowed.eax);
    if (xcr0_write(all) || xcr0_write(wanted_xcr0(saved->xcr0, XCR0_X87_SSE | XCR0_AVX) & all)) {
        return true;
    }
    cr4_write(cr4);
    return false;
}

void vector_state_enable(struct vector_state *saved)
{
    *saved = (struct vector_state){.cr0 = cr0_read()};
    cr0_write((saved->cr0 & ~(uintptr_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
    const struct cpuid features = cpuid_read(CPUID_FEATURES, 0);
    const uint32_t sse = CPUID_EDX_FXSR | CPUID_EDX_SSE;
    if ((features.edx & sse) != sse) {
        return; /* no CPUID, so no CR4 */
    }
    saved->cr4 = cr4_read();
    saved->has_sse = cr4_write(saved->cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
    if (!saved->has_sse) {
        return;
    }
    saved->mxcsr = mxcsr_read();
    mxcsr_write(MXCSR_DEFAULT);
    saved->has_xsave = uses_xsave(&features) && enable_xsave(saved);
}

void vector_state_restore(const struct vector_state *saved)
{
    if (saved->has_xsave) {
        xcr0_write(saved->xcr0);
    }
    if (saved->has_sse) {
        mxcsr_write(saved->mxcsr);
        cr4_write(saved->cr4);
    }
    cr0_write(saved->cr0);
}
