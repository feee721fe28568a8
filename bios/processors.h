/*
 * The other processors: found in ACPI's MADT (ACPI specification ch. 5.2.12), started through the local APIC by the MP
 * initialisation protocol (Intel SDM vol. 3 ch. 9.4), parked in between with interrupts off. On a machine that lacks
 * either there are no others, and no register is touched.
 */
#ifndef BOOTLLAMA_BIOS_PROCESSORS_H
#define BOOTLLAMA_BIOS_PROCESSORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "extended_memory.h"

/* Finds them and reserves their stacks permanently. Call it before anything else is reserved. */
void processors_find(struct extended_memory *memory);

/* As in struct platform; counts those that the table marks as usable. */
uint32_t processors_count(void);

/* As in struct platform. A processor that does not start within a tenth of a second is left out. */
uint32_t processors_start(void (*work)(void *context, uint32_t index), void *context);

/* As in struct platform. */
bool processors_reset(uint32_t index);

/* As in struct platform; a processor that does not return within a second is reset. Writes platform.processors_note
   into note [size]. */
void processors_stop(char *note, size_t size);

#endif
