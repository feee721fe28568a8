#include "real_mode.h"

#include "clock.h"
#include "io.h"
#include "pc/x87.h"

enum { FLAGS_INTERRUPTS_ON = 0x0202 };

/* thunk.asm */
void thunk_call(struct bios_regs *regs);
void thunk_return(void);

static bool has_fpu, has_sse;

void real_mode_keep_vector_state(const struct vector_state *state)
{
    has_fpu = true;
    has_sse = state->has_sse;
}

/* The state that a BIOS with x87 or SSE code of its own may change. */
struct vector_control {
    uint16_t x87;
    uint32_t mxcsr, cr4;
};

static void keep_control(struct vector_control *control)
{
    if (has_fpu) {
        __asm__ volatile("fnstcw %0" : "=m"(control->x87));
    }
    if (has_sse) {
        __asm__ volatile("stmxcsr %0" : "=m"(control->mxcsr));
        __asm__ volatile("mov %%cr4, %0" : "=r"(control->cr4));
    }
}

/* No register holds a value here: by the calling convention all x87 and SSE registers are dead during a call. */
static void restore_control(const struct vector_control *control)
{
    if (has_sse) {
        uint32_t cr4;
        __asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
        if (cr4 != control->cr4) {
            __asm__ volatile("mov %0, %%cr4" : : "r"(control->cr4) : "memory");
        }
        __asm__ volatile("ldmxcsr %0" : : "m"(control->mxcsr));
    }
    if (has_fpu) {
        __asm__ volatile("fninit");
        x87_set_control(control->x87);
    }
}

/* Into real mode and back, handling interrupts, the ticks owed and the vector state. */
static void enter(struct bios_regs *regs)
{
    struct vector_control control = {0};
    uint32_t flags = interrupts_off();

    regs->back = (uint16_t)(uintptr_t)thunk_return;
    regs->back_segment = 0;
    regs->flags = FLAGS_INTERRUPTS_ON | (regs->flags & BIOS_CARRY);
    regs->owed_ticks = clock_give_interrupts_to_bios();
    keep_control(&control);
    thunk_call(regs);
    restore_control(&control);
    clock_take_interrupts();
    interrupts_restore(flags);
}

void real_mode_interrupt(uint8_t vector, struct bios_regs *regs)
{
    regs->target = memory_read16(4u * vector);
    regs->target_segment = memory_read16(4u * vector + 2);
    enter(regs);
}

void real_mode_run(void (*routine)(void), struct bios_regs *regs)
{
    regs->target = (uint16_t)(uintptr_t)routine;
    regs->target_segment = 0;
    enter(regs);
}
