/* The time-stamp counter and its rate. */
#ifndef BOOTLLAMA_PC_TSC_H
#define BOOTLLAMA_PC_TSC_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the counter. It exists if CPUID says so (CPUID_EDX_TSC in kernel/cpu.h), and on every x86-64. */
static inline uint64_t tsc_read(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Whether a rate is plausible: 10 MHz to 20 GHz. */
bool tsc_is_plausible(uint64_t hz);

/* Measures its ticks per second against ACPI's timer at `port` (acpi_timer_port), in about 30 ms. Returns 0 if port is
   0, the timer stands still or the result is implausible. */
uint64_t tsc_measure(uint16_t port);

#endif
