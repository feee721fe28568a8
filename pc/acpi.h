/*
 * Finding ACPI's tables in memory (ACPI specification ch. 5.2), for both boot paths: a path says where the root pointer
 * (RSDP) is. Tables are taken as they come: one whose checksum or length is wrong, or that lies where pointers do not
 * reach, counts as missing.
 */
#ifndef BOOTLLAMA_PC_ACPI_H
#define BOOTLLAMA_PC_ACPI_H

#include <stdbool.h>
#include <stdint.h>

enum {
    ACPI_ROOT_BYTES = 20, /* of a root pointer at least */
    ACPI_HEADER = 36,     /* bytes that every table begins with */
};

struct acpi_table {
    const uint8_t *bytes; /* not owned */
    uint32_t length;      /* of all of it, the header included; 0: there is none */
};

/* Whether a root pointer is at root [ACPI_ROOT_BYTES]. */
bool acpi_is_root(const uint8_t *root);

/* The table at `address` if it has this signature of four characters. */
struct acpi_table acpi_table_at(uint64_t address, const char *signature);

/* The first table with this signature and at least `bytes` (ACPI_HEADER or more) that the XSDT names, or else the RSDT.
   root may be NULL. */
struct acpi_table acpi_find(const uint8_t *root, const char *signature, uint32_t bytes);

#endif
