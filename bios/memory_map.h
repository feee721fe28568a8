/* The firmware's memory map, which may be bad, and the memory in it that is safe to use. Makes no BIOS calls. */
#ifndef BOOTLLAMA_MEMORY_MAP_H
#define BOOTLLAMA_MEMORY_MAP_H

#include <stdbool.h>
#include <stdint.h>

enum { MEMORY_MAP_MAX = 128 }; /* entries; any more that the firmware lists are ignored */

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

/* Adds an entry; drops it if it is empty or the map is full, truncates it at the end of the address space. */
void memory_map_add(struct memory_map *map, uint64_t base, uint64_t size, bool usable);

/*
 * The largest range in [low, high) that is usable by some entry and reserved by none, in whole 4 KiB pages. Entries may
 * be in any order, adjacent or overlapping.
 */
struct memory_range memory_map_largest(const struct memory_map *map, uint64_t low, uint64_t high);

#endif
