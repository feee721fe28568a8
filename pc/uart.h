/* A serial port of a PC: an 8250, a 16550 or a compatible chip, driven through its ports without interrupts. */
#ifndef BOOTLLAMA_PC_UART_H
#define BOOTLLAMA_PC_UART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    UART_PORTS = 4, /* COM1 to COM4 */
    UART_SPEED = 115200,
    UART_ERROR_MAX = 96,
};

struct uart {
    uint16_t base;           /* of its eight ports; 0: no port, and all calls do nothing */
    bool stuck;              /* it accepted no byte in time: no waiting until it accepts one again */
    uint32_t patience;       /* status reads, about 1 us each, before it counts as stuck */
    uint32_t capacity, room; /* bytes that an empty transmitter takes, and of them those still free */
};

/* The conventional bases of COM1 to COM4 (number 1 to 4). */
uint16_t uart_standard_base(uint32_t number);

/* Probes for a UART at `base` without changing its settings; if one answers, *uart is ready. */
bool uart_find(struct uart *uart, uint16_t base);

/*
 * The same, and sets it to `speed` bits a second, 8N1. Returns false, with *uart unchanged and the reason in `error`
 * (UART_ERROR_MAX bytes), if nothing answers for COM`number` at `base` or the speed does not divide 115200.
 */
bool uart_open(struct uart *uart, uint32_t number, uint16_t base, uint32_t speed, char *error);

/* Waits until all bytes have been sent, at most as long as the queue of any UART needs. */
void uart_drain(struct uart *uart);

/* Writes n bytes unchanged, '\n' as CR LF. Bytes that the port does not accept in bounded time are lost. */
void uart_put(struct uart *uart, const char *bytes, size_t n);

/* Returns the next byte received; -1, without waiting, if there is none. */
int uart_get(struct uart *uart);

#endif
