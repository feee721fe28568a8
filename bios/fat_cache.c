#include "fat_cache.h"

void fat_cache_init(struct fat_cache *cache, fat_read_sectors *read, void *context, void *memory, size_t bytes)
{
    size_t pieces = bytes / FAT_CACHE_PIECE_BYTES;

    *cache = (struct fat_cache){
        .read = read,
        .context = context,
        .pieces = pieces < FAT_CACHE_PIECES_MAX ? (uint32_t)pieces : FAT_CACHE_PIECES_MAX,
        .piece_data = memory,
    };
}

void fat_cache_clear(struct fat_cache *cache)
{
    fat_cache_init(cache, cache->read, cache->context, cache->piece_data,
                   (size_t)cache->pieces * FAT_CACHE_PIECE_BYTES);
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Evicts the least recently used line; the difference stays right when the count of lookups wraps. */
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

/* Reads the line around the sector at `lba`, or only that sector if one of its neighbours is unreadable. */
static int read_line(struct fat_cache *cache, struct fat_cache_line *line, uint32_t lba, uint32_t end)
{
    uint32_t first = lba - lba % FAT_CACHE_LINE_SECTORS, count = least(FAT_CACHE_LINE_SECTORS, end - first);

    line->count = 0;
    int status = cache->read(cache->context, first, count, line->data);
    if (status == FAT_READ_FAILED) {
        first = lba;
        count = 1;
        status = cache->read(cache->context, first, count, line->data);
    }
    if (status == FAT_OK) {
        line->lba = first;
        line->count = count;
    }
    return status;
}

int fat_cache_sector(struct fat_cache *cache, uint32_t lba, uint32_t end, const uint8_t **data)
{
    struct fat_cache_line *line = NULL;

    cache->lookups++;
    for (int i = 0; i < FAT_CACHE_LINES && line == NULL; i++) {
        if (lba - cache->line[i].lba < cache->line[i].count) {
            line = &cache->line[i];
        }
    }
    if (line == NULL) {
        line = oldest_line(cache);
        int status = read_line(cache, line, lba, end);
        if (status != FAT_OK) {
            return status;
        }
    }
    line->used = cache->lookups;
    *data = line->data + (lba - line->lba) * FAT_SECTOR;
    return FAT_OK;
}

/* Pieces fill the memory in turn, so a table that fits into it is read once. */
int fat_cache_table_sector(struct fat_cache *cache, uint32_t lba, uint32_t start, uint32_t end, const uint8_t **data)
{
    uint32_t number = (lba - start) / FAT_CACHE_PIECE_SECTORS, first = start + number * FAT_CACHE_PIECE_SECTORS;

    if (cache->pieces == 0) {
        return fat_cache_sector(cache, lba, end, data);
    }
    uint32_t place = number % cache->pieces;
    struct fat_cache_piece *piece = &cache->piece[place];
    uint8_t *bytes = cache->piece_data + (size_t)place * FAT_CACHE_PIECE_BYTES;
    if (piece->lba != first) {
        uint32_t count = least(FAT_CACHE_PIECE_SECTORS, end - first);
        int status = cache->read(cache->context, first, count, bytes);
        if (status == FAT_STOPPED) {
            piece->lba = 0; /* its data is gone; no table begins in sector 0 */
            return status;
        }
        *piece = (struct fat_cache_piece){first, status == FAT_OK ? count : 0};
    }
    if (piece->count == 0) {
        return fat_cache_sector(cache, lba, end, data);
    }
    *data = bytes + (size_t)(lba - first) * FAT_SECTOR;
    return FAT_OK;
}
