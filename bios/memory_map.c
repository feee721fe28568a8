#include "memory_map.h"

enum { PAGE = 4096 };

void memory_map_add(struct memory_map *map, uint64_t base, uint64_t size, bool usable)
{
    if (size > UINT64_MAX - base) {
        size = UINT64_MAX - base;
    }
    if (size > 0 && map->count < MEMORY_MAP_MAX) {
        map->entry[map->count++] = (struct memory_entry){base, size, usable};
    }
}

/* Whether the byte at `address` is usable and not reserved. */
static bool is_free(const struct memory_map *map, uint64_t address)
{
    bool given = false;

    for (uint32_t i = 0; i < map->count; i++) {
        const struct memory_entry *entry = &map->entry[i];
        if (address >= entry->base && address - entry->base < entry->size) {
            if (!entry->usable) {
                return false;
            }
            given = true;
        }
    }
    return given;
}

/* The lowest address above `address` where an entry begins or ends, at most `high`. */
static uint64_t next_border(const struct memory_map *map, uint64_t address, uint64_t high)
{
    uint64_t border = high;

    for (uint32_t i = 0; i < map->count; i++) {
        uint64_t base = map->entry[i].base, end = base + map->entry[i].size;
        if (base > address && base < border) {
            border = base;
        }
        if (end > address && end < border) {
            border = end;
        }
    }
    return border;
}

/* [start, end) in whole pages. */
static struct memory_range whole_pages(uint64_t start, uint64_t end)
{
    start = (start + PAGE - 1) & ~(uint64_t)(PAGE - 1);
    end &= ~(uint64_t)(PAGE - 1);
    return end > start ? (struct memory_range){start, end - start} : (struct memory_range){0, 0};
}

struct memory_range memory_map_largest(const struct memory_map *map, uint64_t low, uint64_t high)
{
    struct memory_range largest = {0, 0};
    uint64_t start = low; /* of the current free range */

    for (uint64_t address = low; address < high;) {
        bool is_part = is_free(map, address); /* and everything up to the next border */
        address = next_border(map, address, high);
        if (!is_part) {
            start = address;
            continue;
        }
        struct memory_range range = whole_pages(start, address);
        if (range.size > largest.size) {
            largest = range;
        }
    }
    return largest;
}
