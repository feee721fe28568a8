/* The arena: a pointer that only moves forward. */
#include "base/arena.h"

void *arena_take(struct arena *arena, uint64_t bytes, size_t alignment)
{
    uint64_t next = (uintptr_t)arena->base + arena->used;
    uint64_t padding = -next & (alignment - 1);
    bool counts_only = arena->base == NULL;
    uint64_t limit = counts_only ? UINT64_MAX : arena->size;
    if (padding > limit - arena->used || bytes > limit - arena->used - padding) {
        arena->used = limit; /* does not fit: full from now on */
        return NULL;
    }
    arena->used += padding + bytes;
    return counts_only ? NULL : (void *)(uintptr_t)(next + padding);
}

void *arena_take_array(struct arena *arena, uint64_t count, size_t size, size_t alignment)
{
    return arena_take(arena, count > UINT64_MAX / size ? UINT64_MAX : count * size, alignment);
}
