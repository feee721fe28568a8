/* bios/rtc.c: every clock of the machine changes the seed, and nothing else does. */
#include "unit.h"

#include "bios_call.h"
#include "clock.h"
#include "kernel/cpu.h"
#include "rtc.h"

enum { READ_TIME = 0x02, READ_DATE = 0x04 };

static struct {
    uint32_t date, time; /* ECX, the same in EDX */
    uint32_t failures;   /* calls that fail before one works */
    uint32_t calls;
    uint64_t now;
    bool has_tsc;
} machine;

void bios_call(uint8_t vector, struct bios_regs *regs)
{
    const uint32_t function = regs->eax >> 8;
    assert_int_equal(vector, 0x1A);
    assert_true(function == READ_TIME || function == READ_DATE);
    machine.calls++;
    if (machine.failures > 0) {
        machine.failures--;
        regs->flags |= BIOS_CARRY;
        return;
    }
    regs->flags = 0;
    regs->ecx = regs->edx = function == READ_DATE ? machine.date : machine.time;
}

uint64_t clock_microseconds(void)
{
    return machine.now;
}

bool cpuid_exists(void)
{
    return true;
}

struct cpuid cpuid_instruction(uint32_t leaf, uint32_t subleaf)
{
    (void)leaf, (void)subleaf;
    return (struct cpuid){.eax = CPUID_FEATURES, .edx = machine.has_tsc ? CPUID_EDX_TSC : 0};
}

uint64_t xcr0_read(void)
{
    return 0;
}

static void begin(void **state)
{
    (void)state;
    memset(&machine, 0, sizeof machine);
    machine.date = 0x20261128;
    machine.time = 0x2359;
    machine.now = 1234567;
}

static void every_clock_counts(void **state)
{
    begin(state);
    const uint64_t seed = rtc_seed();
    assert_int_equal(machine.calls, 2);
    assert_int_equal(rtc_seed(), seed);
    machine.date++;
    const uint64_t tomorrow = rtc_seed();
    assert_int_not_equal(tomorrow, seed);
    machine.time++;
    const uint64_t later = rtc_seed();
    assert_int_not_equal(later, tomorrow);
    machine.now++;
    assert_int_not_equal(rtc_seed(), later);
}

static void the_time_stamp_counter_counts(void **state)
{
    begin(state);
    machine.has_tsc = true;
    assert_int_not_equal(rtc_seed(), rtc_seed());
}

/* It fails while it is being updated. */
static void a_clock_that_fails_is_asked_again(void **state)
{
    begin(state);
    const uint64_t seed = rtc_seed();
    machine.failures = 7;
    assert_int_equal(rtc_seed(), seed);
    machine.failures = 1000;
    machine.calls = 0;
    const uint64_t without = rtc_seed();
    assert_int_equal(machine.calls, 16);
    assert_int_not_equal(without, seed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_clock_counts),
        cmocka_unit_test(the_time_stamp_counter_counts),
        cmocka_unit_test(a_clock_that_fails_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
