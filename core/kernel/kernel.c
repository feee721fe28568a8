#include "kernel/kernel.h"

const struct kernel *kernel_at(uint32_t index)
{
    static const struct kernel *const all[KERNELS] = {&kernel_scalar, &kernel_sse2, &kernel_avx2, &kernel_avxvnni,
                                                      &kernel_avx512vnni};
    return all[index];
}

bool kernel_usable(const struct kernel *kernel, const struct cpu_features *cpu)
{
    if (kernel == &kernel_sse2) {
        return cpu->sse2;
    }
    if (kernel == &kernel_avx2) {
        return cpu->avx2;
    }
    if (kernel == &kernel_avxvnni) {
        return cpu->avxvnni;
    }
    if (kernel == &kernel_avx512vnni) {
        return cpu->avx512vnni;
    }
    return true;
}

const struct kernel *kernel_best(const struct cpu_features *cpu)
{
    uint32_t best = KERNELS - 1;
    while (!kernel_usable(kernel_at(best), cpu)) {
        best--;
    }
    return kernel_at(best);
}
