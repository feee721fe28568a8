/* Memory for models: the largest free range between 1 MiB and 4 GiB, allocated from its start. */
#ifndef BOOTLLAMA_EXTENDED_MEMORY_H
#define BOOTLLAMA_EXTENDED_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "linux_boot.h"

struct extended_memory { /* the allocated part is [base, base + used) */
    uint64_t base, size, used;
};

/* Asks the BIOS (E820, else E801, else 88h) and leaves out the initrd, if there is one: given may be NULL. Needs A20.
   Returns the bytes found, 0 if none. */
uint64_t extended_memory_init(struct extended_memory *memory, const struct linux_boot *given);

/* As in struct platform (core/platform.h). */
uint64_t extended_memory_free(const struct extended_memory *memory);
void *extended_memory_reserve(struct extended_memory *memory, size_t bytes);
void extended_memory_release(struct extended_memory *memory, void *piece);

#endif
