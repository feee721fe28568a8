/* Switching off by ACPI, for machines whose BIOS has no APM. */
#ifndef BOOTLLAMA_BIOS_ACPI_POWER_H
#define BOOTLLAMA_BIOS_ACPI_POWER_H

/* Puts the machine into sleep state S5. Returns where its tables do not say how, or doing so did not help. */
void acpi_power_off(void);

#endif
