#include "runs_here.h"

#include <string.h>

#include "emulate_vnni.h"

/* Clang uses more of AVX-VNNI's instructions, in more forms, than the handler knows. */
#ifdef __clang__
enum { EMULATED = false };
#else
enum { EMULATED = true };
#endif

bool runs_here(const struct kernel *kernel, const struct cpu_features *cpu)
{
    if (EMULATED && strcmp(kernel->name, "avxvnni") == 0 && cpu->avx2) {
        emulate_vnni();
        return true;
    }
    return kernel_usable(kernel, cpu);
}
