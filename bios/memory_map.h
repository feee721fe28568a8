/* The firmware's memory map, however bad, and the memory in it that is safe to use. No BIOS call in here. */
#ifndef BOOTLLAMA_MEMORY_MAP_H
#define BOOTLLAMA_MEMORY_MAP_H

#include <stdbool.h>
#include <stdint.h>

enum { MEMORY_MAP_MAX = 128 }; /* entries; what a firmware lists beyond them is not used */

struct memory_entry {
    uint64_t base, size; /* bytes */
    bool usable;
};

struct memory_map {
    uint32_t count;
    struct memory_entry entry[MEMORY_MAP_MAX];
};

struct memory_range {
    uint64_t base, size; /* bytes; size 0 = nothing */
};

/* Adds an entry; drops it if it is empty or the map is full, cuts it if it passes the end of the address space. */
void memory_map_add(struct memory_map *map, uint64_t base, uint64_t size, bool usable);

/*
 * The largest stretch in [low, high) that some entry gives and no entry reserves, in whole 4 KiB pages. Entries may
 * come in any order, touch and overlap.
 */
struct memory_range memory_map_largest(const struct memory_map *map, uint64_t low, uint64_t high);

#endif
