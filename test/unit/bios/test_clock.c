/* bios/clock.c on a timer of the test's own: exact while no tick is lost, and never ahead of the time. */
#define BOOTLLAMA_IO_H /* ports and memory are those below */
#include "unit.h"

enum { PERIOD = 65536, DAY = 0x1800B0, COUNTER = 0x40, COMMAND = 0x43, PIC = 0x20 };

static struct {
    uint64_t now;        /* units of the timer; its counter restarts at every multiple of PERIOD */
    uint64_t read_at;    /* when the counter was latched */
    uint32_t late;       /* from there until the interrupt is asked for, as v86 does */
    uint64_t taken;      /* interrupts, up to this one */
    uint32_t bios_ticks; /* since midnight */
    uint16_t latched;    /* the counter */
} machine;

static uint64_t asked(void)
{
    return (machine.now - machine.late) / PERIOD;
}

static void port_write(uint16_t port, uint8_t value)
{
    if (port == COMMAND) {
        assert_int_equal(value, 0);
        machine.latched = (uint16_t)-machine.now;
        machine.read_at = machine.now;
    }
    machine.now++;
}

static uint8_t port_read(uint16_t port)
{
    machine.now++;
    if (port == COUNTER) {
        const uint8_t byte = (uint8_t)machine.latched;
        machine.latched >>= 8;
        return byte;
    }
    return port == PIC && asked() > machine.taken;
}

static uint32_t memory_read32(uint32_t address)
{
    assert_int_equal(address, 0x46C);
    return machine.bios_ticks;
}

static uint32_t interrupts_off(void)
{
    return 0;
}

static void interrupts_restore(uint32_t flags)
{
    (void)flags;
}

static void port_delay(uint32_t count)
{
    (void)count;
}

#include "bios/clock.c"

const char *clock_fallback_start(const uint8_t *acpi_root)
{
    (void)acpi_root;
    return NULL;
}

uint64_t clock_fallback_microseconds(void)
{
    return 0;
}

/* The pending interrupt; of several, all but one are lost. */
static void take_interrupt(void)
{
    if (asked() > machine.taken) {
        clock_owed_ticks++;
        machine.taken = asked();
    }
}

static void tell_the_bios(void)
{
    machine.bios_ticks = (machine.bios_ticks + clock_owed_ticks) % DAY;
    clock_owed_ticks = 0;
}

/* Microseconds between the first reading, at a period's start, and the last. */
static uint64_t truth(void)
{
    const uint64_t units = machine.read_at - PERIOD;
    return units / PIT_RATE * 1000000 + units % PIT_RATE * 1000000 / PIT_RATE;
}

static void is_exact(void)
{
    const uint64_t now = clock_microseconds();
    assert_int_equal(now, truth());
}

static int begin(void **state)
{
    (void)state;
    machine.now = PERIOD;
    machine.taken = 1;
    machine.bios_ticks = DAY - 20;
    has_interrupts = true;
    return clock_microseconds() == 0 ? 0 : -1;
}

/* Interrupts off for up to half a period, and over midnight. */
static void exact_with_interrupts_off_at_times(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3000; i++) {
        machine.now += 997;
        is_exact();
        if (i % 30 == 0) {
            take_interrupt();
        }
        if (i % 120 == 0) {
            tell_the_bios();
        }
    }
}

/* The counter restarts shortly before, while or shortly after it is read. */
static void exact_where_the_counter_restarts(void **state)
{
    (void)state;
    for (uint32_t before = 20; before-- > 0;) {
        machine.now += PERIOD / 2;
        take_interrupt();
        machine.now += PERIOD - machine.now % PERIOD - before;
        is_exact();
    }
}

static void goes_on_until_a_late_interrupt(void **state)
{
    (void)state;
    machine.late = 8000;
    for (uint32_t i = 0; i < 3000; i++) {
        machine.now += 997;
        take_interrupt();
        is_exact();
    }
}

/* Interrupts late or lost, the clock rarely read: it may fall behind, but goes on, and never runs ahead. */
static void never_ahead_and_never_back(void **state)
{
    uint64_t last = clock_microseconds(), still = 0, random = 1;
    (void)state;
    for (uint32_t i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const uint32_t bits = (uint32_t)(random >> 32);
        machine.now += bits % (bits & 1 ? 2 * PERIOD : 3000);
        machine.late = bits >> 8 & 0x3FFF;
        if (bits & 2) {
            take_interrupt();
        }
        if (bits % 64 == 0) {
            tell_the_bios();
        }
        const uint64_t now = clock_microseconds();
        assert_true(now >= last && now <= truth());
        still = now == last ? still + 1 : 0;
        assert_true(still < 50);
        last = now;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exact_with_interrupts_off_at_times),
        cmocka_unit_test(exact_where_the_counter_restarts),
        cmocka_unit_test(goes_on_until_a_late_interrupt),
        cmocka_unit_test(never_ahead_and_never_back),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
