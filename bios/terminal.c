#include "terminal.h"

#include <stdbool.h>

#include "base/text.h"
#include "bios_call.h"
#include "clock.h"
#include "keyboard.h"
#include "power.h"
#include "screen.h"
#include "serial.h"

void thunk_idle(void); /* thunk.asm */

static bool redirected; /* the BIOS sends what the screen gets to a serial port, most likely ours: not a second time */

void terminal_init(void)
{
    static const char farewell[] = "\rbootllama: text goes on at COM1 alone, 115200 bit/s\n";

    serial_init();
    screen_init();
    keyboard_init();
    redirected = screen_is_redirected();
    if (redirected && serial_interrupt() != 0) {
        screen_put(farewell, sizeof farewell - 1);
        const uint32_t now = clock_ticks();
        while (clock_ticks() - now < 2) { /* the end of it may wait for one */
            terminal_idle();
        }
    }
}

void terminal_put(const char *utf8, size_t n)
{
    if (!redirected || serial_interrupt() == 0) {
        screen_put(utf8, n);
    }
    serial_put(utf8, n);
}

void terminal_colour(enum platform_colour colour)
{
    screen_colour(colour);
}

void terminal_line(const char *text)
{
    terminal_put(text, text_length(text));
    terminal_put("\n", 1);
}

int terminal_get_key(void)
{
    int key = serial_get_key();
    return key != KEY_NONE ? key : keyboard_get_key();
}

void terminal_idle(void)
{
    struct bios_regs regs = {.ecx = serial_interrupt()};
    bios_run(thunk_idle, &regs);
    keyboard_expect();
}

_Noreturn void terminal_stop(const char *text)
{
    static bool stopping;

    if (!stopping) { /* a fault in here goes straight to the restart */
        stopping = true;
        terminal_put("\n", 1);
        terminal_colour(COLOUR_ERROR);
        terminal_line(text);
        terminal_colour(COLOUR_TEXT);
        terminal_line("Press a key to restart.");
        while (terminal_get_key() == KEY_NONE) {
            terminal_idle();
        }
    }
    power_reboot();
}
