/*
 * Finding ACPI's tables in memory (ACPI specification ch. 5.2), for both boot paths: each path finds the root pointer
 * (RSDP) itself. Tables are not trusted: one with a wrong checksum or length, or beyond the reach of pointers, counts
 * as missing.
 */
#ifndef BOOTLLAMA_PC_ACPI_H
#define BOOTLLAMA_PC_ACPI_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ACPI_ROOT_BYTES = 20, /* minimum size of a root pointer */
    ACPI_HEADER = 36,     /* bytes that every table begins with */
};

struct acpi_table {
    const uint8_t *bytes; /* not owned */
    uint32_t length;      /* of the whole table, including the header; 0: no table */
};

/* Whether a root pointer is at root [ACPI_ROOT_BYTES]. */
bool acpi_is_root(const uint8_t *root);

/* Returns the table at `address` if it has this four-character signature. */
struct acpi_table acpi_table_at(uint64_t address, const char *signature);

/* Returns the first table with this signature and at least `bytes` (ACPI_HEADER or more) in the XSDT, or else the RSDT.
   root may be NULL. */
struct acpi_table acpi_find(const uint8_t *root, const char *signature, uint32_t bytes);

#endif
