/* The note about processors that do not compute. */
#ifndef BOOTLLAMA_PC_PROCESSORS_NOTE_H
#define BOOTLLAMA_PC_PROCESSORS_NOTE_H

#include <stddef.h>
#include <stdint.h>

/* Writes to out [size] how many lack instructions that the first processor has, and how many have stopped answering; ""
   if none. 64 bytes are enough for up to 64 processors. */
void processors_note(char *out, size_t size, uint32_t lacking, uint32_t silent);

#endif
