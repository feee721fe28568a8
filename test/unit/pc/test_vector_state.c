/*
 * core/kernel/cpu.c and pc/vector_state.c on simulated processors. The functions that stand in for instructions
 * (core/kernel/cpuid.c, pc/control_registers.c) fail a test where the real ones would fault.
 */
#include "unit.h"

#include "kernel/cpu.h"
#include "pc/control_registers.h"
#include "pc/vector_state.h"

enum {
    LEAVES = 16,
    OSFXSR_OSXMMEXCPT = 0x600,
    OSXSAVE = 1 << 18,
    FIRMWARE_CR0 = 0x80000011, /* PG, ET, PE */
    ENABLED_CR0 = FIRMWARE_CR0 | 0x22,
    FIRMWARE_MXCSR = 0x9FC0,
};

static struct {
    bool no_cpuid;
    uint32_t highest, highest_extended; /* leaves */
    struct {
        uint32_t leaf, subleaf;
        struct cpuid values;
    } leaves[LEAVES];
    uintptr_t cr0, cr4;
    uint64_t xcr0;
    uint64_t xcr0_faults; /* bits that XSETBV refuses, beside all that leaf 0Dh does not show */
    bool osxsave_faults;
    uint32_t mxcsr;
} processor;

/* As Intel's do: a leaf that does not exist gives the values of the highest one. */
struct cpuid cpuid_instruction(uint32_t leaf, uint32_t subleaf)
{
    assert_false(processor.no_cpuid);
    const uint32_t highest = leaf >= 0x80000000 ? processor.highest_extended : processor.highest;
    leaf = leaf > highest ? processor.highest : leaf;
    for (uint32_t i = 0; i < LEAVES; i++) {
        if (processor.leaves[i].leaf == leaf && processor.leaves[i].subleaf == subleaf) {
            struct cpuid values = processor.leaves[i].values;
            values.eax = leaf == 0 ? processor.highest : values.eax;
            values.ecx |= leaf == 1 && (processor.cr4 & OSXSAVE) != 0 ? CPUID_ECX_OSXSAVE : 0;
            return values;
        }
    }
    return (struct cpuid){leaf == 0 ? processor.highest : leaf == 0x80000000 ? processor.highest_extended : 0, 0, 0, 0};
}

bool cpuid_exists(void)
{
    return !processor.no_cpuid;
}

uint64_t xcr0_read(void)
{
    assert_true((processor.cr4 & OSXSAVE) != 0);
    return processor.xcr0;
}

bool xcr0_write(uint64_t value)
{
    const uint64_t shown = cpuid_instruction(CPUID_XSAVE, 0).eax;

    assert_true((processor.cr4 & OSXSAVE) != 0);
    assert_true((value & ~shown) == 0 && processor.highest >= CPUID_XSAVE);
    assert_true((value & 1) != 0);
    if ((value & processor.xcr0_faults) != 0) {
        return false;
    }
    processor.xcr0 = value;
    return true;
}

uintptr_t cr0_read(void)
{
    return processor.cr0;
}

void cr0_write(uintptr_t value)
{
    processor.cr0 = value;
}

uintptr_t cr4_read(void)
{
    assert_false(processor.no_cpuid);
    return processor.cr4;
}

bool cr4_write(uintptr_t value)
{
    assert_false(processor.no_cpuid);
    if (processor.osxsave_faults && (value & OSXSAVE) != 0) {
        return false;
    }
    processor.cr4 = value;
    return true;
}

uint32_t mxcsr_read(void)
{
    assert_true((processor.cr4 & OSFXSR_OSXMMEXCPT) != 0);
    return processor.mxcsr;
}

void mxcsr_write(uint32_t value)
{
    assert_true((processor.cr4 & OSFXSR_OSXMMEXCPT) != 0);
    processor.mxcsr = value;
}

static void put_leaf(uint32_t leaf, uint32_t subleaf, struct cpuid values)
{
    uint32_t i = 0;
    while (i < LEAVES - 1 && processor.leaves[i].leaf != UINT32_MAX) {
        i++;
    }
    processor.leaves[i].leaf = leaf;
    processor.leaves[i].subleaf = subleaf;
    processor.leaves[i].values = values;
}

static const uint32_t SSE2_EDX = CPUID_EDX_FPU | CPUID_EDX_FXSR | CPUID_EDX_SSE | CPUID_EDX_SSE2;
static const uint32_t AVX_ECX = CPUID_ECX_XSAVE | CPUID_ECX_AVX | CPUID_ECX_F16C;

