#include "clock.h"

#include <stddef.h>

#include "clock_fallback.h"
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
    PIT_RATE = 1193182, /* Hz */
    PIT_TRIAL = 1193,   /* a period of a millisecond */
    TRIAL_TICKS = 2,    /* the first may have been pending for long */
    TRIAL_PERIODS = 1000,
    TRIAL_STILL = 1000, /* readings, 3 us each at least, of a counter that does not count */
    TICK = 65536,       /* of these: the BIOS's */
    TICK_US = 54925,
    OWED_MAX = 18, /* a second */
    POLLS_A_MICROSECOND = 20,

    BDA_TICKS = 0x46C, /* since midnight */
    TICKS_OF_DAY = 0x1800B0,
};

volatile uint32_t clock_owed_ticks; /* counted by vectors.asm, not yet seen by the BIOS */

static uint8_t bios_mask1, bios_mask2; /* of the interrupt controllers */

static bool has_interrupts;

/* In mode 2. The BIOS runs the counter in mode 3, which counts by twos: half of its readings would be ambiguous. */
static void set_period(uint16_t count)
{
    port_write(PIT_COMMAND, PIT_CHANNEL0_MODE2);
    port_write(PIT_CHANNEL0, (uint8_t)count);
    port_write(PIT_CHANNEL0, (uint8_t)(count >> 8));
}

static uint16_t read_counter(void)
{
    port_write(PIT_COMMAND, PIT_CHANNEL0_LATCH);
    const uint8_t low = port_read(PIT_CHANNEL0);
    return (uint16_t)(low | port_read(PIT_CHANNEL0) << 8);
}

/* Tests with a short period whether the counter counts and its interrupts arrive. */
static bool try_timer(void)
{
    uint32_t still = 0, periods = 0;
    uint16_t last = read_counter();

    while (clock_owed_ticks < TRIAL_TICKS && still < TRIAL_STILL && periods < TRIAL_PERIODS) {
        const uint16_t now = read_counter();
        still = now == last ? still + 1 : 0;
        periods += now > last;
        last = now;
    }
    return clock_owed_ticks >= TRIAL_TICKS;
}

void clock_init(void)
{
    set_period(PIT_TRIAL);
    clock_take_interrupts();
    __asm__ volatile("sti");
    has_interrupts = try_timer();
    const uint32_t flags = interrupts_off();
    set_period(0); /* TICK */
    clock_owed_ticks = 0;
    interrupts_restore(flags);
}

const char *clock_start(const uint8_t *acpi_root)
{
    return has_interrupts ? NULL : clock_fallback_start(acpi_root);
}

bool clock_has_interrupts(void)
{
    return has_interrupts;
}

/* The ticks since the last call, for a timer without interrupts to count them. A BIOS that was not called for long gets
   at most a second's worth. */
static uint16_t owed_by_fallback(void)
{
    static uint64_t given;
    const uint64_t ticks = clock_fallback_microseconds() / TICK_US, owed = ticks - given;

    given = ticks;
    return (uint16_t)(owed < OWED_MAX ? owed : OWED_MAX);
}

static uint16_t owed_by_timer(void)
{
    const uint32_t owed = clock_owed_ticks > UINT16_MAX ? UINT16_MAX : clock_owed_ticks;

    clock_owed_ticks -= owed;
    return (uint16_t)owed;
}

uint16_t clock_give_interrupts_to_bios(void)
{
    const uint16_t owed = has_interrupts ? owed_by_timer() : owed_by_fallback();

    port_write(PIC1_MASK, bios_mask1);
    port_write(PIC2_MASK, bios_mask2);
    return owed;
}

void clock_take_interrupts(void)
{
    bios_mask1 = port_read(PIC1_MASK) & ALL_BUT_TIMER; /* a BIOS unmasks its devices' interrupts as it uses them */
    bios_mask2 = port_read(PIC2_MASK);
    port_write(PIC1_MASK, ALL_BUT_TIMER);
    port_write(PIC2_MASK, ALL);
}

/* Interrupts off. The BIOS's own count, extended over midnight, plus what the BIOS has not seen yet. */
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
    if (!has_interrupts) {
        return (uint32_t)(clock_fallback_microseconds() / TICK_US);
    }
    uint32_t flags = interrupts_off();
    uint64_t ticks = ticks_since_start();
    interrupts_restore(flags);
    return (uint32_t)ticks;
}

/* Units of PIT_RATE. Counts a tick with its interrupt still pending if the counter has already restarted. */
static uint64_t pit_time(void)
{
    uint32_t flags = interrupts_off();
    uint64_t ticks = ticks_since_start();

    uint16_t elapsed = (uint16_t)-read_counter();
    port_write(PIC1_COMMAND, PIC_READ_REQUESTS);
    if ((port_read(PIC1_COMMAND) & 1) != 0 && elapsed < 0x8000) {
        ticks++;
    }
    interrupts_restore(flags);
    return ticks * TICK + elapsed;
}

uint64_t clock_microseconds(void)
{
    static uint64_t first, latest;

    if (!has_interrupts) {
        return clock_fallback_microseconds();
    }
    uint64_t now = pit_time();
    if (first == 0) {
        first = latest = now;
    }
    if (now + TICK / 2 < latest) { /* v86's counter restarts up to milliseconds before it asks for its interrupt */
        now += TICK;
    }
    if (now > latest) {
        latest = now;
    }
    uint64_t units = latest - first;
    return units / PIT_RATE * 1000000 + units % PIT_RATE * 1000000 / PIT_RATE;
}

struct clock_limit clock_limit(uint32_t microseconds)
{
    return (struct clock_limit){clock_microseconds(), microseconds, 0};
}

bool clock_limit_passed(struct clock_limit *limit)
{
    port_delay(1);
    return clock_microseconds() - limit->start > limit->microseconds ||
           ++limit->polls / POLLS_A_MICROSECOND > limit->microseconds;
}
