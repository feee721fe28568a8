/*
 * Time, and who gets interrupts.
 *
 * In protected mode the timer's interrupt is the only one let through; it is counted and handed to the BIOS with the
 * next BIOS call (its INT 8 keeps the tick count at 0040:006C, stops floppy motors and polls USB keyboards). All other
 * interrupts wait for a BIOS call too. The interrupt controllers stay at the BIOS's vectors.
 *
 * Where the timer stands still or its interrupts do not come (no 8254, or a local APIC that keeps them), time comes
 * from the processor's counter, or from the real-time clock, or is counted by the questions for it; the BIOS then gets
 * its ticks by that time.
 */
#ifndef BOOTLLAMA_CLOCK_H
#define BOOTLLAMA_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Takes the timer: channel 0, mode 2, at the BIOS's rate. The IDT must be loaded; switches interrupts on. Takes 2 ms,
   or up to a second where interrupts do not come. */
void clock_init(void);

/* Looks for another clock where the timer does not serve. acpi_root: see acpi_find; A20 is on. Returns what a person
   should know about it in one line, or NULL where the timer works. */
const char *clock_start(const uint8_t *acpi_root);

/* Whether the timer's interrupts come: without them HLT may last for ever. */
bool clock_has_interrupts(void);

/* Microseconds since clock_init, good to one with the timer or the counter, never backwards. */
uint64_t clock_microseconds(void);

/* Timer interrupts since clock_init, one in 54.9 ms: costs nothing where they come. */
uint32_t clock_ticks(void);

/* A wait of so many microseconds that always ends: after so long by the clock, or, should that stop, after a number of
   waits on port 80h. */
struct clock_limit {
    uint64_t start;
    uint32_t microseconds, polls;
};
struct clock_limit clock_limit(uint32_t microseconds);

/* Lets a microsecond pass; returns whether the limit is reached. */
bool clock_limit_passed(struct clock_limit *limit);

/* Around a BIOS call, with interrupts off. The first returns the timer interrupts that the BIOS is owed. */
uint16_t clock_give_interrupts_to_bios(void);
void clock_take_interrupts(void);

#endif
