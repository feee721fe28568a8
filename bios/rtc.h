/* The battery-backed clock. */
#ifndef BOOTLLAMA_RTC_H
#define BOOTLLAMA_RTC_H

#include <stdint.h>

/* A number that differs from one power-on to the next: date and time, mixed with all finer clocks of the machine. */
uint64_t rtc_seed(void);

#endif
