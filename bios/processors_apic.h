/* The local APIC of the first processor, as far as starting others needs it (Intel SDM vol. 3 ch. 11). */
#ifndef BOOTLLAMA_BIOS_PROCESSORS_APIC_H
#define BOOTLLAMA_BIOS_PROCESSORS_APIC_H

#include <stdbool.h>
#include <stdint.h>

struct apic {
    uint32_t id;     /* of this processor */
    uint32_t id_max; /* the highest that messages can be sent to */
    uint32_t base;   /* of its registers in memory, 0 where they are model-specific registers (x2APIC mode) */
};

/* Returns whether there is one, in use and within reach. Changes nothing, touches nothing that CPUID does not show. */
bool apic_find(struct apic *apic);

/* The id of the processor that asks, as MADT and messages name it. Needs no APIC. */
uint32_t apic_current_id(void);

/* Resets a processor: it then waits for a start-up message and does nothing else. */
void apic_send_init(const struct apic *apic, uint32_t id);

/* Starts a processor that waits for it, in real mode at `address`: the beginning of a page below 1 MiB. */
void apic_send_startup(const struct apic *apic, uint32_t id, uint32_t address);

#endif
