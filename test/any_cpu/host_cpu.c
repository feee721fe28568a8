/* The host program's cpu_detect (linked with --wrap) for tests: AVX-VNNI wherever AVX2 is, and nothing newer than a 486
   where the environment says TEST_CPU=486. */
#include <stdlib.h>
#include <string.h>

#include "emulate_vnni.h"
#include "kernel/cpu.h"

void __real_cpu_detect(struct cpu_features *features);
void __wrap_cpu_detect(struct cpu_features *features);

void __wrap_cpu_detect(struct cpu_features *features)
{
    const char *cpu = getenv("TEST_CPU");
    __real_cpu_detect(features);
    if (cpu != NULL && strcmp(cpu, "486") == 0) {
        *features = (struct cpu_features){.name = "486", .fpu = true};
    } else if (features->avx2 && !features->avxvnni) {
        emulate_vnni();
        features->avxvnni = true;
    }
}
