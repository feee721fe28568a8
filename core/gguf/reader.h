/*
 * Buffered sequential reading of one of the platform's files, or of the parts of a split model as one: part k begins at
 * the next multiple of READER_PART_ALIGNMENT after the end of the one before it. Only one part is open at a time.
 */
#ifndef BOOTLLAMA_READER_H
#define BOOTLLAMA_READER_H

#include "base/error.h"
#include "base/model_file.h"
#include "base/model_part.h"
#include "platform.h"

enum { READER_PART_ALIGNMENT = 1 << 20 }; /* the largest alignment of tensors: offsets in a part keep theirs */

struct reader {
    struct platform *platform; /* not owned */
    struct platform_file file; /* part `opened` */
    const char *path;          /* names the part at `position` in errors; not owned if there is only one */
    uint64_t position;         /* of the next byte that reader_get returns */
    uint64_t limit;            /* the end of the part at `position`; of a single file its size */
    uint8_t *window;           /* window_size bytes, with window_room in front of them; not owned */
    uint32_t window_size, window_room;
    uint64_t window_start;             /* bytes [window_start, window_start + window_used) are in memory */
    uint32_t window_used, window_kept; /* the first window_kept of them in front of the window */
    uint32_t part, parts;              /* the one at `position`, from 0, and how many there are so far */
    int32_t opened;                    /* the part that is open; -1: none */
    uint64_t end[MODEL_PARTS_MAX];     /* of each part */
    char part_path[MODEL_PATH_MAX];    /* `path` where there are several */
};

/* Opens `path` with a window of window_size bytes, which the caller owns and keeps until reader_close.
   Returns 0, or -1 with *error filled. */
int reader_open(struct reader *reader, struct platform *platform, const char *path, void *window, uint32_t window_size,
                struct error *error);
void reader_close(struct reader *reader);

/* Reads through another window from now on, with `room` bytes in front of it for the beginning of a view whose rest
   is still to be read. */
void reader_use(struct reader *reader, uint8_t *window, uint32_t window_size, uint32_t room);

/* Adds the next part, whose name follows from that of the first, and moves to its start. Needs a path that
   model_part_of knows, and reader->parts < MODEL_PARTS_MAX. Returns 0, or -1 with *error filled. */
int reader_add_part(struct reader *reader, struct error *error);

/* Where the part at the position begins; 0 for a single file. */
uint64_t reader_part_start(const struct reader *reader);

/* Copies the next n bytes to out and advances; returns -1 with *error filled if the part ends too early or cannot be
   read. reader_skip only advances, within the part; reader_seek sets the position (anywhere up to the end). */
int reader_get(struct reader *reader, void *out, size_t n, struct error *error);
int reader_skip(struct reader *reader, uint64_t n, struct error *error);
int reader_seek(struct reader *reader, uint64_t position, struct error *error);

/* The same without a copy if possible: returns the next n bytes in the window, or else copied to room [n], valid until
   the next call; NULL if reader_get fails. With a window of 1024 bytes or more, file offsets that are multiples of four
   are aligned to four in memory, if the window and room are. */
const void *reader_view(struct reader *reader, void *room, size_t n, struct error *error);

/* Bytes from the position to the end of the part. */
uint64_t reader_left(const struct reader *reader);

/* Bytes of all parts together. */
uint64_t reader_total(const struct reader *reader);

#endif
