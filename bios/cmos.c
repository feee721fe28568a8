#include "cmos.h"

#include <stdbool.h>

#include "pc/ports.h"

enum {
    INDEX = 0x70, /* bit 7 clear: NMI stays on */
    DATA = 0x71,

    SECONDS = 0x00, /* registers */
    MINUTES = 0x02,
    HOURS = 0x04,
    STATUS_A = 0x0A,
    STATUS_B = 0x0B,

    UPDATE_IN_PROGRESS = 0x80, /* of status A */
    BINARY = 0x04,             /* of status B; else BCD */
    HOURS_24 = 0x02,
    AFTERNOON = 0x80, /* of the hours, in 12-hour mode */

    UPDATE_US = 3000, /* an update takes 2 ms */
    TRIES = 8,
};

static uint8_t read_register(uint8_t number)
{
    port_write(INDEX, number);
    return port_read(DATA);
}

/* The registers change together, right after the bit goes from 1 to 0. */
static bool wait_for_update(void)
{
    for (uint32_t i = 0; i < UPDATE_US; i++) {
        if ((read_register(STATUS_A) & UPDATE_IN_PROGRESS) == 0) {
            return true;
        }
        port_delay(1);
    }
    return false;
}

static uint32_t number(uint8_t value, uint8_t status)
{
    return (status & BINARY) != 0 ? value : (value >> 4) * 10u + (value & 15);
}

static uint32_t read_once(void)
{
    const uint8_t status = read_register(STATUS_B), hours = read_register(HOURS);
    uint32_t hour = number((status & HOURS_24) != 0 ? hours : hours & ~AFTERNOON, status);

    if ((status & HOURS_24) == 0) {
        hour = hour % 12 + ((hours & AFTERNOON) != 0 ? 12 : 0);
    }
    const uint32_t minute = number(read_register(MINUTES), status), second = number(read_register(SECONDS), status);
    return hour < 24 && minute < 60 && second < 60 ? (hour * 60 + minute) * 60 + second : UINT32_MAX;
}

uint32_t cmos_seconds(void)
{
    uint32_t last = UINT32_MAX;

    for (uint32_t i = 0; i < TRIES && wait_for_update(); i++) {
        const uint32_t now = read_once();
        if (now == UINT32_MAX || now == last) {
            return now;
        }
        last = now;
    }
    return UINT32_MAX;
}
