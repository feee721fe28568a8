/* Finds ACPI's root pointer, from which pc/acpi.h continues. */
#ifndef BOOTLLAMA_BIOS_ACPI_ROOT_H
#define BOOTLLAMA_BIOS_ACPI_ROOT_H

#include <stdint.h>

/* Searches the first KiB of the EBDA and the BIOS ROM (ACPI specification ch. 5.2.5.1). Returns NULL if there is
   none. */
const uint8_t *acpi_root(void);

#endif
