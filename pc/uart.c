#include "pc/uart.h"

#include "base/format.h"
#include "pc/ports.h"

/* Registers, counted from the base, and their bits (National Semiconductor, PC16550D data sheet). */
enum {
    DATA = 0,             /* the divisor's low byte while DIVISOR_LATCH is set */
    INTERRUPT_ENABLE = 1, /* and its high byte */
    FIFO_CONTROL = 2,     /* read: interrupt identification */
    LINE_CONTROL = 3,
    MODEM_CONTROL = 4,
    LINE_STATUS = 5,
    SCRATCH = 7,

    INTERRUPT_ON_DATA = 0x01,
    FIFO_ON_AND_CLEAR = 0x07,
    FIFO_WORKS = 0xC0,
    FORMAT_8N1 = 0x03,
    DIVISOR_LATCH = 0x80,
    DTR_RTS_OUT2 = 0x0B, /* on a PC, OUT2 enables the interrupt line */
    DATA_READY = 0x01,
    HOLDING_EMPTY = 0x20,
    ALL_SENT = 0x40,

    FIFO_BYTES = 16,
    DIVISOR_MAX = 0xFFFF,
    WAIT_READS = 50000,     /* about 50 ms, at 1 us a port; a full FIFO needs 1.4 ms at 115200 bit/s */
    WAIT_READS_MORE = 4000, /* for each factor by which the port is slower */
};

uint16_t uart_standard_base(uint32_t number)
{
    static const uint16_t bases[UART_PORTS] = {0x3F8, 0x2F8, 0x3E8, 0x2E8};

    return number >= 1 && number <= UART_PORTS ? bases[number - 1] : 0;
}

/* The scratch register keeps what is written to it. An absent port reads FFh, which would look like a UART that accepts
   everything and receives forever. */
static bool scratch_keeps(uint16_t base, uint8_t value)
{
    port_write(base + SCRATCH, value);
    return port_read(base + SCRATCH) == value;
}

bool uart_find(struct uart *uart, uint16_t base)
{
    if (base == 0 || !scratch_keeps(base, 0x5A) || !scratch_keeps(base, 0xA5)) {
        return false;
    }
    *uart = (struct uart){.base = base, .capacity = 1, .patience = WAIT_READS};
    return true;
}

static void set_up(struct uart *uart, uint32_t divisor)
{
    const uint16_t base = uart->base;

    port_write(base + INTERRUPT_ENABLE, 0);
    port_write(base + LINE_CONTROL, DIVISOR_LATCH);
    port_write(base + DATA, (uint8_t)divisor);
    port_write(base + INTERRUPT_ENABLE, (uint8_t)(divisor >> 8));
    port_write(base + LINE_CONTROL, FORMAT_8N1);
    port_write(base + FIFO_CONTROL, FIFO_ON_AND_CLEAR);
    port_write(base + MODEM_CONTROL, DTR_RTS_OUT2);
    port_write(base + INTERRUPT_ENABLE, INTERRUPT_ON_DATA); /* effective if the interrupt controller does not mask it */
    uart->patience = WAIT_READS + divisor * WAIT_READS_MORE;
    uart->capacity = (port_read(base + FIFO_CONTROL) & FIFO_WORKS) == FIFO_WORKS ? FIFO_BYTES : 1;
}

bool uart_open(struct uart *uart, uint32_t number, uint16_t base, uint32_t speed, char *error)
{
    struct uart found;

    if (speed == 0 || UART_SPEED % speed != 0 || UART_SPEED / speed > DIVISOR_MAX) {
        format(error, UART_ERROR_MAX, "a serial port has 115200, 57600, 38400, 19200, 9600 or less, not %u bit/s",
               speed);
        return false;
    }
    if (!uart_find(&found, base)) {
        format(error, UART_ERROR_MAX, "no serial port answers for COM%u at %xh", number, base);
        return false;
    }
    uart_drain(uart);
    set_up(&found, UART_SPEED / speed);
    *uart = found;
    return true;
}

void uart_drain(struct uart *uart)
{
    uint32_t reads = uart->base != 0 && !uart->stuck ? uart->patience : 0;

    while (reads > 0 && (port_read(uart->base + LINE_STATUS) & ALL_SENT) == 0) {
        reads--;
    }
}

/* Waits, bounded, until the FIFO, or the single register of an 8250, has room for `capacity` bytes. */
static bool transmitter_empty(struct uart *uart)
{
    uint32_t reads = uart->stuck ? 1 : uart->patience;

    for (uint32_t i = 0; i < reads; i++) {
        if ((port_read(uart->base + LINE_STATUS) & HOLDING_EMPTY) != 0) {
            uart->stuck = false;
            return true;
        }
    }
    uart->stuck = true;
    return false;
}

static void put_byte(struct uart *uart, char byte)
{
    if (uart->room == 0) {
        if (!transmitter_empty(uart)) {
            return;
        }
        uart->room = uart->capacity;
    }
    uart->room--;
    port_write(uart->base + DATA, (uint8_t)byte);
}

void uart_put(struct uart *uart, const char *bytes, size_t n)
{
    if (uart->base == 0) {
        return;
    }
    uart->room = 0; /* earlier bytes may still be in transmission */
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n') {
            put_byte(uart, '\r');
        }
        put_byte(uart, bytes[i]);
    }
}

int uart_get(struct uart *uart)
{
    if (uart->base == 0 || (port_read(uart->base + LINE_STATUS) & DATA_READY) == 0) {
        return -1;
    }
    return port_read(uart->base + DATA);
}
