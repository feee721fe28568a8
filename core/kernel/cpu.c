#include "kernel/cpu.h"

enum {
    LEAF1_EDX_FPU = 1u << 0,
    LEAF1_EDX_FXSR = 1u << 24,
    LEAF1_EDX_SSE = 1u << 25,
    LEAF1_EDX_SSE2 = 1u << 26,
    LEAF1_ECX_XSAVE = 1u << 26,
    LEAF1_ECX_OSXSAVE = 1u << 27,
    LEAF1_ECX_AVX = 1u << 28,
    LEAF1_ECX_F16C = 1u << 29,
    LEAF7_EBX_AVX2 = 1u << 5,
    LEAF7_EBX_AVX512F = 1u << 16,
    LEAF7_EBX_AVX512BW = 1u << 30,
    LEAF7_ECX_AVX512VNNI = 1u << 11,
    LEAF7_1_EAX_AVXVNNI = 1u << 4,

    XCR0_X87_SSE = 0x03,
    XCR0_AVX = 0x04,
    XCR0_AVX512 = 0xE0, /* opmask, ZMM_Hi256, Hi16_ZMM */

    CR0_MP = 1u << 1,
    CR0_EM = 1u << 2,
    CR0_TS = 1u << 3,
    CR0_NE = 1u << 5,
    CR4_OSFXSR = 1u << 9,
    CR4_OSXMMEXCPT = 1u << 10,
    CR4_OSXSAVE = 1u << 18,

    MXCSR_DEFAULT = 0x1F80, /* all exceptions masked, round to nearest even, denormals kept */
};
static const uint32_t LEAF7_EBX_AVX512VL = 1u << 31;

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

/* A processor has CPUID where bit 21 of EFLAGS can be changed (SDM vol. 1 ch. 20.1); a plain 486 has not. */
static bool cpuid_exists(void)
{
#if defined(__x86_64__)
    return true;
#else
    uint32_t before, after;
    __asm__ volatile("pushfl\n\t"
                     "pushfl\n\t"
                     "xorl $0x200000, (%%esp)\n\t"
                     "popfl\n\t"
                     "pushfl\n\t"
                     "popl %1\n\t"
                     "popl %0\n\t"
                     "pushl %0\n\t"
                     "popfl"
                     : "=&r"(before), "=&r"(after)
                     :
                     : "cc");
    return ((before ^ after) & 0x200000) != 0;
#endif
}

static uint64_t read_xcr0(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}

static void write_xcr0(uint64_t value)
{
    __asm__ volatile("xsetbv" : : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0));
}

/* The 48 bytes of the brand string (leaves 8000_0002h to 8000_0004h), or the vendor where there is none. */
static void read_name(struct cpu_features *features)
{
    uint32_t words[12] = {0};
    if (cpuid(0x80000000u, 0).eax >= 0x80000004u) {
        for (uint32_t i = 0; i < 3; i++) {
            struct cpuid r = cpuid(0x80000002u + i, 0);
            words[4 * i] = r.eax;
            words[4 * i + 1] = r.ebx;
            words[4 * i + 2] = r.ecx;
            words[4 * i + 3] = r.edx;
        }
    } else {
        struct cpuid r = cpuid(0, 0);
        words[0] = r.ebx;
        words[1] = r.edx;
        words[2] = r.ecx;
    }
    const char *text = (const char *)words;
    uint32_t out = 0;
    for (uint32_t in = 0; in < sizeof words && text[in] != 0; in++) {
        bool doubled = text[in] == ' ' && (out == 0 || features->name[out - 1] == ' ');
        if (!doubled && text[in] >= ' ' && text[in] < 0x7F) {
            features->name[out++] = text[in];
        }
    }
    while (out > 0 && features->name[out - 1] == ' ') {
        out--;
    }
    features->name[out] = 0;
}

