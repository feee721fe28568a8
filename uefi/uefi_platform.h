/* The machine that core/ runs on, made of firmware services. */
#ifndef BOOTLLAMA_UEFI_PLATFORM_H
#define BOOTLLAMA_UEFI_PLATFORM_H

#include "clock.h"
#include "colours.h"
#include "files.h"
#include "keyboard.h"
#include "pc/terminal_keys.h"
#include "pc/uart.h"
#include "platform.h"
#include "processors.h"
#include "screen.h"

struct uefi {
    EFI_SYSTEM_TABLE *table;
    EFI_BOOT_SERVICES *boot;
    struct screen screen;
    struct keyboard keyboard;
    struct colours colours;
    struct uart uart;           /* a serial port that the firmware's console leaves to us, at least in one direction */
    bool serial_out, serial_in; /* which directions are ours: text never goes or comes twice */
    struct terminal_keys terminal;
    struct clock clock;
    struct files files;
    struct processors processors;
    EFI_TPL outer_level; /* task priority outside of an exclusive stretch */
    bool is_exclusive;
    uint64_t watchdog_off; /* microseconds when it was switched off last */
    uint64_t shown;        /* and when the screen was given all that was gathered for it */
    char vendor[64];
};

/* The first call: stops the watchdog and begins the program's first line on a cleared screen. Needs no vector
   registers. */
void uefi_greet(EFI_SYSTEM_TABLE *table);

/* Takes over console and serial port, ends the first line, measures the clock and finds the volumes for `image`, which
   is loaded at image_base. Fills *platform, whose calls then work on *uefi; the caller owns both. uefi_platform_end
   gives everything back to the firmware. */
void uefi_platform_begin(struct platform *platform, struct uefi *uefi, EFI_HANDLE image, EFI_SYSTEM_TABLE *table,
                         const void *image_base);
void uefi_platform_end(struct uefi *uefi);

#endif
