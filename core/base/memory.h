/* The four functions that a compiler may emit calls to in a freestanding build, with the C library's contract. */
#ifndef BOOTLLAMA_MEMORY_H
#define BOOTLLAMA_MEMORY_H

#include <stddef.h>

/* Copies n bytes; the two ranges must not overlap. Returns `to`. */
void *memcpy(void *restrict to, const void *restrict from, size_t n);

/* Copies n bytes; the ranges may overlap. Returns `to`. */
void *memmove(void *to, const void *from, size_t n);

/* Sets n bytes to the low byte of `value`. Returns `to`. */
void *memset(void *to, int value, size_t n);

/* Compares as unsigned bytes: 0 if the n bytes are equal, else < 0 or > 0 as the first difference in a is. */
int memcmp(const void *a, const void *b, size_t n);

#endif
