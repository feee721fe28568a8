#include "keyboard.h"

#include <stdbool.h>
#include <stdint.h>

#include "bios_call.h"
#include "clock.h"
#include "cp437.h"
#include "io.h"
#include "platform.h"

enum {
    BDA_KEYBOARD_FLAGS = 0x496,
    ENHANCED_KEYBOARD = 0x10,
    READ = 0x00,     /* AH of INT 16h; + 10h on an enhanced keyboard */
    IS_READY = 0x01, /* ZF = 1 if no key waits */
    ENHANCED_CALLS = 0x10,
    INTERVAL = 10000, /* microseconds between two questions */
};

static uint8_t calls; /* added to AH */
static bool busy;
static bool expected; /* there may be a key right now */

void keyboard_init(void)
{
    calls = (memory_read8(BDA_KEYBOARD_FLAGS) & ENHANCED_KEYBOARD) != 0 ? ENHANCED_CALLS : 0;
}

void keyboard_busy(void)
{
    busy = true;
}

void keyboard_expect(void)
{
    expected = true;
}

/* A trip to real mode costs as much as a token of a small model takes on a fast machine: not at every poll. */
static bool is_time(void)
{
    static uint32_t last_tick;
    static uint64_t next;

    if (busy) {
        uint32_t tick = clock_ticks();
        busy = false;
        if (tick == last_tick) {
            return false;
        }
        last_tick = tick;
        return true;
    }
    uint64_t now = clock_microseconds();
    if (now < next) {
        return false;
    }
    next = now + INTERVAL;
    return true;
}

/* A key without a character, by its scan code. */
static int key_of_scan_code(uint8_t scan_code)
{
    switch (scan_code) {
    case 0x47:
        return KEY_HOME;
    case 0x48:
        return KEY_UP;
    case 0x4B:
        return KEY_LEFT;
    case 0x4D:
        return KEY_RIGHT;
    case 0x4F:
        return KEY_END;
    case 0x50:
        return KEY_DOWN;
    case 0x53:
        return KEY_DELETE;
    default:
        return KEY_NONE;
    }
}

int keyboard_get_key(void)
{
    if (!expected && !is_time()) {
        return KEY_NONE;
    }
    struct bios_regs regs = {.eax = (uint32_t)(IS_READY + calls) << 8};
    bios_call(0x16, &regs);
    expected = (regs.flags & BIOS_ZERO) == 0; /* after one key there may be another one */
    if (!expected) {
        return KEY_NONE;
    }
    regs = (struct bios_regs){.eax = (uint32_t)(READ + calls) << 8};
    bios_call(0x16, &regs);
    uint8_t character = (uint8_t)regs.eax, scan_code = (uint8_t)(regs.eax >> 8);
    if (character == 0 || ((character == 0xE0 || character == 0xF0) && scan_code != 0)) {
        return key_of_scan_code(scan_code);
    }
    return character == 0x7F ? '\b' : (int)cp437_to_unicode(character);
}
