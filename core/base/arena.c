/* The arena: a pointer that only moves forward. */
#include "base/arena.h"

void *arena_take(struct arena *arena, size_t bytes, size_t alignment)
{
    uintptr_t next = (uintptr_t)arena->base + arena->used;
    size_t padding = (size_t)-next & (alignment - 1);
    bool counts_only = arena->base == NULL;
    size_t limit = counts_only ? SIZE_MAX : arena->size;
    if (padding > limit - arena->used || bytes > limit - arena->used - padding) {
        arena->used = limit; /* does not fit: full from now on */
        return NULL;
    }
    arena->used += padding + bytes;
    return counts_only ? NULL : (void *)(next + padding);
}

void *arena_take_array(struct arena *arena, uint64_t count, size_t size, size_t alignment)
{
    return arena_take(arena, count > SIZE_MAX / size ? SIZE_MAX : (size_t)count * size, alignment);
}
