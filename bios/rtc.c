#include "rtc.h"

#include <stdbool.h>

#include "bios_call.h"
#include "clock.h"
#include "kernel/cpu.h"
#include "pc/seed.h"
#include "pc/tsc.h"

enum {
    READ_TIME = 0x0200, /* AX of INT 1Ah; hours, minutes, seconds in CX and DH as BCD */
    READ_DATE = 0x0400, /* century, year, month, day in CX and DX as BCD */
    TRIES = 8,          /* the call fails if there is no clock, and during its updates of 2 ms */
};

static uint64_t ask(uint16_t function)
{
    for (int i = 0; i < TRIES; i++) {
        struct bios_regs regs = {.eax = function};
        bios_call(0x1A, &regs);
        if (!bios_failed(&regs)) {
            return (uint64_t)regs.ecx << 32 | regs.edx;
        }
    }
    return 0;
}

/* Since power-on; 0 on processors without the counter. */
static uint64_t processor_ticks(void)
{
    return (cpuid_read(CPUID_FEATURES, 0).edx & CPUID_EDX_TSC) != 0 ? tsc_read() : 0;
}

uint64_t rtc_seed(void)
{
    uint64_t seed = seed_mix(ask(READ_DATE), ask(READ_TIME));

    seed = seed_mix(seed, processor_ticks());
    return seed_mix(seed, clock_microseconds());
}
