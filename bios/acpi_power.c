/* ACPI specification ch. 4.8.3.2 (PM1 control), 4.8.3.5 (ACPI enable), 7.4.2 (S5). */
#include "acpi_power.h"

#include "acpi_root.h"
#include "pc/acpi_fadt.h"
#include "pc/ports.h"

enum {
    PM1_SCI_ENABLED = 1 << 0,
    PM1_SLEEP_TYPE = 10,
    PM1_SLEEP_TYPE_MASK = 7 << PM1_SLEEP_TYPE,
    PM1_SLEEP = 1 << 13,

    SECOND_US = 1000000,
};

/* The register shows when the machine is in ACPI mode; a second is enough for any. */
static void enter_acpi_mode(const struct acpi_soft_off *off)
{
    if ((port_read16(off->control[0]) & PM1_SCI_ENABLED) != 0 || off->smi_command == 0) {
        return;
    }
    port_write(off->smi_command, off->acpi_enable);
    for (uint32_t i = 0; i < SECOND_US && (port_read16(off->control[0]) & PM1_SCI_ENABLED) == 0; i++) {
        port_delay(1);
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
    struct acpi_soft_off off;

    if (!acpi_find_soft_off(acpi_root(), &off)) {
        return;
    }
    enter_acpi_mode(&off);
    sleep(off.control[0], off.sleep_type[0]);
    if (off.control[1] != 0) {
        sleep(off.control[1], off.sleep_type[1]);
    }
    port_delay(SECOND_US);
}
