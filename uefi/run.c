#include "run.h"

void EFIAPI run_console(struct platform *platform)
{
    console_run(platform); /* has the other convention, so the compiler saves the registers that it may change */
}
