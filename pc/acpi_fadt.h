/* A machine's registers by the fixed description table (FADT, ACPI specification ch. 5.2.9). */
#ifndef BOOTLLAMA_PC_ACPI_FADT_H
#define BOOTLLAMA_PC_ACPI_FADT_H

#include <stdbool.h>
#include <stdint.h>

enum { ACPI_TIMER_HZ = 3579545, ACPI_TIMER_MASK = 0xFFFFFF /* 24 bits count on every machine */ };

/* The I/O port of the power management timer (ch. 4.8.3.3), 0 if the tables name none. For root see acpi_find. */
uint16_t acpi_timer_port(const uint8_t *root);

/* How to enter sleep state S5, "off" (ch. 4.8.3.2, 7.4.2). */
struct acpi_soft_off {
    uint16_t control[2];   /* ports of the PM1 control registers; the second is 0 if there is none */
    uint8_t sleep_type[2]; /* the value for each of them */
    uint16_t smi_command;  /* a port, or 0: the machine is in ACPI mode from the start */
    uint8_t acpi_enable;   /* the value for that port that switches ACPI mode on */
};

/* Fills *off; returns false if the tables do not say. */
bool acpi_find_soft_off(const uint8_t *root, struct acpi_soft_off *off);

#endif
