/* The one ACPI table entry that is needed: where the power management timer is (ACPI specification, 4.8.3.3). */
#ifndef BOOTLLAMA_UEFI_ACPI_H
#define BOOTLLAMA_UEFI_ACPI_H

#include "efi_headers.h"

enum { ACPI_TIMER_HZ = 3579545, ACPI_TIMER_MASK = 0xFFFFFF /* 24 bits count on every machine */ };

/* The timer's I/O port, or 0 where the tables name none. */
uint16_t acpi_timer_port(EFI_SYSTEM_TABLE *table);

#endif
