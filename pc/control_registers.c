#include "pc/control_registers.h"

#include "base/memory.h"

enum {
    GATES = 32, /* of exceptions; interrupts are off */
    INVALID_OPCODE = 6,
    GENERAL_PROTECTION = 13,
    INTERRUPT_GATE = 0x8E00, /* present, ring 0; Intel SDM vol. 3 ch. 6.11 */
};

struct gate {
    uint16_t offset_low, selector, type, offset_high;
#if defined(__x86_64__)
    uint32_t offset_highest, reserved;
#endif
};

struct table_pointer {
    uint16_t limit;
    uintptr_t base;
} __attribute__((packed));

/* An interrupt table that temporarily replaces the loaded one. */
struct guard {
    struct gate gates[GATES];
    struct table_pointer before;
    uintptr_t flags;
};

/* The handlers of #UD and #GP: they set ESI = 1 and resume at EBX (RBX), after the instruction. #GP pushes an error
   code. */
void guard_protection(void);
void guard_invalid(void);
#if defined(__x86_64__)
__asm__(".text\n"
        "guard_protection:\n\t"
        "addq $8, %rsp\n"
        "guard_invalid:\n\t"
        "movq %rbx, (%rsp)\n\t"
        "movl $1, %esi\n\t"
        "iretq\n");
#define GUARDED(instruction) "leaq 1f(%%rip), %%rbx\n\txorl %%esi, %%esi\n\t" instruction "\n1:"
#define GUARD_CLOBBERS "rbx", "memory", "cc"
#else
__asm__(".text\n"
        "guard_protection:\n\t"
        "addl $4, %esp\n"
        "guard_invalid:\n\t"
        "movl %ebx, (%esp)\n\t"
        "movl $1, %esi\n\t"
        "iretl\n");
#define GUARDED(instruction) \
    "call 2f\n2:\tpopl %%ebx\n\taddl $1f - 2b, %%ebx\n\txorl %%esi, %%esi\n\t" instruction "\n1:"
#define GUARD_CLOBBERS "ebx", "memory", "cc"
#endif

static struct gate gate_to(void (*handler)(void), uint16_t selector)
{
    const uintptr_t offset = (uintptr_t)handler;

    return (struct gate)
    {
        .offset_low = (uint16_t)offset, .selector = selector, .type = INTERRUPT_GATE,
        .offset_high = (uint16_t)(offset >> 16),
#if defined(__x86_64__)
        .offset_highest = (uint32_t)(offset >> 32),
#endif
    };
}

/* All other exceptions keep their handlers, including those of a hypervisor through which firmware answers CPUID. */
static void guard_begin(struct guard *guard)
{
    const struct table_pointer table = {sizeof guard->gates - 1, (uintptr_t)guard->gates};
    uint16_t selector;

    __asm__ volatile("pushf\n\tpop %0\n\tcli" : "=r"(guard->flags) : : "memory");
    __asm__ volatile("sidt %0" : "=m"(guard->before));
    __asm__ volatile("mov %%cs, %0" : "=r"(selector));
    const uint32_t bytes = guard->before.limit + 1u;
    memset(guard->gates, 0, sizeof guard->gates);
    memcpy(guard->gates, (const void *)guard->before.base, bytes < sizeof guard->gates ? bytes : sizeof guard->gates);
    guard->gates[INVALID_OPCODE] = gate_to(guard_invalid, selector);
    guard->gates[GENERAL_PROTECTION] = gate_to(guard_protection, selector);
    __asm__ volatile("lidt %0" : : "m"(table), "m"(guard->gates));
}

static void guard_end(const struct guard *guard)
{
    __asm__ volatile("lidt %0" : : "m"(guard->before));
    __asm__ volatile("push %0\n\tpopf" : : "r"(guard->flags) : "memory", "cc");
}

uintptr_t cr0_read(void)
{
    uintptr_t value;
    __asm__ volatile("mov %%cr0, %0" : "=r"(value));
    return value;
}

void cr0_write(uintptr_t value)
{
    __asm__ volatile("mov %0, %%cr0" : : "r"(value) : "memory");
}

uintptr_t cr4_read(void)
{
    uintptr_t value;
    __asm__ volatile("mov %%cr4, %0" : "=r"(value));
    return value;
}

bool cr4_write(uintptr_t value)
{
    struct guard guard;
    uint32_t faulted;

    guard_begin(&guard);
    __asm__ volatile(GUARDED("mov %1, %%cr4") : "=&S"(faulted) : "a"(value) : GUARD_CLOBBERS);
    guard_end(&guard);
    return faulted == 0;
}

uint32_t mxcsr_read(void)
{
    uint32_t value;
    __asm__ volatile("stmxcsr %0" : "=m"(value));
    return value;
}

void mxcsr_write(uint32_t value)
{
    __asm__ volatile("ldmxcsr %0" : : "m"(value));
}

bool xcr0_write(uint64_t value)
{
    struct guard guard;
    uint32_t faulted;

    guard_begin(&guard);
    __asm__ volatile(GUARDED("xsetbv")
                     : "=&S"(faulted)
                     : "a"((uint32_t)value), "d"((uint32_t)(value >> 32)), "c"(0)
                     : GUARD_CLOBBERS);
    guard_end(&guard);
    return faulted == 0;
}
