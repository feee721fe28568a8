#include "keyboard.h"

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
    INTERVAL = 10000, /* microseconds between two queries */
};

void keyboard_init(struct keyboard *keyboard)
{
    *keyboard = (struct keyboard){0};
    keyboard->calls = (memory_read8(BDA_KEYBOARD_FLAGS) & ENHANCED_KEYBOARD) != 0 ? ENHANCED_CALLS : 0;
}

void keyboard_busy(struct keyboard *keyboard)
{
    keyboard->busy = true;
}

void keyboard_expect(struct keyboard *keyboard)
{
    keyboard->expected = true;
}

/* Not on every poll: a trip to real mode takes as long as a token of a small model on a fast machine. */
static bool is_time(struct keyboard *keyboard)
{
    if (keyboard->busy) {
        uint32_t tick = clock_ticks();
        keyboard->busy = false;
        if (tick == keyboard->last_tick) {
            return false;
        }
        keyboard->last_tick = tick;
        return true;
    }
    uint64_t now = clock_microseconds();
    if (now < keyboard->next) {
        return false;
    }
    keyboard->next = now + INTERVAL;
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

int keyboard_get_key(struct keyboard *keyboard)
{
    if (!keyboard->expected && !is_time(keyboard)) {
        return KEY_NONE;
    }
    struct bios_regs regs = {.eax = (uint32_t)(IS_READY + keyboard->calls) << 8};
    bios_call(0x16, &regs);
    keyboard->expected = (regs.flags & BIOS_ZERO) == 0; /* after one key there may be another one */
    if (!keyboard->expected) {
        return KEY_NONE;
    }
    regs = (struct bios_regs){.eax = (uint32_t)(READ + keyboard->calls) << 8};
    bios_call(0x16, &regs);
    uint8_t character = (uint8_t)regs.eax, scan_code = (uint8_t)(regs.eax >> 8);
    if (character == 0 || ((character == 0xE0 || character == 0xF0) && scan_code != 0)) {
        return key_of_scan_code(scan_code);
    }
    return character == 0x7F ? '\b' : (int)cp437_to_unicode(character);
}
