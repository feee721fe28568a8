/* Which devices are behind the firmware's console: told from device paths (UEFI specification, chapter 10). */
#ifndef BOOTLLAMA_UEFI_CONSOLE_PATH_H
#define BOOTLLAMA_UEFI_CONSOLE_PATH_H

#include "device_path.h"

/* Whether one of the instances of a device path is a UART of the first serial port. A UART under no known kind of
   device counts as the first. */
bool device_path_has_com1(struct device_path path);

/* Whether the firmware's own console output, or input, goes through the first serial port, or may do so. */
bool console_output_has_com1(EFI_SYSTEM_TABLE *table);
bool console_input_has_com1(EFI_SYSTEM_TABLE *table);

#endif
