/* Stretches of computing by the first processor, in which nothing else touches its vector registers. */
#ifndef BOOTLLAMA_COMPUTE_H
#define BOOTLLAMA_COMPUTE_H

#include "kernel/kernel.h"
#include "platform.h"

/* Around every call of a kernel's functions by the first processor. In between nothing of the platform is called. The
   other processors of a team have stretches of their own: team_begin. */
void compute_begin(struct platform *platform, const struct kernel *kernel);
void compute_end(struct platform *platform, const struct kernel *kernel);

#endif
