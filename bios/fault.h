/* Processor exceptions in protected mode: one line on screen and serial port, a key, a restart. */
#ifndef BOOTLLAMA_FAULT_H
#define BOOTLLAMA_FAULT_H

#include "terminal.h"

/* Loads the IDT; exceptions are reported on *terminal, which must stay valid. Interrupts may be switched on
   afterwards. */
void fault_init(struct terminal *terminal);

#endif
