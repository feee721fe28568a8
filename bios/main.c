/*
 * The C part of stage 2.
 *
 * Entered from start.asm in 32-bit protected mode: flat segments, bss clear, stack below STACK_TOP, interrupts off, A20
 * as the BIOS left it. Starts the machine's parts in the order in which they need each other, says clearly what is
 * missing, and calls console_run of core/.
 */
#include <stdbool.h>

#include "a20.h"
#include "acpi_root.h"
#include "base/format.h"
#include "base/text.h"
#include "bios_platform.h"
#include "clock.h"
#include "fault.h"
#include "io.h"
#include "kernel/cpu.h"
#include "layout.h"
#include "pc/vector_state.h"
#include "pc/x87.h"
#include "real_mode.h"

enum {
    FLAG_ALIGNMENT = 1 << 18, /* of EFLAGS: can be changed from the 486 on */
    CR0_EM_TS = 0x0C,
};

_Noreturn void bios_main(uint32_t drive, uint32_t origin, const struct linux_boot *given);

/* The 486 introduced the alignment-check flag. */
static bool is_486(void)
{
    uint32_t before, after;
    __asm__ volatile("pushfl; pushfl; xorl %2, (%%esp); popfl; pushfl; popl %1; popl %0; pushl %0; popfl"
                     : "=&r"(before), "=&r"(after)
                     : "i"(FLAG_ALIGNMENT)
                     : "cc");
    return ((before ^ after) & FLAG_ALIGNMENT) != 0;
}

/* Asks CPUID if there is one, and does the classic test: only an x87 answers FNINIT with a status word of 0. */
static bool has_x87(void)
{
    struct cpu_features features;
    uint16_t status = 0x5A5A;
    uint32_t cr0;

    cpu_detect(&features);
    __asm__ volatile("mov %%cr0, %0" : "=r"(cr0));
    __asm__ volatile("mov %0, %%cr0" : : "r"(cr0 & ~CR0_EM_TS));
    __asm__ volatile("fninit; fnstsw %0" : "+m"(status));
    return features.fpu && status == 0;
}

/* Stops with one line if the machine lacks something that bootllama needs. */
static void check_machine(struct bios_machine *machine)
{
    if (!is_486()) {
        terminal_stop(&machine->terminal, "Error: this processor is older than a 486, which bootllama needs.");
    }
    if (!has_x87()) {
        terminal_stop(&machine->terminal,
                      "Error: this processor has no floating point unit (x87), which bootllama needs.");
    }
    if (!a20_enable()) {
        terminal_stop(&machine->terminal, "Error: memory above 1 MiB cannot be reached: address line A20 stays off.");
    }
    if (extended_memory_init(&machine->memory, machine->given) == 0) {
        terminal_stop(&machine->terminal, "Error: the BIOS reports no memory above 1 MiB.");
    }
}

static void start_x87_and_sse(void)
{
    static struct vector_state at_start;

    vector_state_enable(&at_start);
    x87_start();
    real_mode_keep_vector_state(&at_start);
}

/* Writes a word on the first line before each part, so that on a machine that hangs the last word names the part. */
static void show_stage(struct bios_machine *machine, const char *word)
{
    terminal_put(&machine->terminal, word, text_length(word));
    screen_update(&machine->terminal.screen);
}

_Noreturn void bios_main(uint32_t drive, uint32_t origin, const struct linux_boot *given)
{
    static struct bios_machine machine;
    static struct platform platform;
    const bool from_initrd = given != NULL && given->initrd_bytes > 0;
    char text[48];

    machine.given = given;
    fault_init(&machine.terminal);
    clock_init();
    terminal_init(&machine.terminal);
    screen_put(&machine.terminal.screen, "\r", 1); /* over the text of the boot sector and the loader */
    format(text, sizeof text, from_initrd ? "bootllama: stage 2, initrd" : "bootllama: stage 2, drive %02xh", drive);
    show_stage(&machine, text);
    show_stage(&machine, ", memory");
    check_machine(&machine);
    const char *clock_note = clock_start(acpi_root());
    show_stage(&machine, ", x87");
    start_x87_and_sse();
    if (!from_initrd) {
        show_stage(&machine, ", disk");
        disk_init(&machine.disk, (uint8_t)drive, given != NULL ? 0 : 1u << memory_read8(BOOT_BLOCK));
    }
    show_stage(&machine, "\n");
    if (clock_note != NULL) {
        terminal_line(&machine.terminal, clock_note);
    }
    bios_platform_init(&platform, &machine, origin);
    console_run(&platform);
    terminal_stop(&machine.terminal, "bootllama has ended.");
}
