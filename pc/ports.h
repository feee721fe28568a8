/* Input and output ports of a PC, for both boot paths. */
#ifndef BOOTLLAMA_PC_PORTS_H
#define BOOTLLAMA_PC_PORTS_H

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

static inline uint32_t port_read32(uint16_t port)
{
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

/* Waits about this long: a read of port 80h takes a microsecond on the bus. Needs no clock, so it always ends. */
static inline void port_delay(uint32_t microseconds)
{
    while (microseconds-- > 0) {
        port_read(0x80);
    }
}

#endif
