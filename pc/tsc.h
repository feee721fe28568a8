/* The time-stamp counter. */
#ifndef BOOTLLAMA_PC_TSC_H
#define BOOTLLAMA_PC_TSC_H

#include <stdint.h>

/* Its ticks. It exists where CPUID says so (CPUID_EDX_TSC in kernel/cpu.h), on every x86-64. */
static inline uint64_t tsc_read(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high) : : "memory");
    return (uint64_t)high << 32 | low;
}

#endif
