/* The other processors of the host: a thread for each. */
#ifndef BOOTLLAMA_HOST_PROCESSORS_H
#define BOOTLLAMA_HOST_PROCESSORS_H

#include "platform.h"

/* Sets how many processors the machine has from now on, including the first, regardless of the system; 0 (the default)
   = as many as the system has. Capped at PLATFORM_PROCESSORS_MAX. */
void processors_set(uint32_t processors);

/* As in struct platform. */
uint32_t processors_other(struct platform *platform);
uint32_t processors_start(struct platform *platform, void (*work)(void *context, uint32_t index), void *context);
void processors_stop(struct platform *platform);
bool processors_reset(struct platform *platform, uint32_t index);

#endif
