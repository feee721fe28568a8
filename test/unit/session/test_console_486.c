/* Sessions on a processor without CPUID: it runs only the scalar kernel, and rejects every other one. */
#include "console_script.h"

#include "kernel/cpu.h"

/* In the place of cpuid.c. */
bool cpuid_exists(void)
{
    return false;
}

struct cpuid cpuid_instruction(uint32_t leaf, uint32_t subleaf)
{
    fail_test("CPUID %x, %x is asked for, which a 486 lacks\n", leaf, subleaf);
    return (struct cpuid){0};
}

uint64_t xcr0_read(void)
{
    fail_test("XCR0 is read, which a 486 lacks\n");
    return 0;
}

static void kernels_that_this_cpu_cannot_run(void **state)
{
    fresh(state);
    assert_ptr_equal(kernel_at(0), &kernel_scalar);
    for (uint32_t i = 1; i < KERNELS; i++) {
        char keys[40], expected[200];
        const char *name = kernel_at(i)->name;
        snprintf(keys, sizeof keys, "/kernel %s\r", name);
        snprintf(expected, sizeof expected,
                 "> /kernel %s\nError: this CPU cannot run the kernel %s; /info lists those it can\n", name, name);
        assert_string_equal(answer(keys), expected);
    }
}

static void info_lists_the_scalar_kernel(void **state)
{
    fresh(state);
    const char *info = answer("/info\r");
    assert_non_null(strstr(info, "\nKernel: scalar, this CPU has no SSE2\n"));
    assert_non_null(strstr(info, "\nKernels: scalar\n"));
}

/* What the file says is said to be wrong, and what the processor has is used. */
static void a_kernel_of_the_file_that_this_cpu_cannot_run(void **state)
{
    fresh(state);
    const char *text = run_with("autostart = off\nkernel = sse2\n", "/kernel\r");
    assert_string_equal(text, "Error: this CPU cannot run the kernel sse2; /info lists those it can\n" LOADED(
                                  "/MODELS/A.GGUF") MODEL HINT "> /kernel\nKernel: scalar, this CPU has no SSE2\n" END);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(kernels_that_this_cpu_cannot_run),
        cmocka_unit_test(a_kernel_of_the_file_that_this_cpu_cannot_run),
        cmocka_unit_test(info_lists_the_scalar_kernel),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
