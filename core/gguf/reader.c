/* Buffered reading through a window (reader.h): every byte of the file passes through it once when read in order. */
#include "gguf/reader.h"

#include "base/memory.h"

enum { SECTOR = 512 }; /* the window begins on a sector, so that none is read twice in a row */

int reader_open(struct reader *reader, struct platform *platform, const char *path, void *window, uint32_t window_size,
                struct error *error)
{
    *reader = (struct reader){
        .platform = platform,
        .path = path,
        .window = window,
        .window_size = window_size,
    };
    int status = platform->open(platform, path, &reader->file);
    if (status == PLATFORM_NOT_FOUND) {
        return error_set(error, "%s: not found", path);
    }
    if (status != PLATFORM_OK) {
        return error_set(error, "%s: cannot be opened: %s", path, platform->error);
    }
    reader->limit = reader->file.size;
    return 0;
}

void reader_close(struct reader *reader)
{
    reader->platform->close(reader->platform, &reader->file);
}

uint64_t reader_left(const struct reader *reader)
{
    return reader->limit - reader->position;
}

static int ends_early(const struct reader *reader, struct error *error)
{
    return error_set(error, "%s: the file ends too early, at byte %llu; copy it again", reader->path,
                     (unsigned long long)reader->limit);
}

/* Reading a long file must stay interruptible even if little is done with its bytes. */
static bool is_stopped(const struct reader *reader)
{
    const struct platform *platform = reader->platform;
    return platform->stop_asked != NULL && platform->stop_asked(platform->stop_context);
}

/* Fills the window from the sector of the current position on. */
static int fill_window(struct reader *reader, struct error *error)
{
    uint64_t start = reader->position;
    if (reader->window_size >= 2 * SECTOR) {
        start -= start % SECTOR;
    }
    uint64_t left = reader->limit - start;
    uint32_t bytes = left < reader->window_size ? (uint32_t)left : reader->window_size;

    reader->window_used = 0; /* a failed read leaves undefined bytes */
    int status = PLATFORM_STOPPED;
    if (!is_stopped(reader)) {
        status = reader->platform->read(reader->platform, &reader->file, start, reader->window, bytes);
    }
    if (status == PLATFORM_STOPPED) {
        return error_set(error, "%s: loading was stopped", reader->path);
    }
    if (status != PLATFORM_OK) {
        return error_set(error, "%s: cannot be read at byte %llu: %s", reader->path, (unsigned long long)start,
                         reader->platform->error);
    }
    reader->window_start = start;
    reader->window_used = bytes;
    return 0;
}

int reader_get(struct reader *reader, void *out, size_t n, struct error *error)
{
    uint8_t *target = out;
    if (n > reader_left(reader)) {
        return ends_early(reader, error);
    }
    while (n > 0) {
        uint64_t inside = reader->position - reader->window_start; /* wraps if the position is before the window */
        if (inside >= reader->window_used) {
            if (fill_window(reader, error) != 0) {
                return -1;
            }
            continue;
        }
        uint32_t ready = reader->window_used - (uint32_t)inside;
        uint32_t piece = n < ready ? (uint32_t)n : ready;
        memcpy(target, reader->window + inside, piece);
        target += piece;
        reader->position += piece;
        n -= piece;
    }
    return 0;
}

const void *reader_view(struct reader *reader, void *room, size_t n, struct error *error)
{
    uint64_t inside = reader->position - reader->window_start;
    if (n <= reader_left(reader) && inside >= reader->window_used) {
        if (fill_window(reader, error) != 0) {
            return NULL;
        }
        inside = reader->position - reader->window_start;
    }
    if (inside < reader->window_used && n <= reader->window_used - inside) {
        reader->position += n;
        return reader->window + inside;
    }
    return reader_get(reader, room, n, error) == 0 ? room : NULL;
}

int reader_skip(struct reader *reader, uint64_t n, struct error *error)
{
    if (n > reader_left(reader)) {
        return ends_early(reader, error);
    }
    reader->position += n;
    return 0;
}

int reader_seek(struct reader *reader, uint64_t position, struct error *error)
{
    if (position > reader->limit) {
        return ends_early(reader, error);
    }
    reader->position = position;
    return 0;
}
