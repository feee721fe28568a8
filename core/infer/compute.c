#include "infer/compute.h"

#include "base/number.h"

enum {
    ALLOWANCE_START = 32, /* ten milliseconds of a 486 */
    ALLOWANCE_MAX = 1 << 28,
    SHORT_US = COMPUTE_PERIOD_US / 10,
    LONG_US = COMPUTE_PERIOD_US * 9 / 10,
};

void compute_open(struct compute *compute, struct platform *platform, const struct kernel *kernel)
{
    *compute = (struct compute){.platform = platform, .kernel = kernel};
    compute_ask(compute, (struct compute_stop){NULL, NULL});
}

void compute_ask(struct compute *compute, struct compute_stop stop)
{
    compute->stop = stop;
    compute->stopped = false;
    compute->since = compute->platform->microseconds(compute->platform);
    compute->allowance = compute->left = ALLOWANCE_START;
}

void compute_begin(struct compute *compute)
{
    compute->platform->exclusive(compute->platform, true);
    kernel_begin(compute->kernel);
}

void compute_end(struct compute *compute)
{
    kernel_end(compute->kernel);
    compute->platform->exclusive(compute->platform, false);
}

/* Adapts the allowance to the time that the last one took. Time between stretches also counts, because keys wait then
   too. Slow text output therefore makes one allowance smaller than necessary; the next one corrects it. */
static void adapt(struct compute *compute, uint64_t elapsed)
{
    if (elapsed < LONG_US / 2) {
        compute->allowance = number_min(compute->allowance * (elapsed < SHORT_US ? 4 : 2), ALLOWANCE_MAX);
    } else if (elapsed > LONG_US) {
        compute->allowance = number_max(compute->allowance / 2, 1);
    }
}

bool compute_interrupt(struct compute *compute)
{
    struct platform *platform = compute->platform;
    compute_end(compute);
    const uint64_t now = platform->microseconds(platform);
    adapt(compute, now - compute->since);
    compute->since = now;
    compute->left = compute->allowance;
    compute->stopped = compute->stopped || (compute->stop.asked != NULL && compute->stop.asked(compute->stop.context));
    compute_begin(compute);
    return !compute->stopped;
}
