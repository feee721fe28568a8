#include "runs_here.h"

#include <string.h>

#include "emulate_vnni.h"

bool runs_here(const struct kernel *kernel, const struct cpu_features *cpu)
{
    if (strcmp(kernel->name, "avxvnni") == 0 && cpu->avx2) {
        emulate_vnni();
        return true;
    }
    return kernel_usable(kernel, cpu);
}
