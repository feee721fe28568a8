/* Switching off by ACPI, for machines whose BIOS has no APM. */
#ifndef BOOTLLAMA_ACPI_H
#define BOOTLLAMA_ACPI_H

/* Puts the machine into sleep state S5. Returns where its tables do not say how, or saying so did not help. */
void acpi_power_off(void);

#endif
