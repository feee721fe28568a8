/* Power-off through ACPI, for machines without APM in the BIOS. */
#ifndef BOOTLLAMA_BIOS_ACPI_POWER_H
#define BOOTLLAMA_BIOS_ACPI_POWER_H

/* Puts the machine into sleep state S5. Returns if its tables do not say how, or if that had no effect. */
void acpi_power_off(void);

#endif
