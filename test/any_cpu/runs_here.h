/* Whether a kernel can run on this processor, with AVX-VNNI's one instruction emulated where AVX2 is (emulate_vnni.h). */
#ifndef BOOTLLAMA_TEST_RUNS_HERE_H
#define BOOTLLAMA_TEST_RUNS_HERE_H

#include "kernel/kernel.h"

bool runs_here(const struct kernel *kernel, const struct cpu_features *cpu);

#endif
