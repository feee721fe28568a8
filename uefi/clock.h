/* Time by the processor's time-stamp counter. */
#ifndef BOOTLLAMA_UEFI_CLOCK_H
#define BOOTLLAMA_UEFI_CLOCK_H

#include "efi_headers.h"

struct clock {
    uint64_t start;            /* ticks at clock_open */
    uint64_t ticks_per_second; /* measured */
    uint64_t last;             /* microseconds returned last */
};

/* Measures the rate of the time-stamp counter in about 30 ms: against the ACPI power management timer if there is one
   that counts, else against the firmware's Stall. */
void clock_open(struct clock *clock, EFI_SYSTEM_TABLE *table);

/* Microseconds since clock_open; never runs backwards. */
uint64_t clock_microseconds(struct clock *clock);

#endif
