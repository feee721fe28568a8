#include "kernel/cpu.h"

enum {
    BRAND_LEAVES = 3,

    EBX7_AVX512F = 1u << 16,
    EBX7_AVX512BW = 1u << 30,
    ECX7_AVX512VNNI = 1u << 11,
    EAX71_AVXVNNI = 1u << 4, /* of sub-leaf 1 */
};
static const uint32_t LEAF_BRAND = 0x80000002u, EBX7_AVX512VL = 1u << 31;

/* The first leaf of each range of 65,536 returns the highest leaf of the range. A processor without the range returns
   other values, whose upper half is unlikely to match it. */
static bool leaf_exists(uint32_t leaf)
{
    const uint32_t row = leaf & 0xFFFF0000u, highest = cpuid_instruction(row, 0).eax;
    return (highest & 0xFFFF0000u) == row && leaf <= highest;
}

struct cpuid cpuid_read(uint32_t leaf, uint32_t subleaf)
{
    bool exists = cpuid_exists() && leaf_exists(leaf);
    if (exists && leaf == CPUID_FEATURES_7) {
        exists = subleaf <= cpuid_instruction(leaf, 0).eax;
    }
    return exists ? cpuid_instruction(leaf, subleaf) : (struct cpuid){0, 0, 0, 0};
}

/* Copies the name without leading, trailing or repeated spaces; a NUL may end text [bytes] early. */
static void copy_name(struct cpu_features *features, const char *text, uint32_t bytes)
{
    uint32_t out = 0;
    for (uint32_t in = 0; in < bytes && text[in] != 0; in++) {
        const bool doubled = text[in] == ' ' && (out == 0 || features->name[out - 1] == ' ');
        if (!doubled && text[in] >= ' ' && text[in] < 0x7F) {
            features->name[out++] = text[in];
        }
    }
    while (out > 0 && features->name[out - 1] == ' ') {
        out--;
    }
    features->name[out] = 0;
}

/* The 48 bytes of the brand string, or the vendor if there is none. */
static void read_name(struct cpu_features *features)
{
    struct cpuid brand[BRAND_LEAVES];
    for (uint32_t i = 0; i < BRAND_LEAVES; i++) {
        brand[i] = cpuid_read(LEAF_BRAND + i, 0);
    }
    if (leaf_exists(LEAF_BRAND + BRAND_LEAVES - 1)) {
        copy_name(features, (const char *)brand, sizeof brand);
    }
    if (features->name[0] == 0) {
        const struct cpuid r = cpuid_read(0, 0);
        const uint32_t vendor[] = {r.ebx, r.edx, r.ecx};
        copy_name(features, (const char *)vendor, sizeof vendor);
    }
}

/* AVX counts only if XCR0 enables its state: some hypervisors show the bit without it. */
static void detect_avx(struct cpu_features *features, const struct cpuid *leaf1)
{
    const uint32_t avx = CPUID_ECX_AVX | CPUID_ECX_F16C;
    const uint32_t avx512 = EBX7_AVX512F | EBX7_AVX512BW | EBX7_AVX512VL;
    const uint64_t avx_state = XCR0_X87_SSE | XCR0_AVX;
    if ((leaf1->ecx & avx) != avx) {
        return;
    }
    const uint64_t xcr0 = (leaf1->ecx & CPUID_ECX_OSXSAVE) != 0 ? xcr0_read() : 0;
    const struct cpuid leaf7 = cpuid_read(CPUID_FEATURES_7, 0);
    features->avx2 = (xcr0 & avx_state) == avx_state && (leaf7.ebx & CPUID_EBX7_AVX2) != 0;
    features->avx2_off = !features->avx2 && (leaf7.ebx & CPUID_EBX7_AVX2) != 0;
    features->avxvnni = features->avx2 && (cpuid_read(CPUID_FEATURES_7, 1).eax & EAX71_AVXVNNI) != 0;
    features->avx512vnni = features->avx2 && (xcr0 & XCR0_AVX512) == XCR0_AVX512 && (leaf7.ebx & avx512) == avx512 &&
                           (leaf7.ecx & ECX7_AVX512VNNI) != 0;
}

void cpu_detect(struct cpu_features *features)
{
    *features = (struct cpu_features){.fpu = false};
    if (!cpuid_exists()) {
        *features = (struct cpu_features){"486-class processor", .fpu = true}; /* the BIOS path has probed for it */
        return;
    }
    read_name(features);
    const struct cpuid leaf1 = cpuid_read(CPUID_FEATURES, 0);
    const uint32_t sse2 = CPUID_EDX_FXSR | CPUID_EDX_SSE | CPUID_EDX_SSE2;
    features->fpu = !leaf_exists(CPUID_FEATURES) || (leaf1.edx & CPUID_EDX_FPU) != 0;
    features->sse2 = (leaf1.edx & sse2) == sse2;
    detect_avx(features, &leaf1);
}

bool cpu_runs_all_of(const struct cpu_features *features, const struct cpu_features *needed)
{
    return features->fpu >= needed->fpu && features->sse2 >= needed->sse2 && features->avx2 >= needed->avx2 &&
           features->avxvnni >= needed->avxvnni && features->avx512vnni >= needed->avx512vnni;
}
