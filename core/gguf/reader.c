/* Buffered reading through a window (reader.h): every byte of the file passes through it once when read in order. */
#include "gguf/reader.h"

#include "base/format.h"
#include "base/memory.h"

enum { SECTOR = 512 }; /* the window begins on a sector, so that none is read twice in a row */

enum { NONE = -1 }; /* in place of a part */

#define READER_BYTES_MAX (1ull << 58) /* of all parts: products of sizes below it stay in 64 bits */

/* ---- Parts ---- */

static uint64_t start_of(const struct reader *reader, uint32_t part)
{
    const uint64_t mask = READER_PART_ALIGNMENT - 1;
    return part == 0 ? 0 : (reader->end[part - 1] + mask) & ~mask;
}

uint64_t reader_part_start(const struct reader *reader)
{
    return start_of(reader, reader->part);
}

uint64_t reader_total(const struct reader *reader)
{
    uint64_t total = 0;
    for (uint32_t part = 0; part < reader->parts; part++) {
        total += reader->end[part] - start_of(reader, part);
    }
    return total;
}

/* Takes part `part` for the one at the position. */
static void enter_part(struct reader *reader, uint32_t part)
{
    reader->part = part;
    reader->limit = reader->end[part];
    if (reader->path == reader->part_path) {
        model_part_set(reader->part_path, part + 1);
    }
}

static void close_part(struct reader *reader)
{
    if (reader->opened != NONE) {
        reader->platform->close(reader->platform, &reader->file);
        reader->opened = NONE;
    }
}

/* Opens the file at reader->path as part `part`. */
static int open_part(struct reader *reader, uint32_t part, struct error *error)
{
    close_part(reader);
    const int status = reader->platform->open(reader->platform, reader->path, &reader->file);
    if (status == PLATFORM_OK) {
        reader->opened = (int32_t)part;
        return 0;
    }
    if (status != PLATFORM_NOT_FOUND) {
        return error_set(error, "%s: cannot be opened: %s", reader->path, reader->platform->error);
    }
    struct model_part name;
    if (part == 0 || !model_part_of(reader->path, &name)) {
        return error_set(error, "%s: not found", reader->path);
    }
    return error_set(error, "%s: part %u of %u is missing; copy it there as well", reader->path, name.number,
                     name.count);
}

int reader_open(struct reader *reader, struct platform *platform, const char *path, void *window, uint32_t window_size,
                struct error *error)
{
    *reader = (struct reader){
        .platform = platform,
        .path = path,
        .window = window,
        .window_size = window_size,
        .opened = NONE,
    };
    if (open_part(reader, 0, error) != 0) {
        return -1;
    }
    reader->parts = 1;
    reader->end[0] = reader->limit = reader->file.size;
    return 0;
}

int reader_add_part(struct reader *reader, struct error *error)
{
    const uint32_t part = reader->parts;
    if (part == 1) {
        format(reader->part_path, sizeof reader->part_path, "%s", reader->path);
        reader->path = reader->part_path;
    }
    model_part_set(reader->part_path, part + 1);
    if (open_part(reader, part, error) != 0) {
        return -1;
    }
    reader->parts++;
    const uint64_t start = start_of(reader, part);
    if (reader->file.size > READER_BYTES_MAX - start) {
        return error_set(error, "%s: a size of %llu bytes is impossible", reader->path,
                         (unsigned long long)reader->file.size);
    }
    reader->end[part] = start + reader->file.size;
    enter_part(reader, part);
    reader->position = start;
    return 0;
}

void reader_close(struct reader *reader)
{
    close_part(reader);
}

void reader_use(struct reader *reader, uint8_t *window, uint32_t window_size, uint32_t room)
{
    reader->window = window;
    reader->window_size = window_size;
    reader->window_room = room;
    reader->window_used = 0;
}

/* ---- Reading ---- */

uint64_t reader_left(const struct reader *reader)
{
    return reader->limit - reader->position;
}

static int ends_early(const struct reader *reader, struct error *error)
{
    return error_set(error, "%s: the file ends too early, at byte %llu; copy it again", reader->path,
                     (unsigned long long)(reader->limit - reader_part_start(reader)));
}

