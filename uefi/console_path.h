/* Which devices are behind the firmware's console, by their device paths (UEFI specification, chapter 10). */
#ifndef BOOTLLAMA_UEFI_CONSOLE_PATH_H
#define BOOTLLAMA_UEFI_CONSOLE_PATH_H

#include "device_path.h"

/* The protocol that tags every device of the console's output (edk2 and its derivatives). */
#define CONSOLE_OUT_DEVICE_TAG                             \
    {                                                      \
        0xd3b36f2c, 0xd551, 0x11d4,                        \
        {                                                  \
            0x9a, 0x46, 0x00, 0x90, 0x27, 0x3f, 0xc1, 0x4d \
        }                                                  \
    }

/* Whether one of the instances of a device path is the UART of serial port `number`, counted from 1. A UART under an
   unknown kind of device counts as the first. */
bool console_path_names_serial(struct device_path path, uint32_t number);

/* Whether the firmware's own console output, or input, goes through that serial port; for the first port, whether it
   may. */
bool console_path_out_has_serial(EFI_SYSTEM_TABLE *table, uint32_t number);
bool console_path_in_has_serial(EFI_SYSTEM_TABLE *table, uint32_t number);

#endif
