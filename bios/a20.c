#include "a20.h"

#include <stdint.h>

#include "io.h"
#include "real_mode.h"

enum {
    KBC_DATA = 0x60,
    KBC_STATUS = 0x64, /* read; written to, it takes commands */
    KBC_OUTPUT_FULL = 0x01,
    KBC_INPUT_FULL = 0x02,
    KBC_DISABLE_KEYBOARD = 0xAD,
    KBC_ENABLE_KEYBOARD = 0xAE,
    KBC_READ_OUTPUT_PORT = 0xD0,
    KBC_WRITE_OUTPUT_PORT = 0xD1,
    OUTPUT_PORT_A20 = 0x02,
    WAIT_READS = 100000, /* about 0.1 s, at 1 us a port */

    PORT_92 = 0x92,
    PORT_92_RESET = 0x01,
    PORT_92_A20 = 0x02,

    MEGABYTE = 0x100000,
};

/* Writes below 1 MiB and checks whether the location one megabyte higher changes with it. */
static bool a20_is_on(void)
{
    static volatile uint32_t low;
    volatile uint32_t *high = memory_at((uint32_t)&low + MEGABYTE);

    low = ~*high;
    return *high != low;
}

/* Gives a slow gate some time. */
static bool a20_settles(void)
{
    for (int i = 0; i < 1000; i++) {
        if (a20_is_on()) {
            return true;
        }
        port_read(KBC_STATUS);
    }
    return false;
}

/* Some BIOSes report success and do nothing, so only a20_settles counts. */
static void enable_by_bios(void)
{
    struct bios_regs regs = {.eax = 0x2401};
    real_mode_interrupt(0x15, &regs);
}

/* Waits, bounded, until the bits of `mask` in the controller's status are `value`. */
static bool kbc_wait(uint8_t mask, uint8_t value)
{
    for (int i = 0; i < WAIT_READS; i++) {
        if ((port_read(KBC_STATUS) & mask) == value) {
            return true;
        }
    }
    return false;
}

static bool kbc_write(uint16_t port, uint8_t value)
{
    if (!kbc_wait(KBC_INPUT_FULL, 0)) {
        return false;
    }
    port_write(port, value);
    return true;
}

/* A20 is a bit of the controller's output port, which is read, changed and written. The keyboard is off in the
   meantime, so that no key's byte arrives instead. */
static void enable_by_keyboard_controller(void)
{
    uint32_t flags = interrupts_off();

    if (kbc_write(KBC_STATUS, KBC_DISABLE_KEYBOARD) && kbc_write(KBC_STATUS, KBC_READ_OUTPUT_PORT) &&
        kbc_wait(KBC_OUTPUT_FULL, KBC_OUTPUT_FULL)) {
        uint8_t output = port_read(KBC_DATA) | OUTPUT_PORT_A20;
        if (kbc_write(KBC_STATUS, KBC_WRITE_OUTPUT_PORT)) {
            kbc_write(KBC_DATA, output);
        }
    }
    kbc_write(KBC_STATUS, KBC_ENABLE_KEYBOARD);
    kbc_wait(KBC_INPUT_FULL, 0);
    interrupts_restore(flags);
}

/* Writes only if something changes, and never the bit that restarts the machine. */
static void enable_by_port_92(void)
{
    uint8_t value = port_read(PORT_92);
    if ((value & PORT_92_A20) == 0) {
        port_write(PORT_92, (uint8_t)((value | PORT_92_A20) & ~PORT_92_RESET));
    }
}

bool a20_enable(void)
{
    static void (*const ways[])(void) = {enable_by_bios, enable_by_keyboard_controller, enable_by_port_92};
    enum { WAYS = sizeof ways / sizeof ways[0] };
    static unsigned known; /* the way that worked */
    bool on = a20_is_on();

    for (unsigned i = 0; i < WAYS && !on; i++) {
        unsigned way = (known + i) % WAYS;
        ways[way]();
        on = a20_settles();
        if (on) {
            known = way;
        }
    }
    return on;
}
