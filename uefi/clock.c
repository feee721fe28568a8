#include "clock.h"

#include <stdbool.h>

#include "base/memory.h"
#include "pc/acpi_fadt.h"
#include "pc/tsc.h"

enum {
    STALL_US = 10000,
    STALLS = 3, /* the shortest counts */
};
#define HZ_DEFAULT 2000000000ull /* if nothing could be measured: times are then wrong, but they advance */

/* Ticks per second by Stall, which may take longer than requested but never less. */
static uint64_t measure_by_stall(EFI_BOOT_SERVICES *boot)
{
    uint64_t before = tsc_read();

    boot->Stall(STALL_US);
    return (tsc_read() - before) * (1000000 / STALL_US);
}

/* ACPI's root pointer, NULL if the firmware has no such tables. */
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
    uint64_t least = UINT64_MAX, by_timer = tsc_measure(acpi_timer_port(acpi_root(table)));

    for (uint32_t i = 0; by_timer == 0 && i < STALLS; i++) {
        uint64_t hz = measure_by_stall(table->BootServices);
        least = hz < least ? hz : least;
    }
    return by_timer != 0 ? by_timer : tsc_is_plausible(least) ? least : HZ_DEFAULT;
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

    if ((int64_t)ticks >= 0 && now > clock->last) { /* a counter that went back counts as standing still */
        clock->last = now;
    }
    return clock->last;
}
