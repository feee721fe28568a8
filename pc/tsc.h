/* The time-stamp counter, and how fast it runs. */
#ifndef BOOTLLAMA_PC_TSC_H
#define BOOTLLAMA_PC_TSC_H

#include <stdbool.h>
#include <stdint.h>

/* Its ticks. It exists where CPUID says so (CPUID_EDX_TSC in kernel/cpu.h), on every x86-64. */
static inline uint64_t tsc_read(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

/* Whether a counter can run at so many ticks a second: 10 MHz to 20 GHz. */
bool tsc_is_plausible(uint64_t hz);

/* Its ticks per second, in about 30 ms, by ACPI's timer at `port` (acpi_timer_port). 0 where port is 0, the timer
   stands still or the result is not plausible. */
uint64_t tsc_measure(uint16_t port);

#endif
