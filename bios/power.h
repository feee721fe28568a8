/* Restart and switch off. */
#ifndef BOOTLLAMA_POWER_H
#define BOOTLLAMA_POWER_H

/* Restarts through the keyboard controller, else port CF9h, else a triple fault. */
_Noreturn void power_reboot(void);

/* Switches off through APM, else ACPI. Returns if the machine supports neither. */
void power_off(void);

#endif
