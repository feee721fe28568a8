#include "serial.h"

#include <stdbool.h>
#include <stdint.h>

#include "clock.h"
#include "io.h"
#include "platform.h"
#include "terminal_keys.h"

/* Registers of a 16550 and their bits. */
enum {
    COM1 = 0x3F8,
    DATA = COM1,
    INTERRUPT_ENABLE = COM1 + 1,
    FIFO_CONTROL = COM1 + 2, /* read: interrupt identification */
    LINE_CONTROL = COM1 + 3,
    MODEM_CONTROL = COM1 + 4,
    LINE_STATUS = COM1 + 5,
    SCRATCH = COM1 + 7,

    DIVISOR_115200 = 1,
    DIVISOR_LATCH = 0x80,
    FORMAT_8N1 = 0x03,
    FIFO_ON_AND_CLEAR = 0x07,
    FIFO_WORKS = 0xC0,
    DTR_RTS_OUT2 = 0x0B, /* OUT2 lets the interrupt out on a PC */
    INTERRUPT_ON_DATA = 0x01,
    DATA_READY = 0x01,
    TRANSMITTER_EMPTY = 0x20,

    FIFO_BYTES = 16,
    BYTES_A_CALL = 64, /* taken in: a port that always has one more must not hold us */
    WAIT_READS = 50000, /* about 50 ms, at 1 us a port; a full FIFO needs 1.4 ms */
};

static bool present;
static bool stuck;        /* it did not become ready in time: no more waiting until it does */
static unsigned capacity; /* bytes that an empty transmitter takes */
static unsigned room;     /* of them, still free */
static struct terminal_keys keys;

/* A register that only keeps what is written to it: nothing else at this address does. */
static bool scratch_keeps(uint8_t value)
{
    port_write(SCRATCH, value);
    return port_read(SCRATCH) == value;
}

void serial_init(void)
{
    present = scratch_keeps(0x5A) && scratch_keeps(0xA5);
    if (!present) {
        return; /* an absent port reads FFh: it would look ready, and full of input */
    }
    port_write(INTERRUPT_ENABLE, 0);
    port_write(LINE_CONTROL, DIVISOR_LATCH);
    port_write(DATA, DIVISOR_115200);
    port_write(INTERRUPT_ENABLE, 0); /* the divisor's high byte */
    port_write(LINE_CONTROL, FORMAT_8N1);
    port_write(FIFO_CONTROL, FIFO_ON_AND_CLEAR);
    port_write(MODEM_CONTROL, DTR_RTS_OUT2);
    port_write(INTERRUPT_ENABLE, INTERRUPT_ON_DATA); /* masked but for terminal_idle */
    capacity = (port_read(FIFO_CONTROL) & FIFO_WORKS) == FIFO_WORKS ? FIFO_BYTES : 1;
}

/* Waits until the FIFO, or the one register of an 8250, has room for `capacity` bytes; not for ever. */
static bool transmitter_empty(void)
{
    int reads = stuck ? 1 : WAIT_READS;

    for (int i = 0; i < reads; i++) {
        if ((port_read(LINE_STATUS) & TRANSMITTER_EMPTY) != 0) {
            stuck = false;
            return true;
        }
    }
    stuck = true;
    return false;
}

static void put_byte(char byte)
{
    if (room == 0) {
        if (!transmitter_empty()) {
            return;
        }
        room = capacity;
    }
    room--;
    port_write(DATA, (uint8_t)byte);
}

void serial_put(const char *utf8, size_t n)
{
    if (!present) {
        return;
    }
    room = 0; /* what went before may still be under way */
    for (size_t i = 0; i < n; i++) {
        if (utf8[i] == '\n') {
            put_byte('\r');
        }
        put_byte(utf8[i]);
    }
}

bool serial_is_present(void)
{
    return present;
}

int serial_get_key(void)
{
    static bool incomplete; /* the last byte made no key */

    for (int bytes = 0; present && bytes < BYTES_A_CALL && (port_read(LINE_STATUS) & DATA_READY) != 0; bytes++) {
        int key = terminal_keys_byte(&keys, port_read(DATA), clock_microseconds());
        incomplete = key == KEY_NONE;
        if (!incomplete) {
            return key;
        }
    }
    return incomplete ? terminal_keys_idle(&keys, clock_microseconds()) : KEY_NONE;
}
