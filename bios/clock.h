/*
 * The timer, and who gets interrupts. In protected mode the timer's interrupt is the only one let through; it is
 * counted and handed to the BIOS with the next BIOS call (its INT 8 keeps the tick count at 0040:006C, stops floppy
 * motors and polls USB keyboards). All other interrupts wait for a BIOS call too. The interrupt controllers stay at the
 * BIOS's vectors.
 */
#ifndef BOOTLLAMA_CLOCK_H
#define BOOTLLAMA_CLOCK_H

#include <stdint.h>

/* Takes the timer: channel 0, mode 2, at the BIOS's rate. The IDT must be loaded; switches interrupts on. */
void clock_init(void);

/* Microseconds since clock_init, good to one, never backwards. Needs no more than the timer chip. */
uint64_t clock_microseconds(void);

/* Timer interrupts since clock_init: costs nothing, one in 54.9 ms. */
uint32_t clock_ticks(void);

/* Around a BIOS call, with interrupts off. The first returns the timer interrupts that the BIOS is owed. */
uint16_t clock_give_interrupts_to_bios(void);
void clock_take_interrupts(void);

#endif
