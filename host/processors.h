/* The other processors of the host: a thread for each. */
#ifndef BOOTLLAMA_HOST_PROCESSORS_H
#define BOOTLLAMA_HOST_PROCESSORS_H

#include "platform.h"

/* How many processors the machine shall have from now on, the first included, whatever the system really has;
   0 (at first) = as many as the system has. More than PLATFORM_PROCESSORS_MAX are that many. */
void host_set_processors(uint32_t processors);

/* As in struct platform. */
uint32_t host_other_processors(struct platform *platform);
uint32_t host_start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context);
void host_stop_processors(struct platform *platform);

#endif
