/* The BIOS machine as core/ sees it. */
#ifndef BOOTLLAMA_BIOS_PLATFORM_H
#define BOOTLLAMA_BIOS_PLATFORM_H

#include "disk.h"
#include "extended_memory.h"
#include "fat_boot.h"
#include "linux_boot.h"
#include "platform.h"
#include "terminal.h"

enum { BIOS_FILES = 2, BIOS_VENDOR_MAX = 80 };

struct bios_machine {
    struct terminal terminal;
    struct extended_memory memory;
    struct disk disk;
    struct fat_cache cache;
    struct fat_boot boot;
    struct fat_file file[BIOS_FILES];
    bool in_use[BIOS_FILES];
    struct fat_entry entry;         /* the last one found */
    const struct linux_boot *given; /* by a loader of Linux kernels; NULL from the boot sector */
    char vendor[BIOS_VENDOR_MAX];
};

/* Makes *platform the platform of *machine, with terminal, memory and disk started. Both live as long as the program.
   origin: LBA of the boot sector that the program was started from. With an initrd, files come from there, and the disk
   need not have been started. */
void bios_platform_init(struct platform *platform, struct bios_machine *machine, uint32_t origin);

#endif