/* AVX only counts where XCR0 says that its state is on: hypervisors show the bit without it. */
static void detect_avx(struct cpu_features *features, const struct cpuid *leaf1)
{
    const uint32_t avx = LEAF1_ECX_AVX | LEAF1_ECX_F16C;
    if ((leaf1->ecx & avx) != avx || cpuid(0, 0).eax < 7) {
        return;
    }
    const uint64_t xcr0 = (leaf1->ecx & LEAF1_ECX_OSXSAVE) != 0 ? read_xcr0() : 0;
    struct cpuid leaf7 = cpuid(7, 0);
    const uint64_t avx_state = XCR0_X87_SSE | XCR0_AVX;
    const uint32_t avx512 = LEAF7_EBX_AVX512F | LEAF7_EBX_AVX512BW | LEAF7_EBX_AVX512VL;
    features->avx2 = (xcr0 & avx_state) == avx_state && (leaf7.ebx & LEAF7_EBX_AVX2) != 0;
    features->avx2_off = !features->avx2 && (leaf7.ebx & LEAF7_EBX_AVX2) != 0;
    features->avxvnni = features->avx2 && leaf7.eax >= 1 && (cpuid(7, 1).eax & LEAF7_1_EAX_AVXVNNI) != 0;
    features->avx512vnni = features->avx2 && (xcr0 & XCR0_AVX512) == XCR0_AVX512 && (leaf7.ebx & avx512) == avx512 &&
                           (leaf7.ecx & LEAF7_ECX_AVX512VNNI) != 0;
}

void cpu_detect(struct cpu_features *features)
{
    *features = (struct cpu_features){.name = "486-class processor"};
    if (!cpuid_exists()) {
        features->fpu = true; /* the BIOS path has probed for it before any C ran */
        return;
    }
    read_name(features);
    struct cpuid leaf1 = cpuid(1, 0);
    const uint32_t sse2 = LEAF1_EDX_FXSR | LEAF1_EDX_SSE | LEAF1_EDX_SSE2;
    features->fpu = (leaf1.edx & LEAF1_EDX_FPU) != 0;
    features->sse2 = (leaf1.edx & sse2) == sse2;
    detect_avx(features, &leaf1);
}

static uintptr_t read_cr0(void)
{
    uintptr_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

static void write_cr0(uintptr_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

static uintptr_t read_cr4(void)
{
    uintptr_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

static void write_cr4(uintptr_t value)
{
    __asm__ volatile("mov %0, %%cr4" : : "r"(value) : "memory");
}

static void enable_xsave(struct cpu_vector_state *saved)
{
    write_cr4(read_cr4() | CR4_OSXSAVE);
    saved->xcr0 = read_xcr0();
    uint64_t possible = cpuid(0xD, 0).eax;
    uint64_t wanted = XCR0_X87_SSE;
    if ((possible & XCR0_AVX) != 0) {
        wanted |= XCR0_AVX;
        if ((possible & XCR0_AVX512) == XCR0_AVX512) {
            wanted |= XCR0_AVX512;
        }
    }
    write_xcr0(saved->xcr0 | wanted);
}

void cpu_enable_vector_state(struct cpu_vector_state *saved)
{
    *saved = (struct cpu_vector_state){.cr0 = read_cr0()};
    write_cr0((saved->cr0 & ~(uintptr_t)(CR0_EM | CR0_TS)) | CR0_MP | CR0_NE);
    if (!cpuid_exists()) {
        return; /* no CR4 either */
    }
    struct cpuid leaf1 = cpuid(1, 0);
    saved->has_sse = (leaf1.edx & (LEAF1_EDX_FXSR | LEAF1_EDX_SSE)) == (LEAF1_EDX_FXSR | LEAF1_EDX_SSE);
    saved->has_xsave = saved->has_sse && (leaf1.ecx & LEAF1_ECX_XSAVE) != 0;
    if (!saved->has_sse) {
        return;
    }
    saved->cr4 = read_cr4();
    write_cr4(saved->cr4 | CR4_OSFXSR | CR4_OSXMMEXCPT);
    const uint32_t mxcsr = MXCSR_DEFAULT;
    __asm__ volatile("stmxcsr %0" : "=m"(saved->mxcsr));
    __asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
    if (saved->has_xsave) {
        enable_xsave(saved);
    }
}

void cpu_restore_vector_state(const struct cpu_vector_state *saved)
{
    if (saved->has_xsave) {
        write_xcr0(saved->xcr0);
    }
    if (saved->has_sse) {
        __asm__ volatile("ldmxcsr %0" : : "m"(saved->mxcsr));
        write_cr4(saved->cr4);
    }
    write_cr0(saved->cr0);
}
