/*
 * ACPI specification ch. 4.8.3 (PM1 control), 7.4.2 (the \_S5 object). There is no AML interpreter here:
 * the \_S5 package is found by its bytes in the DSDT, where all compilers lay it down in the same way.
 */
#include "acpi.h"

#include <stdbool.h>
#include <stdint.h>

#include "acpi_tables.h"
#include "io.h"

enum {
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_BYTES = 72, /* as far as it is read here */

    AML_PACKAGE = 0x12,
    AML_BYTE = 0x0A,

    PM1_SCI_ENABLED = 1 << 0,
    PM1_SLEEP_TYPE = 10,
    PM1_SLEEP_TYPE_MASK = 7 << PM1_SLEEP_TYPE,
    PM1_SLEEP = 1 << 13,

    DELAY_PORT = 0x80,     /* a read takes about a microsecond */
    DELAY_READS = 1000000, /* a second */
};

/* Reads a small number of AML at *at and moves past it. */
static uint8_t aml_number(uint32_t *at)
{
    if (memory_read8(*at) == AML_BYTE) {
        *at += 1;
    }
    return memory_read8((*at)++);
}

/* Finds the sleep types of S5 for the two control registers in the DSDT. */
static bool find_s5(uint32_t dsdt, uint8_t types[2])
{
    uint32_t length = acpi_table_length(dsdt, ACPI_SIGNATURE('D', 'S', 'D', 'T'));

    for (uint32_t i = ACPI_HEADER; i + 16 <= length; i++) {
        uint32_t at = dsdt + i;
        if (memory_read32(at) == ACPI_SIGNATURE('_', 'S', '5', '_') && memory_read8(at + 4) == AML_PACKAGE) {
            at += 5;
            at += 1 + (memory_read8(at) >> 6); /* the package's length, 1 to 4 bytes */
            at += 1;                           /* its number of elements */
            types[0] = aml_number(&at);
            types[1] = aml_number(&at);
            return true;
        }
    }
    return false;
}

/* Reads the delay port until the register shows ACPI mode, for a second at most. */
static void wait_for_acpi(uint16_t control)
{
    for (int i = 0; i < DELAY_READS && (port_read16(control) & PM1_SCI_ENABLED) == 0; i++) {
        port_read(DELAY_PORT);
    }
}

static void sleep(uint16_t control, uint8_t type)
{
    uint32_t value = port_read16(control) & ~(uint32_t)(PM1_SLEEP_TYPE_MASK | PM1_SLEEP);
    value |= (uint32_t)(type & 7) << PM1_SLEEP_TYPE;
    port_write16(control, (uint16_t)value);
    port_write16(control, (uint16_t)(value | PM1_SLEEP));
}

void acpi_power_off(void)
{
    uint8_t types[2];
    uint32_t fadt = acpi_find_table(ACPI_SIGNATURE('F', 'A', 'C', 'P'), FADT_BYTES);

    if (fadt == 0 || !find_s5(memory_read32(fadt + FADT_DSDT), types)) {
        return;
    }
    uint16_t pm1a = memory_read16(fadt + FADT_PM1A_CONTROL), pm1b = memory_read16(fadt + FADT_PM1B_CONTROL);
    uint16_t smi_command = memory_read16(fadt + FADT_SMI_COMMAND);
    if (pm1a == 0) {
        return;
    }
    if ((port_read16(pm1a) & PM1_SCI_ENABLED) == 0 && smi_command != 0) {
        port_write(smi_command, memory_read8(fadt + FADT_ACPI_ENABLE));
        wait_for_acpi(pm1a);
    }
    sleep(pm1a, types[0]);
    if (pm1b != 0) {
        sleep(pm1b, types[1]);
    }
    for (int i = 0; i < DELAY_READS; i++) {
        port_read(DELAY_PORT);
    }
}
