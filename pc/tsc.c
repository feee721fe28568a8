/*
 * The counter's frequency is measured, not read, because few processors state it. Two samples are taken about 10 ms
 * apart, each a pair of counter and reference read back to back. The narrowest of several tries counts, so that an
 * interrupt or a busy host does no harm.
 */
#include "pc/tsc.h"

#include "pc/acpi_fadt.h"
#include "pc/ports.h"

enum {
    INTERVAL_US = 10000,
    ROUNDS = 3, /* measurements; the median counts */
    PAIR_TRIES = 8,
    TIMER_POLLS = 1000000, /* a second; ten intervals if an emulator reads a port in 0.1 us */
};
#define HZ_MIN 10000000ull
#define HZ_MAX 20000000000ull

struct instant {
    uint64_t ticks;
    uint32_t timer;
};

static struct instant take_instant(uint16_t port)
{
    struct instant best = {0, 0};
    uint64_t best_width = UINT64_MAX;

    for (uint32_t i = 0; i < PAIR_TRIES; i++) {
        uint64_t before = tsc_read();
        uint32_t timer = port_read32(port) & ACPI_TIMER_MASK;
        uint64_t width = tsc_read() - before;
        if (width < best_width) {
            best_width = width;
            best = (struct instant){before + width / 2, timer};
        }
    }
    return best;
}

/* Ticks per second, or 0 if the timer does not count. */
static uint64_t measure_once(uint16_t port)
{
    const uint32_t interval = (uint64_t)ACPI_TIMER_HZ * INTERVAL_US / 1000000;
    struct instant first = take_instant(port);

    for (uint32_t i = 0; i < TIMER_POLLS; i++) {
        if (((port_read32(port) - first.timer) & ACPI_TIMER_MASK) >= interval) {
            struct instant last = take_instant(port);
            return (last.ticks - first.ticks) * ACPI_TIMER_HZ / ((last.timer - first.timer) & ACPI_TIMER_MASK);
        }
    }
    return 0;
}

/* The median of three. */
static uint64_t median(const uint64_t v[ROUNDS])
{
    uint64_t low = v[0] < v[1] ? v[0] : v[1], high = v[0] < v[1] ? v[1] : v[0];

    return v[2] < low ? low : v[2] > high ? high : v[2];
}

bool tsc_is_plausible(uint64_t hz)
{
    return hz >= HZ_MIN && hz <= HZ_MAX;
}

uint64_t tsc_measure(uint16_t port)
{
    uint64_t hz[ROUNDS] = {0};

    for (uint32_t i = 0; port != 0 && i < ROUNDS && (i == 0 || hz[0] != 0); i++) {
        hz[i] = measure_once(port);
    }
    return tsc_is_plausible(median(hz)) ? median(hz) : 0;
}
