/* Ports (pc/ports.h) and the time-stamp counter. */
#ifndef BOOTLLAMA_UEFI_IO_H
#define BOOTLLAMA_UEFI_IO_H

#include <stdint.h>

#include "pc/ports.h"

/* Ticks of the time-stamp counter; earlier instructions are complete (LFENCE; Intel SDM vol. 2, RDTSC). */
static inline uint64_t tsc_read(void)
{
    uint32_t low, high;
    __asm__ volatile("lfence\n\trdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

#endif
