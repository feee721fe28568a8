/* Time without a working timer, for clock.c: the processor's counter, else the real-time clock, else a count. */
#ifndef BOOTLLAMA_BIOS_CLOCK_FALLBACK_H
#define BOOTLLAMA_BIOS_CLOCK_FALLBACK_H

#include <stdint.h>

/* Chooses one. acpi_root as in acpi_find. Takes some 30 ms, or up to seconds if ACPI names no timer. Returns one line
   for the user. */
const char *clock_fallback_start(const uint8_t *acpi_root);

/* Microseconds since the first call; never runs backwards and never stops. */
uint64_t clock_fallback_microseconds(void);

#endif
