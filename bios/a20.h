/* The gate of address line 20: with it off, odd megabytes show the even ones below them. */
#ifndef BOOTLLAMA_A20_H
#define BOOTLLAMA_A20_H

#include <stdbool.h>

/*
 * Switches A20 on if it is off: by INT 15h AX=2401h, the keyboard controller or port 92h, with a test after each, first
 * the way that worked last. Every wait is bounded (a machine without a keyboard controller reads FFh for ever). To be
 * called after every trip to real mode, since some BIOS calls switch A20 off. Returns false if nothing helps.
 */
bool a20_enable(void);

#endif
