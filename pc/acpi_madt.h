/* Which processors a machine has, by ACPI's MADT (ACPI specification ch. 5.2.12). */
#ifndef BOOTLLAMA_BIOS_PROCESSORS_MADT_H
#define BOOTLLAMA_BIOS_PROCESSORS_MADT_H

#include <stdint.h>

enum { MADT_HEADER = 44 }; /* bytes before the first entry */

/* Puts the local APICs' ids of all enabled processors but `own`, up to id_max and at most `most` of them, into ids[];
   returns how many. madt [bytes], bytes >= MADT_HEADER, may hold anything. */
uint32_t madt_processors(const uint8_t *madt, uint32_t bytes, uint32_t own, uint32_t id_max, uint32_t *ids,
                         uint32_t most);

#endif
