/* Ports, the interrupt flag, and memory at fixed addresses. */
#ifndef BOOTLLAMA_IO_H
#define BOOTLLAMA_IO_H

#include <stdint.h>

static inline uint8_t port_read(uint16_t port)
{
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write(uint16_t port, uint8_t value)
{
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint16_t port_read16(uint16_t port)
{
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline void port_write16(uint16_t port, uint16_t value)
{
    __asm__ volatile("outw %0, %1" : : "a"(value), "Nd"(port));
}

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

/* Memory that the BIOS or a device owns. Kept from the optimizer, which takes small constants for null pointers. */
static inline volatile void *memory_at(uint32_t address)
{
    __asm__("" : "+r"(address));
    return (volatile void *)address;
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
