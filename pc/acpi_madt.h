/* The processors of a machine, from ACPI's MADT (ACPI specification ch. 5.2.12). */
#ifndef BOOTLLAMA_PC_ACPI_MADT_H
#define BOOTLLAMA_PC_ACPI_MADT_H

#include <stdint.h>

#include "pc/acpi.h"

/* Stores the local APIC ids of all enabled processors except `own`, up to id_max and at most `most` of them, in ids[];
   returns their number. For root see acpi_find. */
uint32_t acpi_find_processors(const uint8_t *root, uint32_t own, uint32_t id_max, uint32_t *ids, uint32_t most);

#endif
