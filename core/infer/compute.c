#include "infer/compute.h"

enum {
    ALLOWANCE_MIN = 16,    /* of work: a single row of tiles is more in most models */
    ALLOWANCE_START = 128, /* some milliseconds of a slow machine */
};
#define ALLOWANCE_MAX (1u << 30)

void compute_open(struct compute *compute, struct platform *platform, const struct kernel *kernel)
{
    *compute = (struct compute){.platform = platform,
                                .kernel = kernel,
                                .since = platform->microseconds(platform),
                                .allowance = ALLOWANCE_START,
                                .left = ALLOWANCE_START};
}

void compute_ask(struct compute *compute, struct compute_stop stop)
{
    compute->stop = stop;
    compute->stopped = false;
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
 * Adapts the allowance to the time that the last one took. Time between stretches counts, too, since a key waits then as
 * well; but where one stretch is longer than the period already, because text goes out slowly, say, interruptions within
 * stretches would gain nothing: at least the work of one stretch is allowed then.
 */
static void adapt(struct compute *compute, uint64_t elapsed)
{
    const uint64_t half = compute->allowance / 2;
    const uint64_t least = compute->stretches > 0 ? compute->allowance / compute->stretches : ALLOWANCE_MIN;
    if (elapsed < COMPUTE_PERIOD_US * 2 / 5 && compute->allowance < ALLOWANCE_MAX) {
        compute->allowance *= 2;
    } else if (elapsed > COMPUTE_PERIOD_US * 4 / 5 && compute->allowance > ALLOWANCE_MIN) {
        compute->allowance = half > least ? half : least;
    }
}

static bool interrupt(struct compute *compute)
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

uint32_t compute_share(const struct compute *compute, uint64_t work, uint32_t units)
{
    if (compute == NULL || work * units <= compute->left) {
        return units;
    }
    const uint64_t share = compute->left / work;
    return share > 0 ? (uint32_t)share : 1;
}

bool compute_done(struct compute *compute, uint64_t work)
{
    if (compute == NULL) {
        return true;
    }
    if (work < compute->left) {
        compute->left -= work;
        return !compute->stopped;
    }
    return interrupt(compute);
}
