#include "run.h"

void EFIAPI run_console(struct platform *platform)
{
    console_run(
        platform); /* on x86-64 has the other convention, so the compiler saves the registers that it may change */
}
