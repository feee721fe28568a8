#include "clock.h"

#include <stdbool.h>

#include "io.h"

enum {
    PIC1_COMMAND = 0x20,
    PIC1_MASK = 0x21,
    PIC2_MASK = 0xA1,
    PIC_READ_REQUESTS = 0x0A, /* OCW3: the next read of the command port gives the IRR */
    ALL_BUT_TIMER = 0xFE,
    ALL = 0xFF,

    PIT_CHANNEL0 = 0x40,
    PIT_COMMAND = 0x43,
    PIT_CHANNEL0_MODE2 = 0x34, /* counts down by ones, low byte then high byte */
    PIT_CHANNEL0_LATCH = 0x00,
    PIT_RATE = 1193182, /* Hz; one tick is 65536 of these, as the BIOS has it */

    BDA_TICKS = 0x46C, /* since midnight */
    TICKS_OF_DAY = 0x1800B0,
};

volatile uint32_t clock_owed_ticks; /* counted by vectors.asm, not yet seen by the BIOS */

static uint8_t bios_mask1, bios_mask2; /* of the interrupt controllers */

/* The BIOS runs the counter in mode 3, by twos: half of its readings would be ambiguous. */
void clock_init(void)
{
    port_write(PIT_COMMAND, PIT_CHANNEL0_MODE2);
    port_write(PIT_CHANNEL0, 0); /* 65536 */
    port_write(PIT_CHANNEL0, 0);
    clock_take_interrupts();
    __asm__ volatile("sti");
}

uint16_t clock_give_interrupts_to_bios(void)
{
    uint32_t owed = clock_owed_ticks > UINT16_MAX ? UINT16_MAX : clock_owed_ticks;

    clock_owed_ticks -= owed;
    port_write(PIC1_MASK, bios_mask1);
    port_write(PIC2_MASK, bios_mask2);
    return (uint16_t)owed;
}

void clock_take_interrupts(void)
{
    bios_mask1 = port_read(PIC1_MASK) & ALL_BUT_TIMER; /* a BIOS lets its devices' interrupts through as it uses them */
    bios_mask2 = port_read(PIC2_MASK);
    port_write(PIC1_MASK, ALL_BUT_TIMER);
    port_write(PIC2_MASK, ALL);
}

/* Interrupts off. The BIOS's own count, made to run on over midnight, and what the BIOS has not seen yet. */
static uint64_t ticks_since_start(void)
{
    static uint32_t last;
    static uint64_t days;
    static bool started;
    uint32_t ticks = memory_read32(BDA_TICKS);

    if (started && ticks < last) {
        days += TICKS_OF_DAY;
    }
    started = true;
    last = ticks;
    return days + ticks + clock_owed_ticks;
}

uint32_t clock_ticks(void)
{
    uint32_t flags = interrupts_off();
    uint64_t ticks = ticks_since_start();
    interrupts_restore(flags);
    return (uint32_t)ticks;
}

/* Units of PIT_RATE. A tick whose interrupt is still on its way counts when the counter has already begun anew. */
static uint64_t pit_time(void)
{
    uint32_t flags = interrupts_off();
    uint64_t ticks = ticks_since_start();

    port_write(PIT_COMMAND, PIT_CHANNEL0_LATCH);
    uint16_t left = port_read(PIT_CHANNEL0);
    left |= (uint16_t)(port_read(PIT_CHANNEL0) << 8);
    uint16_t elapsed = (uint16_t)-left;
    port_write(PIC1_COMMAND, PIC_READ_REQUESTS);
    if ((port_read(PIC1_COMMAND) & 1) != 0 && elapsed < 0x8000) {
        ticks++;
    }
    interrupts_restore(flags);
    return ticks << 16 | elapsed;
}

uint64_t clock_microseconds(void)
{
    static uint64_t first, latest;
    uint64_t now = pit_time();

    if (first == 0) {
        first = latest = now;
    }
    if (now > latest) {
        latest = now;
    }
    uint64_t units = latest - first;
    return units / PIT_RATE * 1000000 + units % PIT_RATE * 1000000 / PIT_RATE;
}
