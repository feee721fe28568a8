/*
 * core/kernel/cpu.c and pc/vector_state.c on processors made of tables. The functions that stand in for instructions
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
    uint64_t xcr0, xcr0_allowed;
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

void xcr0_write(uint64_t value)
{
    assert_true((processor.cr4 & OSXSAVE) != 0);
    assert_true((value & ~processor.xcr0_allowed) == 0);
    assert_true((value & XCR0_X87_SSE) == XCR0_X87_SSE || value == 1);
    processor.xcr0 = value;
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

void cr4_write(uintptr_t value)
{
    assert_false(processor.no_cpuid);
    processor.cr4 = value;
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
    processor.xcr0_allowed = 1;
    put_leaf(0, 0, (struct cpuid){highest, 0x756E6547, 0x6C65746E, 0x49656E69}); /* GenuineIntel */
    put_leaf(1, 0, (struct cpuid){0, 0, ecx, edx});
}

/* A processor whose XCR0 may have these bits, with all that kernels want in leaf 7. */
static void begin_avx(uint64_t allowed)
{
    begin(0xD, SSE2_EDX, AVX_ECX);
    processor.xcr0_allowed = allowed;
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_486_has_no_cr4),
        cmocka_unit_test(what_cpuid_does_not_show_is_not_touched),
        cmocka_unit_test(every_part_of_the_state_that_may_be_on_is_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
