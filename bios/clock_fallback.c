#include "clock_fallback.h"

#include <stdbool.h>

#include "cmos.h"
#include "kernel/cpu.h"
#include "pc/acpi_fadt.h"
#include "pc/ports.h"
#include "pc/tsc.h"

enum {
    SECOND_POLLS = 3000000, /* for the next second of the real-time clock: half a minute, less in an emulator */
    UNREAD_MAX = 1000,      /* polls while it is being updated, or missing: 3 ms each */
    POLL_US = 10,
};
#define HZ_DEFAULT 2000000000ull /* if nothing could be measured: times are then wrong, but they advance */

static enum { SOURCE_COUNT, SOURCE_TSC, SOURCE_CMOS } source;
static uint64_t ticks_per_second; /* of SOURCE_TSC */

/* Waits for the real-time clock's next second; false where none comes. A clock that is being updated says nothing. */
static bool wait_for_second(void)
{
    uint32_t before = UINT32_MAX, unread = 0;

    for (uint32_t i = 0; i < SECOND_POLLS && unread < UNREAD_MAX; i++) {
        const uint32_t now = cmos_seconds();
        if (now == UINT32_MAX) {
            unread++;
        } else if (before == UINT32_MAX) {
            before = now;
        } else if (now != before) {
            return true;
        }
        port_delay(POLL_US);
    }
    return false;
}

/* The counter's ticks in one second of the real-time clock, or 0. */
static uint64_t measure_by_cmos(void)
{
    if (!wait_for_second()) {
        return 0;
    }
    const uint64_t start = tsc_read();
    if (!wait_for_second()) {
        return 0;
    }
    const uint64_t hz = tsc_read() - start;
    return tsc_is_plausible(hz) ? hz : 0;
}

const char *clock_fallback_start(const uint8_t *acpi_root)
{
    if ((cpuid_read(CPUID_FEATURES, 0).edx & CPUID_EDX_TSC) != 0) {
        ticks_per_second = tsc_measure(acpi_timer_port(acpi_root));
        if (ticks_per_second == 0) {
            ticks_per_second = measure_by_cmos();
        }
        source = SOURCE_TSC;
        if (ticks_per_second != 0) {
            return "The timer chip does not work: time comes from the processor's counter.";
        }
        ticks_per_second = HZ_DEFAULT;
    } else if (wait_for_second()) {
        source = SOURCE_CMOS;
        return "The timer chip does not work: time comes from the real-time clock, to a second.";
    }
    return "No clock works: the times shown are wrong.";
}

/* Converts units since the first call, this many of which are a second, to microseconds. */
static uint64_t since_first(uint64_t now, uint64_t hz)
{
    static uint64_t first, latest;

    if (first == 0) {
        first = latest = now;
    }
    latest = now > latest ? now : latest; /* a counter that went back counts as standing still */
    return (latest - first) / hz * 1000000 + (latest - first) % hz * 1000000 / hz;
}

/* Seconds, continued over midnight; if the clock does not answer, time stands still. */
static uint64_t cmos_total(void)
{
    static uint32_t last;
    static uint64_t days;
    const uint32_t now = cmos_seconds();

    if (now != UINT32_MAX) {
        days += now < last ? CMOS_DAY_SECONDS : 0;
        last = now;
    }
    return days + last;
}

/* The count from before a source was chosen is included, so that time never repeats. */
uint64_t clock_fallback_microseconds(void)
{
    static uint64_t count;

    switch (source) {
    case SOURCE_TSC:
        return count + since_first(tsc_read(), ticks_per_second);
    case SOURCE_CMOS:
        return count + since_first(cmos_total(), 1);
    default:
        port_delay(1);
        return count++;
    }
}
