#include "terminal.h"

#include "base/text.h"
#include "bios_call.h"
#include "clock.h"
#include "pc/dim.h"
#include "pc/ports.h"
#include "power.h"

enum {
    REDIRECTION_US = 110000, /* two ticks: the end of a redirected text may wait for one */
    IDLE_US = 1000,          /* if no interrupt would end a halt */
};

void thunk_idle(void); /* thunk.asm */

void terminal_init(struct terminal *terminal)
{
    static const char farewell[] = "\rbootllama: output continues on COM1 only, 115200 bit/s\n";

    serial_init(&terminal->serial);
    screen_init(&terminal->screen);
    keyboard_init(&terminal->keyboard);
    terminal->redirected = screen_is_redirected(&terminal->screen);
    if (terminal->redirected && serial_interrupt(&terminal->serial) != 0) {
        screen_put(&terminal->screen, farewell, sizeof farewell - 1);
        struct clock_limit limit = clock_limit(REDIRECTION_US);
        while (!clock_limit_passed(&limit)) {
            terminal_idle(terminal);
        }
    }
}

void terminal_put(struct terminal *terminal, const char *utf8, size_t n)
{
    if (!terminal->redirected || serial_interrupt(&terminal->serial) == 0) {
        screen_put(&terminal->screen, utf8, n);
    }
    serial_put(&terminal->serial, utf8, n);
}

void terminal_colour(struct terminal *terminal, enum platform_colour colour)
{
    const char *sequence = dim_sequence(&terminal->dimmed, colour);
    screen_colour(&terminal->screen, colour);
    serial_put(&terminal->serial, sequence, text_length(sequence));
}

void terminal_line(struct terminal *terminal, const char *text)
{
    terminal_put(terminal, text, text_length(text));
    terminal_put(terminal, "\n", 1);
}

int terminal_get_key(struct terminal *terminal)
{
    screen_update_in_time(&terminal->screen);
    int key = serial_get_key(&terminal->serial);
    return key != KEY_NONE ? key : keyboard_get_key(&terminal->keyboard);
}

void terminal_idle(struct terminal *terminal)
{
    struct bios_regs regs = {.ecx = serial_interrupt(&terminal->serial)};

    screen_update(&terminal->screen);
    if (clock_has_interrupts()) {
        bios_run(thunk_idle, &regs);
    } else {
        port_delay(IDLE_US);
    }
    keyboard_expect(&terminal->keyboard);
}

_Noreturn void terminal_stop(struct terminal *terminal, const char *text)
{
    if (!terminal->stopping) { /* a fault in here restarts straight away */
        terminal->stopping = true;
        terminal_put(terminal, "\n", 1);
        terminal_colour(terminal, COLOUR_ERROR);
        terminal_line(terminal, text);
        terminal_colour(terminal, COLOUR_TEXT);
        terminal_line(terminal, "Press a key to restart.");
        while (terminal_get_key(terminal) == KEY_NONE) {
            terminal_idle(terminal);
        }
    }
    power_reboot();
}
