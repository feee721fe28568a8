/* The gate of address line 20: with it off, odd megabytes alias the even ones below them. */
#ifndef BOOTLLAMA_A20_H
#define BOOTLLAMA_A20_H

#include <stdbool.h>

/*
 * Switches A20 on if it is off: tries the method that worked last, then INT 15h AX=2401h, the keyboard controller and
 * port 92h, with a test after each. Every wait is bounded (a machine without a keyboard controller always reads FFh).
 * Call it after every trip to real mode, because some BIOS calls switch A20 off. Returns false if every method fails.
 */
bool a20_enable(void);

#endif
