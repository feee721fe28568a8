/* Where a BIOS leaves ACPI's root pointer; pc/acpi.h goes on from there. */
#ifndef BOOTLLAMA_BIOS_ACPI_ROOT_H
#define BOOTLLAMA_BIOS_ACPI_ROOT_H

#include <stdint.h>

/* Looks through the first KiB of the EBDA and the BIOS's ROM (ACPI specification ch. 5.2.5.1). NULL: there is none. */
const uint8_t *acpi_root(void);

#endif
