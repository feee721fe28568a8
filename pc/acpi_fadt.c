/*
 * There is no AML interpreter: the \_S5 package is found by its bytes in the DSDT, which all compilers encode in the
 * same way.
 */
#include "pc/acpi_fadt.h"

#include <stddef.h>

#include "base/memory.h"
#include "pc/acpi.h"
#include "pc/bytes.h"

enum {
    /* offsets; X_ are later additions: the DSDT's address in 64 bits, registers as generic addresses */
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_PM_TIMER = 76,
    FADT_PM_TIMER_LENGTH = 91,
    FADT_X_DSDT = 140,
    FADT_X_PM1A_CONTROL = 172,
    FADT_X_PM1B_CONTROL = 184,
    FADT_X_PM_TIMER = 208,
    FADT_BYTES = 116, /* of the first revision */

    GENERIC_SPACE = 0, /* in a generic address */
    GENERIC_ADDRESS = 4,
    GENERIC_BYTES = 12,
    SPACE_IO = 1,

    AML_PACKAGE = 0x12,
    AML_BYTE = 0x0A,
    S5_BYTES = 16, /* most bytes of the object that are read */
};

static struct acpi_table find_fadt(const uint8_t *root)
{
    return acpi_find(root, "FACP", FADT_BYTES);
}

/* The port of a register: from the generic address at x_offset if the table has one in I/O space, else from the number
   at `offset`. 0 if there is no port. */
static uint16_t register_port(struct acpi_table fadt, uint32_t offset, uint32_t x_offset)
{
    uint64_t port = 0;

    if (fadt.length >= x_offset + GENERIC_BYTES && fadt.bytes[x_offset + GENERIC_SPACE] == SPACE_IO) {
        port = bytes_number(fadt.bytes + x_offset + GENERIC_ADDRESS, 8);
    }
    if (port == 0 || port > UINT16_MAX) {
        port = bytes_number(fadt.bytes + offset, 4);
    }
    return port <= UINT16_MAX ? (uint16_t)port : 0;
}

uint16_t acpi_timer_port(const uint8_t *root)
{
    const struct acpi_table fadt = find_fadt(root);

    return fadt.length > 0 && fadt.bytes[FADT_PM_TIMER_LENGTH] == 4
               ? register_port(fadt, FADT_PM_TIMER, FADT_X_PM_TIMER)
               : 0;
}

/* Reads a small AML integer and moves past it. */
static uint8_t aml_number(const uint8_t **at)
{
    *at += **at == AML_BYTE;
    return *(*at)++;
}

/* Finds the sleep types of S5 for the two control registers. */
static bool find_s5(struct acpi_table dsdt, uint8_t types[2])
{
    for (uint32_t i = ACPI_HEADER; i + S5_BYTES <= dsdt.length; i++) {
        const uint8_t *at = dsdt.bytes + i;
        if (memcmp(at, "_S5_", 4) == 0 && at[4] == AML_PACKAGE) {
            at += 5;
            at += 1 + (*at >> 6); /* the package's length, 1 to 4 bytes */
            at += 1;              /* its number of elements */
            types[0] = aml_number(&at);
            types[1] = aml_number(&at);
            return true;
        }
    }
    return false;
}

static struct acpi_table find_dsdt(struct acpi_table fadt)
{
    struct acpi_table dsdt = {NULL, 0};

    if (fadt.length >= FADT_X_DSDT + 8) {
        dsdt = acpi_table_at(bytes_number(fadt.bytes + FADT_X_DSDT, 8), "DSDT");
    }
    return dsdt.length > 0 ? dsdt : acpi_table_at(bytes_number(fadt.bytes + FADT_DSDT, 4), "DSDT");
}

bool acpi_find_soft_off(const uint8_t *root, struct acpi_soft_off *off)
{
    const struct acpi_table fadt = find_fadt(root);

    if (fadt.length == 0 || !find_s5(find_dsdt(fadt), off->sleep_type)) {
        return false;
    }
    off->control[0] = register_port(fadt, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
    off->control[1] = register_port(fadt, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
    off->smi_command = (uint16_t)bytes_number(fadt.bytes + FADT_SMI_COMMAND, 2);
    off->acpi_enable = fadt.bytes[FADT_ACPI_ENABLE];
    return off->control[0] != 0;
}
