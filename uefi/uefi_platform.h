/* The machine for core/, built on firmware services. */
#ifndef BOOTLLAMA_UEFI_PLATFORM_H
#define BOOTLLAMA_UEFI_PLATFORM_H

#include "clock.h"
#include "colours.h"
#include "files.h"
#include "keyboard.h"
#include "load_options.h"
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
    struct uart uart;           /* a serial port that the firmware's console leaves free, at least in one direction */
    bool serial_out, serial_in; /* the directions that are ours: text is never sent or received twice */
    bool dimmed;                /* the text on that port */
    struct terminal_keys terminal;
    struct clock clock;
    struct files files;
    struct processors processors;
    EFI_TPL outer_level; /* task priority level outside an exclusive stretch */
    bool is_exclusive;
    uint64_t watchdog_off; /* time that it was last switched off, microseconds */
    uint64_t shown;        /* time that the screen was last flushed */
    char vendor[64];
    char command_line[LOAD_OPTIONS_MAX];
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
