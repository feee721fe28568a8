/* One stretch of memory handed out from front to back. Nothing is given back singly; a mark rewinds. */
#ifndef BOOTLLAMA_ARENA_H
#define BOOTLLAMA_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base; /* not owned */
    size_t size;   /* bytes at base */
    size_t used;   /* bytes handed out, alignment included */
};

/* Returns `bytes` of memory aligned to `alignment` (a power of two), content undefined, or NULL if it does not fit. The
   arena is full from then on, so that the last one of several takes tells whether all of them were served. An arena
   with base NULL only counts, to size a plan: it returns NULL and adds to `used`, which stays at SIZE_MAX once the sum
   exceeds it. */
void *arena_take(struct arena *arena, size_t bytes, size_t alignment);

/* The same for `count` elements of `size` bytes; more than there are addresses do not fit. */
void *arena_take_array(struct arena *arena, uint64_t count, size_t size, size_t alignment);

#endif
