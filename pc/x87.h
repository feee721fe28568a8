/*
 * The x87 control word of every x87 build of core/: 24-bit precision, so that a float operation is rounded once, to
 * single (X87_FLAGS in core/core.mk). All exceptions masked, round to nearest even (Intel SDM vol. 1 ch. 8).
 */
#ifndef BOOTLLAMA_PC_X87_H
#define BOOTLLAMA_PC_X87_H

#include <stdint.h>

enum {
    X87_SINGLE = 0x007F,
    X87_EXTENDED = 0x037F, /* the same with 64 bits: what FNINIT sets and a libc expects */
};

static inline void x87_set_control(uint16_t control)
{
    __asm__ volatile("fldcw %0" : : "m"(control));
}

/* For this processor or thread. Double arithmetic is then less exact, including a libc's. */
static inline void x87_single_precision(void)
{
    x87_set_control(X87_SINGLE);
}

/* The same on a processor with its x87 still unused. */
static inline void x87_start(void)
{
    __asm__ volatile("fninit");
    x87_single_precision();
}

#endif
