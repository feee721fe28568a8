/*
 * The other processors, by EFI_MP_SERVICES_PROTOCOL (UEFI Platform Initialization Specification vol. 2 ch. 13.4).
 * Firmware without the protocol gives none. Nor does firmware that no longer lets processors run beside the first one
 * once a boot option has been chosen, as that specification allows.
 */
#ifndef BOOTLLAMA_UEFI_PROCESSORS_H
#define BOOTLLAMA_UEFI_PROCESSORS_H

#include "efi_headers.h"
#include "kernel/cpu.h"
#include <stddef.h>

struct mp_services;

struct processors {
    EFI_BOOT_SERVICES *boot;
    struct mp_services *services; /* NULL: there are no others, or no more */
    EFI_EVENT finished;           /* signalled by the firmware, which looks ten times a second; NULL: never started */
    uint32_t running;             /* as the firmware sees it, until processors_stop */
    uint32_t silent;              /* so many did not return */
    struct cpu_features needed;   /* what the first one has */
    /* what they share */
    void (*work)(void *context, uint32_t index);
    void *context;
    uint32_t fit, lacking, returned; /* counted by themselves */
};

/* Looks for the protocol. From then on *processors must stay where it is. */
void processors_open(struct processors *processors, EFI_BOOT_SERVICES *boot);

/* As in struct platform: all that the firmware says can be used. */
uint32_t processors_count(const struct processors *processors);

/* As in struct platform. One that is not there within a tenth of a second may come later. */
uint32_t processors_start(struct processors *processors, void (*work)(void *context, uint32_t index), void *context);

/* As in struct platform. Should one not return within a second, none is started ever again. */
void processors_stop(struct processors *processors);

/* Writes platform.processors_note into out [size]. */
void processors_tell(const struct processors *processors, char *out, size_t size);

/* Waits until the firmware knows that it has them back. */
void processors_close(struct processors *processors);

#endif
