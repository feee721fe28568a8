/* The other processors of the host: a thread for each. */
#ifndef BOOTLLAMA_HOST_PROCESSORS_H
#define BOOTLLAMA_HOST_PROCESSORS_H

#include "platform.h"

/* How many processors the machine shall have from now on, the first included, whatever the system really has;
   0 (at first) = as many as the system has. More than PLATFORM_PROCESSORS_MAX are that many. */
void processors_set(uint32_t processors);

/* As in struct platform. */
uint32_t processors_other(struct platform *platform);
uint32_t processors_start(struct platform *platform, void (*work)(void *context, uint32_t index), void *context);
void processors_stop(struct platform *platform);

#endif
