#include "serial.h"

#include "base/format.h"
#include "clock.h"
#include "io.h"
#include "platform.h"

_Static_assert(UART_ERROR_MAX <= sizeof((struct platform *)0)->error, "the platform's error takes uart.h's");

enum {
    BDA_SERIAL_PORTS = 0x400, /* four words: bases of COM1 to COM4 that the BIOS has found, 0 for the others */
    BYTES_A_CALL = 64,        /* read per call: a port that never runs dry must not block */
    IRQ_ODD_PORTS = 4,        /* COM1 and COM3 */
    IRQ_EVEN_PORTS = 3,
};

/* The base of COM`port` according to the BIOS; a port that the BIOS missed may be at its usual base. */
static uint16_t base_of(uint32_t port)
{
    uint16_t base = memory_read16(BDA_SERIAL_PORTS + 2 * (port - 1));

    return base != 0 ? base : uart_standard_base(port);
}

void serial_init(struct serial *serial)
{
    char error[UART_ERROR_MAX];

    *serial = (struct serial){0};
    serial_set(serial, 1, UART_SPEED, error);
}

bool serial_set(struct serial *serial, uint32_t port, uint32_t speed, char *error)
{
    if (port > UART_PORTS) {
        format(error, UART_ERROR_MAX, "there are COM1 to COM%u", UART_PORTS);
        return false;
    }
    if (port == 0) {
        uart_drain(&serial->uart);
        serial->uart = (struct uart){0};
    } else if (!uart_open(&serial->uart, port, base_of(port), speed, error)) {
        return false;
    }
    serial->number = port;
    serial->keys = (struct terminal_keys){0};
    serial->incomplete = false;
    return true;
}

uint8_t serial_interrupt(const struct serial *serial)
{
    return serial->number == 0 ? 0 : serial->number % 2 != 0 ? IRQ_ODD_PORTS : IRQ_EVEN_PORTS;
}

void serial_put(struct serial *serial, const char *utf8, size_t n)
{
    uart_put(&serial->uart, utf8, n);
}

int serial_get_key(struct serial *serial)
{
    for (int bytes = 0; bytes < BYTES_A_CALL; bytes++) {
        int byte = uart_get(&serial->uart);
        if (byte < 0) {
            break;
        }
        int key = terminal_keys_byte(&serial->keys, (uint8_t)byte, clock_microseconds());
        serial->incomplete = key == KEY_NONE;
        if (!serial->incomplete) {
            return key;
        }
    }
    return serial->incomplete ? terminal_keys_idle(&serial->keys, clock_microseconds()) : KEY_NONE;
}
