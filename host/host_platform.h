/* struct platform over an operating system: files by path, standard output, malloc. */
#ifndef BOOTLLAMA_HOST_PLATFORM_H
#define BOOTLLAMA_HOST_PLATFORM_H

#include "platform.h"

/* Fills *platform. From then on get_key returns a SIGINT as Ctrl-C. Paths are the system's own. */
void host_platform(struct platform *platform);

#endif
