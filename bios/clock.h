/*
 * Time and the routing of interrupts.
 *
 * In protected mode only the timer's interrupt is enabled; it is counted and passed to the BIOS with the next BIOS call
 * (its INT 8 keeps the tick count at 0040:006C, stops floppy motors and polls USB keyboards). All other interrupts also
 * wait for a BIOS call. The interrupt controllers keep the BIOS's vectors.
 *
 * If the timer stands still or its interrupts do not arrive (no 8254, or a local APIC that swallows them), time comes
 * from the processor's time-stamp counter, else from the real-time clock, else from counting the queries; the BIOS then
 * gets its ticks by that time.
 */
#ifndef BOOTLLAMA_CLOCK_H
#define BOOTLLAMA_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Sets up the timer: channel 0, mode 2, at the BIOS's rate. The IDT must be loaded; switches interrupts on. Takes 2 ms,
   or up to a second if interrupts do not arrive. */
void clock_init(void);

/* Looks for another clock if the timer does not work. acpi_root: see acpi_find; A20 is on. Returns one line about it
   for the user, or NULL if the timer works. */
const char *clock_start(const uint8_t *acpi_root);

/* Whether the timer's interrupts arrive: without them HLT may never return. */
bool clock_has_interrupts(void);

/* Microseconds since clock_init, good to one with the timer or the counter, never backwards. */
uint64_t clock_microseconds(void);

/* Timer interrupts since clock_init, one every 54.9 ms; free if they arrive. */
uint32_t clock_ticks(void);

/* A wait of a number of microseconds that always ends: by the clock, or, if that stops, after a number of waits on port
   80h. */
struct clock_limit {
    uint64_t start;
    uint32_t microseconds, polls;
};
struct clock_limit clock_limit(uint32_t microseconds);

/* Waits a microsecond; returns whether the limit is reached. */
bool clock_limit_passed(struct clock_limit *limit);

/* Bracket a BIOS call, with interrupts off. The first returns the timer interrupts owed to the BIOS. */
uint16_t clock_give_interrupts_to_bios(void);
void clock_take_interrupts(void);

#endif
