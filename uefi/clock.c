/*
 * The counter's frequency is measured, not read: few processors state it. Two instants are taken about 10 ms apart,
 * each as a pair of counter and reference read back to back. The narrowest of several tries counts, so that an
 * interrupt or a busy host in between does no harm. A reference that stands still or gives an implausible result is
 * not used.
 */
#include "clock.h"

#include <stdbool.h>

#include "base/memory.h"
#include "pc/acpi_fadt.h"
#include "pc/ports.h"
#include "pc/tsc.h"

enum {
    INTERVAL_US = 10000,
    ROUNDS = 3, /* measurements, of which the middle or the least one counts */
    PAIR_TRIES = 8,
    TIMER_POLLS = 100000, /* about 1 us each: ten intervals */
};
#define HZ_MIN 10000000ull       /* plausible time-stamp counters: 10 MHz ... */
#define HZ_MAX 20000000000ull    /* ... to 20 GHz */
#define HZ_DEFAULT 2000000000ull /* where nothing could be measured: times are then wrong, but they pass */

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

/* Ticks per second by the ACPI timer, or 0 where it does not count. */
static uint64_t measure_by_timer(uint16_t port)
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

/* The same by Stall, which may take longer than asked but never less. */
static uint64_t measure_by_stall(EFI_BOOT_SERVICES *boot)
{
    uint64_t before = tsc_read();

    boot->Stall(INTERVAL_US);
    return (tsc_read() - before) * (1000000 / INTERVAL_US);
}

static bool plausible(uint64_t hz)
{
    return hz >= HZ_MIN && hz <= HZ_MAX;
}

/* The middle one of three. */
static uint64_t median(const uint64_t v[ROUNDS])
{
    uint64_t low = v[0] < v[1] ? v[0] : v[1], high = v[0] < v[1] ? v[1] : v[0];

    return v[2] < low ? low : v[2] > high ? high : v[2];
}

/* ACPI's root pointer, NULL where the firmware has no such tables. */
static const uint8_t *acpi_root(EFI_SYSTEM_TABLE *table)
{
    static const EFI_GUID acpi = ACPI_20_TABLE_GUID;

    for (UINTN i = 0; i < table->NumberOfTableEntries; i++) {
        if (memcmp(&table->ConfigurationTable[i].VendorGuid, &acpi, sizeof acpi) == 0) {
            return table->ConfigurationTable[i].VendorTable;
        }
    }
    return NULL;
}

static uint64_t measure(EFI_SYSTEM_TABLE *table)
{
    uint16_t port = acpi_timer_port(acpi_root(table));
    uint64_t by_timer[ROUNDS] = {0};
    uint64_t least = UINT64_MAX;

    for (uint32_t i = 0; port != 0 && i < ROUNDS; i++) {
        by_timer[i] = measure_by_timer(port);
    }
    if (plausible(median(by_timer))) {
        return median(by_timer);
    }
    for (uint32_t i = 0; i < ROUNDS; i++) {
        uint64_t hz = measure_by_stall(table->BootServices);
        least = hz < least ? hz : least;
    }
    return plausible(least) ? least : HZ_DEFAULT;
}

void clock_open(struct clock *clock, EFI_SYSTEM_TABLE *table)
{
    *clock = (struct clock){.start = tsc_read()};
    clock->ticks_per_second = measure(table);
}

uint64_t clock_microseconds(struct clock *clock)
{
    uint64_t ticks = tsc_read() - clock->start;
    uint64_t seconds = ticks / clock->ticks_per_second, rest = ticks % clock->ticks_per_second;
    uint64_t now = seconds * 1000000 + rest * 1000000 / clock->ticks_per_second;

    if ((int64_t)ticks >= 0 && now > clock->last) { /* a counter that went back stands still instead */
        clock->last = now;
    }
    return clock->last;
}
