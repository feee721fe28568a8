/* The gate of address line 20: with it off, odd megabytes show the even ones below them. */
#ifndef BOOTLLAMA_A20_H
#define BOOTLLAMA_A20_H

#include <stdbool.h>

/*
 * Sees to it that A20 is on: nothing if it is; else INT 15h AX=2401h, the keyboard controller, port 92h, with a test
 * after each, the way that once worked first. Every wait is bounded (a machine without a keyboard controller reads FFh
 * for ever). Called again after every BIOS call, some of which switch it off. Returns false if nothing helps.
 */
bool a20_enable(void);

#endif
