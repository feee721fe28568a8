/* Processor exceptions in protected mode: one line on screen and serial port, a key, a restart. */
#ifndef BOOTLLAMA_FAULT_H
#define BOOTLLAMA_FAULT_H

/* Loads the IDT. Interrupts may be switched on afterwards. */
void fault_init(void);

#endif
