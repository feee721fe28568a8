#include "kernel/kernel.h"

_Static_assert(sizeof(struct q4_tile) % KERNEL_ALIGNMENT == 0, "a four-bit tile is whole cache lines");
_Static_assert(sizeof(struct q4_super) % KERNEL_ALIGNMENT == 0, "so is what lies between such tiles");
_Static_assert(sizeof(struct q6_tile) % KERNEL_ALIGNMENT == 0, "a six-bit tile is whole cache lines");
_Static_assert(sizeof(struct q6_super) % KERNEL_ALIGNMENT == 0, "so are eight, with their scales");

/* Compiled here, not in the kernel's file, whose code may use instructions that the processor lacks. */
#define KERNEL(name, file, usable, flags)                     \
    static bool name##_usable(const struct cpu_features *cpu) \
    {                                                         \
        (void)cpu;                                            \
        return usable;                                        \
    }
#include "kernel/kernels.def"
#undef KERNEL

static const struct {
    const struct kernel *kernel;
    bool (*usable)(const struct cpu_features *cpu);
} rows[KERNELS] = {
#define KERNEL(name, file, usable, flags) {&kernel_##name, name##_usable},
#include "kernel/kernels.def"
#undef KERNEL
};

const struct kernel *kernel_at(uint32_t index)
{
    return rows[index].kernel;
}

bool kernel_usable(const struct kernel *kernel, const struct cpu_features *cpu)
{
    uint32_t index = 0;
    while (index < KERNELS && rows[index].kernel != kernel) {
        index++;
    }
    return index < KERNELS && rows[index].usable(cpu);
}

const struct kernel *kernel_best(const struct cpu_features *cpu)
{
    uint32_t best = KERNELS - 1;
    while (!rows[best].usable(cpu)) {
        best--;
    }
    return kernel_at(best);
}

size_t kernel_row_bytes(const struct kernel *kernel, enum narrow_kind narrow, uint32_t groups)
{
    return narrow != NARROW_NONE ? narrow_row_bytes(narrow, groups) : (size_t)groups * kernel->tile_bytes;
}

void kernel_begin(const struct kernel *kernel)
{
    if (kernel->begin != NULL) {
        kernel->begin();
    }
}

void kernel_end(const struct kernel *kernel)
{
    if (kernel->end != NULL) {
        kernel->end();
    }
}
