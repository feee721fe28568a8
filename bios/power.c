#include "power.h"

#include "acpi_power.h"
#include "bios_call.h"
#include "io.h"

enum {
    BDA_RESET_FLAG = 0x472,
    WARM_START = 0x1234, /* no memory test */
    KBC_STATUS = 0x64,
    KBC_INPUT_FULL = 0x02,
    KBC_PULSE_RESET = 0xFE,
    RESET_CONTROL = 0xCF9, /* PCI chipsets */
    RESET_PREPARE = 0x02,
    RESET_NOW = 0x06,
    WAIT_US = 100000,
};

/* A processor that cannot enter even the double-fault handler shuts down, and the chipset restarts it. */
_Noreturn void power_reboot(void)
{
    static const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) no_vectors = {0, 0};

    interrupts_off();
    *(volatile uint16_t *)memory_at(BDA_RESET_FLAG) = WARM_START;
    for (int i = 0; i < WAIT_US && (port_read(KBC_STATUS) & KBC_INPUT_FULL) != 0; i++) {
        port_delay(1);
    }
    port_write(KBC_STATUS, KBC_PULSE_RESET);
    port_delay(WAIT_US);
    port_write(RESET_CONTROL, RESET_PREPARE);
    port_write(RESET_CONTROL, RESET_NOW);
    port_delay(WAIT_US);
    for (;;) {
        __asm__ volatile("lidt %0; int3" : : "m"(no_vectors));
    }
}

/* One call of the Advanced Power Management BIOS, with device "all" if it takes one. */
static bool apm(uint16_t function, uint16_t device, uint16_t argument)
{
    struct bios_regs regs = {.eax = function, .ebx = device, .ecx = argument};
    bios_call(0x15, &regs);
    return !bios_failed(&regs);
}

static void apm_power_off(void)
{
    enum {
        INSTALLED = 0x5300,
        CONNECT_REAL_MODE = 0x5301,
        SET_STATE = 0x5307,
        ENABLE = 0x5308,
        DRIVER_VERSION = 0x530E,
        BIOS_DEVICE = 0,
        ALL_DEVICES = 1,
        VERSION_1_2 = 0x0102,
        ON = 1,
        OFF = 3,
    };

    if (!apm(INSTALLED, BIOS_DEVICE, 0)) {
        return;
    }
    apm(CONNECT_REAL_MODE, BIOS_DEVICE, 0); /* fails if already connected */
    apm(DRIVER_VERSION, BIOS_DEVICE, VERSION_1_2);
    apm(ENABLE, ALL_DEVICES, ON);
    apm(SET_STATE, ALL_DEVICES, OFF);
}

void power_off(void)
{
    apm_power_off();
    acpi_power_off();
}
