/* Ports (pc/ports.h), the interrupt flag, and memory at fixed addresses. */
#ifndef BOOTLLAMA_IO_H
#define BOOTLLAMA_IO_H

#include <stdint.h>

#include "pc/ports.h"

/* Switches interrupts off; returns the flags that interrupts_restore puts back. */
static inline uint32_t interrupts_off(void)
{
    uint32_t flags;
    __asm__ volatile("pushfl; popl %0; cli" : "=r"(flags) : : "memory");
    return flags;
}

static inline void interrupts_restore(uint32_t flags)
{
    __asm__ volatile("pushl %0; popfl" : : "r"(flags) : "memory", "cc");
}

/* Memory that the BIOS or a device owns. Hidden from the optimizer, which treats small constants as null pointers. */
static inline volatile void *memory_at(uint32_t address)
{
    __asm__("" : "+r"(address));
    return (volatile void *)(uintptr_t)address;
}

static inline uint8_t memory_read8(uint32_t address)
{
    return *(volatile uint8_t *)memory_at(address);
}

static inline uint16_t memory_read16(uint32_t address)
{
    return *(volatile uint16_t *)memory_at(address);
}

static inline uint32_t memory_read32(uint32_t address)
{
    return *(volatile uint32_t *)memory_at(address);
}

#endif
