/* The instructions with which cpu.c queries the processor, in a file of their own so that a unit test can replace the
   processor. */
#include "kernel/cpu.h"

/* Bit 21 of EFLAGS can be changed if there is CPUID (SDM vol. 1 ch. 20.1); a plain 486 has none. */
bool cpuid_exists(void)
{
#if defined(__x86_64__)
    return true;
#else
    uint32_t before, after;
    __asm__ volatile("pushfl\n\t"
                     "pushfl\n\t"
                     "xorl $0x200000, (%%esp)\n\t"
                     "popfl\n\t"
                     "pushfl\n\t"
                     "popl %1\n\t"
                     "popl %0\n\t"
                     "pushl %0\n\t"
                     "popfl"
                     : "=&r"(before), "=&r"(after)
                     :
                     : "cc");
    return ((before ^ after) & 0x200000) != 0;
#endif
}

struct cpuid cpuid_instruction(uint32_t leaf, uint32_t subleaf)
{
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(subleaf));
    return r;
}

uint64_t xcr0_read(void)
{
    uint32_t low, high;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (uint64_t)high << 32 | low;
}
