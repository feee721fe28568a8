/* Which kernels run on this processor; emulate_vnni.h gives AVX-VNNI to any with AVX2. */
#ifndef BOOTLLAMA_TEST_RUNS_HERE_H
#define BOOTLLAMA_TEST_RUNS_HERE_H

#include "kernel/kernel.h"

bool runs_here(const struct kernel *kernel, const struct cpu_features *cpu);

#endif