/* Reading a long file must stay interruptible even if little is done with its bytes. */
static bool is_stopped(const struct reader *reader)
{
    const struct platform *platform = reader->platform;
    return platform->stop_asked != NULL && platform->stop_asked(platform->stop_context);
}

/* Makes the part at the position the open one. It must be as long as it was. */
static int reopen_part(struct reader *reader, struct error *error)
{
    if (reader->opened == (int32_t)reader->part) {
        return 0;
    }
    if (open_part(reader, reader->part, error) != 0) {
        return -1;
    }
    if (reader->file.size != reader->limit - reader_part_start(reader)) {
        return error_set(error, "%s: it has another size than before; try again", reader->path);
    }
    return 0;
}

/* How many bytes from the position on are in memory. */
static uint32_t ready(const struct reader *reader)
{
    uint64_t inside = reader->position - reader->window_start; /* wraps if the position is before the window */
    return inside < reader->window_used ? reader->window_used - (uint32_t)inside : 0;
}

/* Where the byte at the position is, if any is ready. */
static uint8_t *current(const struct reader *reader)
{
    return reader->window - reader->window_kept + (uint32_t)(reader->position - reader->window_start);
}

/* Fills the window with the bytes that follow those that are ready, which move in front of it: there is room for them.
   If none is, begins with the sector of the position. */
static int fill_window(struct reader *reader, struct error *error)
{
    uint32_t kept = ready(reader);
    uint64_t start = reader->position + kept;
    if (kept == 0 && reader->window_size >= 2 * SECTOR) {
        start -= start % SECTOR;
    }
    uint64_t left = reader->limit - start, in_part = start - reader_part_start(reader);
    uint32_t bytes = left < reader->window_size ? (uint32_t)left : reader->window_size;

    if (kept > 0) {
        memmove(reader->window - kept, current(reader), kept);
    }
    reader->window_used = 0; /* a failed read leaves undefined bytes */
    if (reopen_part(reader, error) != 0) {
        return -1;
    }
    int status = PLATFORM_STOPPED;
    if (!is_stopped(reader)) {
        status = reader->platform->read(reader->platform, &reader->file, in_part, reader->window, bytes);
    }
    if (status == PLATFORM_STOPPED) {
        return error_set(error, "%s: loading was stopped", reader->path);
    }
    if (status != PLATFORM_OK) {
        return error_set(error, "%s: cannot be read at byte %llu: %s", reader->path, (unsigned long long)in_part,
                         reader->platform->error);
    }
    reader->window_start = start - kept;
    reader->window_used = kept + bytes;
    reader->window_kept = kept;
    return 0;
}

int reader_get(struct reader *reader, void *out, size_t n, struct error *error)
{
    uint8_t *target = out;
    if (n > reader_left(reader)) {
        return ends_early(reader, error);
    }
    while (n > 0) {
        if (ready(reader) == 0 && fill_window(reader, error) != 0) {
            return -1;
        }
        uint32_t piece = n < ready(reader) ? (uint32_t)n : ready(reader);
        memcpy(target, current(reader), piece);
        target += piece;
        reader->position += piece;
        n -= piece;
    }
    return 0;
}

const void *reader_view(struct reader *reader, void *room, size_t n, struct error *error)
{
    bool is_room = ready(reader) <= reader->window_room;
    if (n > ready(reader) && is_room && n <= reader_left(reader) && fill_window(reader, error) != 0) {
        return NULL;
    }
    if (ready(reader) == 0 || n > ready(reader)) {
        return reader_get(reader, room, n, error) == 0 ? room : NULL;
    }
    const uint8_t *view = current(reader);
    reader->position += n;
    return view;
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
    uint32_t part = 0;
    while (part + 1 < reader->parts && position >= start_of(reader, part + 1)) {
        part++;
    }
    if (part != reader->part) {
        enter_part(reader, part);
    }
    if (position > reader->limit) {
        return ends_early(reader, error);
    }
    reader->position = position;
    return 0;
}
