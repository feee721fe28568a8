#include "infer/compute.h"

void compute_begin(struct platform *platform, const struct kernel *kernel)
{
    platform->exclusive(platform, true);
    kernel_begin(kernel);
}

void compute_end(struct platform *platform, const struct kernel *kernel)
{
    kernel_end(kernel);
    platform->exclusive(platform, false);
}
