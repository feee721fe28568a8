#include "fat_cache.h"

#include <stddef.h>

void fat_cache_init(struct fat_cache *cache, fat_read_sectors *read, void *context)
{
    *cache = (struct fat_cache){.read = read, .context = context};
}

/* The line used longest ago gives way; the difference is right when the count of lookups wraps. */
static struct fat_cache_line *oldest_line(struct fat_cache *cache)
{
    struct fat_cache_line *oldest = &cache->line[0];

    for (int i = 1; i < FAT_CACHE_LINES; i++) {
        if (cache->lookups - cache->line[i].used > cache->lookups - oldest->used) {
            oldest = &cache->line[i];
        }
    }
    return oldest;
}

/* A line of neighbours is read with the sector, unless one of them is unreadable. */
const uint8_t *fat_cache_sector(struct fat_cache *cache, uint32_t lba, uint32_t end)
{
    cache->lookups++;
    for (int i = 0; i < FAT_CACHE_LINES; i++) {
        struct fat_cache_line *line = &cache->line[i];
        if (lba - line->lba < line->count) {
            line->used = cache->lookups;
            return line->data + (lba - line->lba) * FAT_SECTOR;
        }
    }
    struct fat_cache_line *line = oldest_line(cache);
    uint32_t ahead = lba % FAT_CACHE_LINE_SECTORS, left = end - (lba - ahead);
    line->used = cache->lookups;
    line->lba = lba - ahead;
    line->count = left < FAT_CACHE_LINE_SECTORS ? left : FAT_CACHE_LINE_SECTORS;
    if (cache->read(cache->context, line->lba, line->count, line->data) != 0) {
        line->lba = lba;
        line->count = cache->read(cache->context, lba, 1, line->data) == 0 ? 1 : 0;
    }
    return line->count > 0 ? line->data + (lba - line->lba) * FAT_SECTOR : NULL;
}
