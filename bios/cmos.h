/* The real-time clock through its own ports (Motorola MC146818A data sheet), for a machine without a working timer. */
#ifndef BOOTLLAMA_BIOS_CMOS_H
#define BOOTLLAMA_BIOS_CMOS_H

#include <stdint.h>

enum { CMOS_DAY_SECONDS = 86400 };

/* Seconds since midnight, below CMOS_DAY_SECONDS, or UINT32_MAX if no clock answers. Takes 3 ms at most. */
uint32_t cmos_seconds(void);

#endif
