/* A block of memory handed out from front to back. Nothing is freed singly; rewinding to a mark frees all after it. */
#ifndef BOOTLLAMA_ARENA_H
#define BOOTLLAMA_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *base; /* not owned */
    size_t size;   /* bytes at base */
    uint64_t used; /* bytes handed out, including alignment; where it only counts, perhaps more than can be addressed */
};

/* Returns `bytes` of memory aligned to `alignment` (a power of two), contents undefined, or NULL if it does not fit. A
   failure fills the arena, so the last of several takes tells whether all of them succeeded. An arena with base NULL
   only counts, to size a plan: it returns NULL and adds to `used`, which saturates at UINT64_MAX. */
void *arena_take(struct arena *arena, uint64_t bytes, size_t alignment);

/* The same for `count` elements of `size` bytes; a product that overflows does not fit. */
void *arena_take_array(struct arena *arena, uint64_t count, size_t size, size_t alignment);

#endif
