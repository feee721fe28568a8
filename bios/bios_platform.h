/* The BIOS machine as core/ sees it. */
#ifndef BOOTLLAMA_BIOS_PLATFORM_H
#define BOOTLLAMA_BIOS_PLATFORM_H

#include "platform.h"

/* The platform of this machine, all its parts started before. It lives as long as the program. */
struct platform *bios_platform(void);

#endif
