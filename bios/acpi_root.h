/* Finding ACPI's tables in memory (ACPI specification ch. 5.2): what can be used of them without an AML interpreter. */
#ifndef BOOTLLAMA_ACPI_TABLES_H
#define BOOTLLAMA_ACPI_TABLES_H

#include <stdint.h>

enum { ACPI_HEADER = 36 }; /* bytes that every table begins with */

#define ACPI_SIGNATURE(a, b, c, d) ((uint32_t)(a) | (uint32_t)(b) << 8 | (uint32_t)(c) << 16 | (uint32_t)(d) << 24)

/* Length of the table at `address`, 0 unless it has this signature and is whole. */
uint32_t acpi_table_length(uint32_t address, uint32_t signature);

/* Address of the first table with this signature that is whole and has at least `bytes`; 0 if there is none. */
uint32_t acpi_find_table(uint32_t signature, uint32_t bytes);

#endif
