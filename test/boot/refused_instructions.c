/*
 * A program of ring 0 that does what a processor refuses: pc/control_registers.c must come back from the fault. QEMU
 * starts it as a multiboot kernel (-kernel): 32-bit protected mode, flat segments, interrupts off, no stack and no
 * interrupt table. It ends QEMU through the isa-debug-exit device at port F4h with one bit for each thing that was as
 * it should be.
 */
#include <stdint.h>

#include "kernel/cpu.h"
#include "pc/control_registers.h"
#include "pc/ports.h"

enum {
    CR4_OSFXSR = 1 << 9,
    CR4_OSXSAVE = 1 << 18,
    XCR0_RESERVED = 1 << 27,
    EXIT_PORT = 0xF4,

    REFUSED_WITHOUT_XCR0 = 1 << 0, /* #UD */
    WROTE_XCR0 = 1 << 1,
    REFUSED_BIT = 1 << 2, /* #GP */
    XCR0_AS_IT_WAS = 1 << 3,
    TABLE_AS_IT_WAS = 1 << 4,
};

__asm__(".section .text.start, \"ax\"\n"
        ".align 4\n"
        ".long 0x1BADB002, 0, -0x1BADB002\n" /* multiboot's magic, no wishes, checksum */
        ".globl start\n"
        "start: movl $stack_top, %esp\n\t"
        "call refused_main\n"
        ".bss\n"
        ".space 4096\n"
        "stack_top:\n"
        ".text\n");

_Noreturn void refused_main(void);

struct table_pointer {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

static struct table_pointer table(void)
{
    struct table_pointer pointer;
    __asm__ volatile("sidt %0" : "=m"(pointer));
    return pointer;
}

_Noreturn void refused_main(void)
{
    const struct table_pointer before = table();
    const uintptr_t cr4 = cr4_read() | CR4_OSFXSR | CR4_OSXSAVE;
    uint8_t right = 0;

    right |= !xcr0_write(XCR0_X87_SSE) ? REFUSED_WITHOUT_XCR0 : 0;
    right |= cr4_write(cr4) && xcr0_write(XCR0_X87_SSE) ? WROTE_XCR0 : 0;
    right |= !xcr0_write(XCR0_X87_SSE | XCR0_RESERVED) ? REFUSED_BIT : 0;
    right |= xcr0_read() == XCR0_X87_SSE ? XCR0_AS_IT_WAS : 0;
    right |= table().base == before.base && table().limit == before.limit ? TABLE_AS_IT_WAS : 0;
    for (;;) {
        port_write(EXIT_PORT, right);
    }
}
