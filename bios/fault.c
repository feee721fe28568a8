#include "fault.h"

#include <stdint.h>

#include "base/format.h"
#include "io.h"
#include "layout.h"

enum { VECTORS = 32, PRESENT_INTERRUPT_GATE = 0x8E00 };

struct gate { /* SDM vol. 3 ch. 6.11 */
    uint16_t offset_low, selector, type, offset_high;
};

struct table_pointer {
    uint16_t limit;
    uint32_t base;
} __attribute__((packed));

/* What vectors.asm leaves on the stack. */
struct fault_frame {
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax;
    uint32_t vector, error_code, eip, cs, eflags;
};

extern const uint32_t vector_table[VECTORS]; /* vectors.asm */
_Noreturn void fault_show(const struct fault_frame *frame);

static const char *const names[VECTORS] = {
    [0] = "division by zero",  [1] = "debug",        [2] = "hardware error (NMI)", [3] = "breakpoint",
    [4] = "overflow",          [5] = "bound",        [6] = "invalid instruction",  [7] = "no x87",
    [8] = "double fault",      [10] = "invalid TSS", [11] = "segment not present", [12] = "stack fault",
    [13] = "protection fault", [14] = "page fault",  [16] = "x87 error",           [17] = "alignment",
    [18] = "machine check",    [19] = "SSE error",
};

static struct terminal *fault_terminal; /* an exception passes no pointer */

void fault_init(struct terminal *terminal)
{
    static struct gate gates[VECTORS];
    struct table_pointer pointer = {.limit = sizeof gates - 1, .base = (uint32_t)gates};

    for (int i = 0; i < VECTORS; i++) {
        gates[i] = (struct gate){
            .offset_low = (uint16_t)vector_table[i],
            .selector = SELECTOR_CODE32,
            .type = PRESENT_INTERRUPT_GATE,
            .offset_high = (uint16_t)(vector_table[i] >> 16),
        };
    }
    fault_terminal = terminal;
    __asm__ volatile("lidt %0" : : "m"(pointer));
}

_Noreturn void fault_show(const struct fault_frame *frame)
{
    char text[128];
    const char *name = frame->vector < VECTORS ? names[frame->vector] : NULL;

    format(text, sizeof text, "Error: processor exception %u (%s) at %08x, error code %x", frame->vector,
           name != NULL ? name : "reserved", frame->eip, frame->error_code);
    terminal_stop(fault_terminal, text);
}
