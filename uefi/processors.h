/*
 * The other processors, by EFI_MP_SERVICES_PROTOCOL (UEFI Platform Initialization Specification vol. 2 ch. 13.4).
 * There are none if the firmware lacks the protocol, or if, as that specification allows, it stops starting processors
 * once a boot option has been chosen. The local APIC resets one that hangs, which the protocol cannot.
 */
#ifndef BOOTLLAMA_UEFI_PROCESSORS_H
#define BOOTLLAMA_UEFI_PROCESSORS_H

#include "efi_headers.h"
#include "kernel/cpu.h"
#include "pc/apic.h"
#include "platform.h"
#include <stdbool.h>
#include <stddef.h>

struct mp_services;

struct processors {
    EFI_BOOT_SERVICES *boot;
    struct mp_services *services; /* NULL: there are no others, or no longer any */
    EFI_EVENT finished;           /* signalled by the firmware, which polls ten times a second; NULL: never started */
    uint32_t running;             /* from the firmware's view, until processors_stop */
    uint32_t silent;              /* number that did not return */
    uint32_t refused;             /* number that the firmware did not start */
    struct cpu_features needed;   /* what the first one has */
    struct apic apic;             /* of the first one */
    /* shared by all processors */
    void (*work)(void *context, uint32_t index);
    void *context;
    uint32_t fit, lacking, returned;       /* counted by themselves */
    uint32_t ids[PLATFORM_PROCESSORS_MAX]; /* of the APIC of each that is fit */
};

/* Looks for the protocol. From then on *processors must not move. */
void processors_open(struct processors *processors, EFI_BOOT_SERVICES *boot);

/* As in struct platform; counts all that the firmware marks as usable. */
uint32_t processors_count(const struct processors *processors);

/* As in struct platform. A processor that does not start within a tenth of a second may join later. */
uint32_t processors_start(struct processors *processors, void (*work)(void *context, uint32_t index), void *context);

/* As in struct platform. The firmware takes a processor that has been reset for busy, so it starts none again. */
bool processors_reset(struct processors *processors, uint32_t index);

/* As in struct platform. If one does not return within a second, none is ever started again. */
void processors_stop(struct processors *processors);

/* Writes platform.processors_note into out [size]. */
void processors_tell(const struct processors *processors, char *out, size_t size);

/* Waits until the firmware has noticed that all have returned. */
void processors_close(struct processors *processors);

#endif