/* Off as SeaBIOS leaves it; leaf 1 as given. */
static void begin(uint32_t highest, uint32_t edx, uint32_t ecx)
{
    memset(&processor, 0, sizeof processor);
    for (uint32_t i = 0; i < LEAVES; i++) {
        processor.leaves[i].leaf = UINT32_MAX;
    }
    processor.highest = highest;
    processor.cr0 = FIRMWARE_CR0 | 0x0C; /* EM, TS */
    processor.mxcsr = FIRMWARE_MXCSR;
    processor.xcr0 = 1;
    put_leaf(0, 0, (struct cpuid){highest, 0x756E6547, 0x6C65746E, 0x49656E69}); /* GenuineIntel */
    put_leaf(1, 0, (struct cpuid){0, 0, ecx, edx});
}

/* A processor whose XCR0 may have these bits, with all that kernels want in leaf 7. */
static void begin_avx(uint64_t allowed)
{
    begin(0xD, SSE2_EDX, AVX_ECX);
    put_leaf(7, 0, (struct cpuid){1, 1u << 5 | 1u << 16 | 1u << 30 | 1u << 31, 1u << 11, 0});
    put_leaf(7, 1, (struct cpuid){1u << 4, 0, 0, 0});
    put_leaf(0xD, 0, (struct cpuid){(uint32_t)allowed, 0, 0, 0});
}

/* Switches on, looks, and back. */
static struct cpu_features enable(uintptr_t cr4, uint64_t xcr0)
{
    struct vector_state saved;
    struct cpu_features features;
    const uintptr_t cr0_before = processor.cr0, cr4_before = processor.cr4;
    const uint64_t xcr0_before = processor.xcr0;

    vector_state_enable(&saved);
    assert_int_equal(processor.cr0, ENABLED_CR0);
    assert_int_equal(processor.cr4, cr4);
    assert_int_equal(processor.xcr0, xcr0);
    assert_int_equal(processor.mxcsr, cr4 != 0 ? 0x1F80 : FIRMWARE_MXCSR);
    cpu_detect(&features);
    vector_state_restore(&saved);
    assert_int_equal(processor.cr0, cr0_before);
    assert_int_equal(processor.cr4, cr4_before);
    assert_int_equal(processor.xcr0, xcr0_before);
    assert_int_equal(processor.mxcsr, FIRMWARE_MXCSR);
    return features;
}

static void a_486_has_no_cr4(void **state)
{
    (void)state;
    begin(0, 0, 0);
    processor.no_cpuid = true;
    const struct cpu_features features = enable(0, 1);
    assert_true(features.fpu);
    assert_false(features.sse2 || features.avx2 || features.avx2_off);
    assert_string_equal(features.name, "486-class processor");
}

/* Leaf 1 with a zero for the x87 says that there is none; a CPUID without leaf 1 says nothing. */
static void a_missing_leaf_says_nothing_of_the_x87(void **state)
{
    (void)state;
    begin(0, 0, 0);
    assert_true(enable(0, 1).fpu);
    begin(1, 0, 0);
    assert_false(enable(0, 1).fpu);
}

static void what_cpuid_does_not_show_is_not_touched(void **state)
{
    (void)state;
    begin(1, CPUID_EDX_FPU, 0);
    assert_false(enable(0, 1).sse2);
    begin(1, CPUID_EDX_FPU | CPUID_EDX_SSE | CPUID_EDX_SSE2, 0); /* no FXSR: CR4 has no bit for it */
    assert_false(enable(0, 1).sse2);
    begin(2, SSE2_EDX, 0);
    assert_true(enable(OSFXSR_OSXMMEXCPT, 1).sse2);
    begin(2, SSE2_EDX, CPUID_ECX_AVX | CPUID_ECX_F16C); /* a hypervisor that shows AVX without XSAVE */
    assert_false(enable(OSFXSR_OSXMMEXCPT, 1).avx2);
}

/* Its state would serve no kernel, and QEMU's TCG never gets past CR4.OSXSAVE on an Opteron with AVX. */
static void avx_without_avx2_is_left_off(void **state)
{
    (void)state;
    begin(0xD, SSE2_EDX, AVX_ECX);
    put_leaf(0xD, 0, (struct cpuid){7, 0, 0, 0});
    const struct cpu_features features = enable(OSFXSR_OSXMMEXCPT, 1);
    assert_true(features.sse2);
    assert_false(features.avx2 || features.avx2_off);
}

static void every_part_of_the_state_that_may_be_on_is_on(void **state)
{
    (void)state;
    begin_avx(7);
    struct cpu_features features = enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 7);
    assert_true(features.sse2 && features.avx2 && features.avxvnni);
    assert_false(features.avx512vnni || features.avx2_off);
    begin_avx(0xE7);
    features = enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 0xE7);
    assert_true(features.avx2 && features.avx512vnni);
    begin_avx(3);
    features = enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 3);
    assert_true(features.sse2 && features.avx2_off);
    assert_false(features.avx2 || features.avxvnni || features.avx512vnni);
}

