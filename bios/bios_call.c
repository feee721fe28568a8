#include "bios_call.h"

#include "a20.h"
#include "real_mode.h"

void bios_call(uint8_t vector, struct bios_regs *regs)
{
    real_mode_interrupt(vector, regs);
    a20_enable();
}

void bios_run(void (*routine)(void), struct bios_regs *regs)
{
    real_mode_run(routine, regs);
    a20_enable();
}
