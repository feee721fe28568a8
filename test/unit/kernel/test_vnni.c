/* AVX-VNNI's instruction against its definition, as a handler of SIGILL computes it (any_cpu/emulate_vnni.h) and as the
   processor does where it can. UD2 before the instruction makes any processor call the handler. */
#include "unit.h"

#include "kernel/cpu.h"
#include "kernel_input.h"
#include "any_cpu/emulate_vnni.h"

enum { LANES_32 = 8, ROUNDS = 1000 };

struct vector {
    _Alignas(32) uint32_t lane[LANES_32];
};

static bool has_avx2, has_vnni;

/* Registers from both ends of the file, so that every bit of their numbers counts. */
#ifdef __x86_64__
#define HIGH_A "14"
#define HIGH_B "9"
#define CHANGED "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm9", "xmm14"
#else
#define HIGH_A "6"
#define HIGH_B "1"
#define CHANGED "memory" /* the x87 build knows no vector registers */
#endif
#define RUN(before, sum, magnitudes, weights)                                                                  \
    __asm__ volatile("vmovdqa %0, %%ymm5\n\t"                                                                  \
                     "vmovdqa %1, %%ymm" HIGH_A "\n\t"                                                         \
                     "vmovdqa %2, %%ymm" HIGH_B "\n\t" before "%{vex%} vpdpbusd %%ymm" HIGH_B ", %%ymm" HIGH_A \
                     ", %%ymm5\n\t"                                                                            \
                     "vmovdqa %%ymm5, %0"                                                                      \
                     : "+m"(sum)                                                                               \
                     : "m"(magnitudes), "m"(weights)                                                           \
                     : CHANGED)

static struct vector random_vector(bool extreme)
{
    struct vector vector;
    for (uint32_t i = 0; i < LANES_32; i++) {
        vector.lane[i] = extreme ? (random_u32() & 1 ? 0xFFFFFFFF : 0x80808080) : random_u32();
    }
    return vector;
}

static uint32_t defined(uint32_t sum, uint32_t magnitudes, uint32_t weights)
{
    for (uint32_t shift = 0; shift < 32; shift += 8) {
        sum += (uint32_t)((int32_t)(magnitudes >> shift & 255) * (int8_t)(weights >> shift));
    }
    return sum;
}

/* Within each test: cmocka handles SIGILL itself from a test's start on. */
static bool prepare(void)
{
    if (has_avx2) {
        emulate_vnni();
    } else if (getenv("CI") != NULL) {
        fail_test("must run in CI: this processor lacks AVX2\n");
    } else {
        printf("skipped: the handler of AVX-VNNI: this processor lacks AVX2\n");
    }
    return has_avx2;
}

static void handler_gives_what_is_defined(void **state)
{
    (void)state;
    if (!prepare()) {
        return;
    }
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const bool extreme = round % 4 == 0;
        const struct vector sum = random_vector(false), magnitudes = random_vector(extreme),
                            weights = random_vector(extreme);
        struct vector got = sum;
        const uint64_t before = emulated_vnni();
        RUN("ud2\n\t", got, magnitudes, weights);
        assert_int_equal(emulated_vnni(), before + 1);
        for (uint32_t i = 0; i < LANES_32; i++) {
            assert_int_equal(got.lane[i], defined(sum.lane[i], magnitudes.lane[i], weights.lane[i]));
        }
    }
}

/* The instruction as it ships: by the processor, or by the handler where it must. */
static void shipped_instruction_gives_what_is_defined(void **state)
{
    (void)state;
    if (!prepare()) {
        return;
    }
    const uint64_t before = emulated_vnni();
    for (uint32_t round = 0; round < ROUNDS; round++) {
        const struct vector sum = random_vector(false), magnitudes = random_vector(false),
                            weights = random_vector(false);
        struct vector got = sum;
        RUN("", got, magnitudes, weights);
        for (uint32_t i = 0; i < LANES_32; i++) {
            assert_int_equal(got.lane[i], defined(sum.lane[i], magnitudes.lane[i], weights.lane[i]));
        }
    }
    assert_int_equal(emulated_vnni() - before, has_vnni ? 0 : ROUNDS);
}

/* Upper halves that were never used are zero, whatever the frame's memory holds. */
static void registers_in_their_initial_state(void **state)
{
    (void)state;
    if (!prepare()) {
        return;
    }
    struct vector got = random_vector(false);
    __asm__ volatile("vzeroall\n\t"
                     "ud2\n\t"
                     "%{vex%} vpdpbusd %%ymm1, %%ymm2, %%ymm3\n\t"
                     "vmovdqu %%ymm3, %0"
                     : "=m"(got)
                     :
                     : CHANGED);
    for (uint32_t i = 0; i < LANES_32; i++) {
        assert_int_equal(got.lane[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(handler_gives_what_is_defined),
        cmocka_unit_test(shipped_instruction_gives_what_is_defined),
        cmocka_unit_test(registers_in_their_initial_state),
    };
    struct cpu_features cpu;
    cpu_detect(&cpu);
    has_avx2 = cpu.avx2;
    has_vnni = cpu.avxvnni;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