/* Kernels for AVX-512 need all of its state: a part of it is not switched on. */
static void avx512_needs_all_three_parts(void **state)
{
    (void)state;
    for (uint64_t part = 0x20; part < 0xE0; part += 0x20) {
        begin_avx(7 | part);
        const struct cpu_features features = enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 7);
        assert_true(features.avx2 && !features.avx512vnni);
    }
    begin_avx(0xE3); /* nonsense: AVX-512 without AVX */
    assert_true(enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 3).avx2_off);
}

/* A set-up that limits CPUID, or an old hypervisor: asked for leaf 0Dh, it answers with those of its highest one. */
static void leaves_above_the_highest_are_not_asked_for(void **state)
{
    static const uint32_t highest[] = {1, 2, 4, 7, 0xC};

    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(highest); i++) {
        begin_avx(7);
        processor.highest = highest[i];
        put_leaf(2, 0, (struct cpuid){0xFFFFFF01, UINT32_MAX, UINT32_MAX, UINT32_MAX});
        put_leaf(4, 0, (struct cpuid){0xFFFFFF01, UINT32_MAX, UINT32_MAX, UINT32_MAX});
        put_leaf(0xC, 0, (struct cpuid){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX});
        const struct cpu_features features = enable(OSFXSR_OSXMMEXCPT, 1);
        assert_true(features.sse2);
        assert_false(features.avx2 || features.avxvnni || features.avx512vnni);
        assert_int_equal(features.avx2_off, highest[i] >= 7);
        assert_string_equal(features.name, "GenuineIntel");
    }
    begin_avx(0xE7);
    processor.leaves[2].values.eax = 0; /* of leaf 7: no sub-leaf 1 */
    assert_false(enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 0xE7).avxvnni);
}

static void a_fault_means_without(void **state)
{
    (void)state;
    begin_avx(0xE7);
    processor.xcr0_faults = 0x20;
    struct cpu_features features = enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 7);
    assert_true(features.avx2 && !features.avx512vnni);
    begin_avx(0xE7);
    processor.xcr0_faults = XCR0_AVX;
    features = enable(OSFXSR_OSXMMEXCPT, 1);
    assert_true(features.sse2 && features.avx2_off && !features.avx2);
    begin_avx(0xE7);
    processor.osxsave_faults = true;
    features = enable(OSFXSR_OSXMMEXCPT, 1);
    assert_true(features.sse2 && features.avx2_off && !features.avx2);
}

/* Firmware that uses more of XCR0 keeps it: here the protection keys' state. */
static void what_is_on_stays_on(void **state)
{
    (void)state;
    begin_avx(0x207);
    processor.cr4 = OSFXSR_OSXMMEXCPT | OSXSAVE;
    processor.xcr0 = 0x203;
    assert_true(enable(OSFXSR_OSXMMEXCPT | OSXSAVE, 0x207).avx2);
}

static void names_are_trimmed(void **state)
{
    static const char brand[48] = "   Intel(R)  Pentium(R) CPU    2.00\x01GHz  ";
    struct cpu_features features;

    (void)state;
    begin(1, SSE2_EDX, 0);
    cpu_detect(&features);
    assert_string_equal(features.name, "GenuineIntel");
    processor.highest_extended = 0x80000004;
    cpu_detect(&features);
    assert_string_equal(features.name, "GenuineIntel"); /* an empty brand */
    for (uint32_t i = 0; i < 3; i++) {
        struct cpuid part;
        memcpy(&part, brand + 16 * i, sizeof part);
        put_leaf(0x80000002 + i, 0, part);
    }
    cpu_detect(&features);
    assert_string_equal(features.name, "Intel(R) Pentium(R) CPU 2.00GHz");
    processor.highest_extended = 0x80000003; /* the last third is missing */
    cpu_detect(&features);
    assert_string_equal(features.name, "GenuineIntel");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_486_has_no_cr4),
        cmocka_unit_test(a_missing_leaf_says_nothing_of_the_x87),
        cmocka_unit_test(what_cpuid_does_not_show_is_not_touched),
        cmocka_unit_test(avx_without_avx2_is_left_off),
        cmocka_unit_test(every_part_of_the_state_that_may_be_on_is_on),
        cmocka_unit_test(avx512_needs_all_three_parts),
        cmocka_unit_test(leaves_above_the_highest_are_not_asked_for),
        cmocka_unit_test(a_fault_means_without),
        cmocka_unit_test(what_is_on_stays_on),
        cmocka_unit_test(names_are_trimmed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
