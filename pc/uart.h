/* A serial port of a PC: an 8250, a 16550 or a chip like them, driven through its ports without interrupts. */
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
    uint16_t base;           /* of its eight ports; 0: there is none, and all calls do nothing */
    bool stuck;              /* it took no byte in time: nobody waits for it until it does again */
    uint32_t patience;       /* reads of its status, about 1 us each, until it counts as stuck */
    uint32_t capacity, room; /* bytes that an empty transmitter takes, and of them those still free */
};

/* Where COM1 to COM4 (number 1 to 4) are by custom. */
uint16_t uart_standard_base(uint32_t number);

/* Looks for a UART at `base` without changing how it is set; where one answers, *uart is ready. */
bool uart_find(struct uart *uart, uint16_t base);

/*
 * The same, and sets it to `speed` bits a second, 8N1. Returns false, with *uart as it was and the reason in `error`
 * (UART_ERROR_MAX bytes), where nothing answers for COM`number` at `base` or the speed does not divide 115200.
 */
bool uart_open(struct uart *uart, uint32_t number, uint16_t base, uint32_t speed, char *error);

/* Waits until all bytes have left, at most as long as the queue of any UART needs. */
void uart_drain(struct uart *uart);

/* Writes n bytes as they are, '\n' as CR LF. A port that takes no byte in bounded time loses them. */
void uart_put(struct uart *uart, const char *bytes, size_t n);

/* The next byte received, or -1 at once. */
int uart_get(struct uart *uart);

#endif
