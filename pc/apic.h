/* The local APIC of the first processor, for starting and resetting others (Intel SDM vol. 3 ch. 11). */
#ifndef BOOTLLAMA_PC_APIC_H
#define BOOTLLAMA_PC_APIC_H

#include <stdbool.h>
#include <stdint.h>

struct apic {
    uint32_t id;     /* of this processor */
    uint32_t id_max; /* the highest that can receive messages */
    uint32_t base;   /* of its memory-mapped registers, 0 if they are model-specific registers (x2APIC mode) */
};

/* Returns whether there is one that is enabled and reachable. Changes nothing, and touches nothing that CPUID does not
   show. */
bool apic_find(struct apic *apic);

/* The calling processor's id, as in the MADT and in messages. Needs no APIC. */
uint32_t apic_current_id(void);

/* Resets a processor: it then waits for a start-up message. */
void apic_send_init(const struct apic *apic, uint32_t id);

/* Starts a waiting processor in real mode at `address`, the beginning of a page below 1 MiB. */
void apic_send_startup(const struct apic *apic, uint32_t id, uint32_t address);

#endif
