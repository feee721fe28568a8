#include "infer/compute.h"

#include "base/number.h"

enum {
    ALLOWANCE_START = 32, /* ten milliseconds of a 486 */
    ALLOWANCE_MAX = 1 << 28,
    SHORT_US = COMPUTE_PERIOD_US / 10,
    LONG_US = COMPUTE_PERIOD_US * 4 / 5,
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
    compute->stretches = 0;
    compute->allowance = compute->left = ALLOWANCE_START;
}

static void enter(struct compute *compute)
{
    compute->platform->exclusive(compute->platform, true);
    kernel_begin(compute->kernel);
}

void compute_begin(struct compute *compute)
{
    compute->stretches++;
    enter(compute);
}

void compute_end(struct compute *compute)
{
    kernel_end(compute->kernel);
    compute->platform->exclusive(compute->platform, false);
}

/*
 * Adapts the allowance to the time that the last one took. Time between stretches counts, too, since a key waits then
 * as well; but where one stretch is longer than the period already, because text goes out slowly, say, interruptions
 * within stretches would gain nothing: at least the work of one stretch is allowed then.
 */
static void adapt(struct compute *compute, uint64_t elapsed)
{
    const uint32_t least = compute->stretches > 0 ? compute->allowance / compute->stretches : 1;
    if (elapsed < LONG_US / 2) {
        compute->allowance = number_min(compute->allowance * (elapsed < SHORT_US ? 4 : 2), ALLOWANCE_MAX);
    } else if (elapsed > LONG_US) {
        compute->allowance = number_max(compute->allowance / 2, least);
    }
}

bool compute_interrupt(struct compute *compute)
{
    struct platform *platform = compute->platform;
    compute_end(compute);
    const uint64_t now = platform->microseconds(platform);
    adapt(compute, now - compute->since);
    compute->since = now;
    compute->stretches = 0;
    compute->left = compute->allowance;
    compute->stopped = compute->stopped || (compute->stop.asked != NULL && compute->stop.asked(compute->stop.context));
    enter(compute);
    return !compute->stopped;
}
