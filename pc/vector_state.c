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

static void enable_xsave(struct vector_state *saved)
{
    cr4_write(cr4_read() | CR4_OSXSAVE);
    saved->xcr0 = xcr0_read();
    uint64_t possible = cpuid_read(CPUID_XSAVE, 0).eax;
    uint64_t wanted = XCR0_X87_SSE;
    if ((possible & XCR0_AVX) != 0) {
        wanted |= XCR0_AVX;
        if ((possible & XCR0_AVX512) == XCR0_AVX512) {
            wanted |= XCR0_AVX512;
        }
    }
    xcr0_write(saved->xcr0 | wanted);
}

void vector_state_enable(struct vector_state *saved)
{
    *saved = (struct vector_state){.cr0 = cr0_read()};
    cr0_write((saved->cr0 & ~(uintptr_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
    const struct cpuid features = cpuid_read(CPUID_FEATURES, 0);
    const uint32_t sse = CPUID_EDX_FXSR | CPUID_EDX_SSE;
    saved->has_sse = (features.edx & sse) == sse;
    saved->has_xsave = saved->has_sse && (features.ecx & CPUID_ECX_XSAVE) != 0;
    if (!saved->has_sse) {
        return; /* without CPUID there is no CR4 either */
    }
    saved->cr4 = cr4_read();
    cr4_write(saved->cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
    saved->mxcsr = mxcsr_read();
    mxcsr_write(MXCSR_DEFAULT);
    if (saved->has_xsave) {
        enable_xsave(saved);
    }
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
