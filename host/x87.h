/* 24-bit precision control: what every x87 build of core/ runs at (core/core.mk, X87_FLAGS). */
#ifndef BOOTLLAMA_HOST_X87_H
#define BOOTLLAMA_HOST_X87_H

#include <stdint.h>

/* For this thread. The C library's own double arithmetic is then less exact: print nothing of that kind. */
static inline void x87_single_precision(void)
{
    const uint16_t control = 0x007F; /* all exceptions masked, 24 bits, to nearest even */
    __asm__ volatile("fldcw %0" : : "m"(control));
}

#endif
