/* Buffered reading of one file of the platform, front to back, with a running position. */
#ifndef BOOTLLAMA_READER_H
#define BOOTLLAMA_READER_H

#include "base/error.h"
#include "platform.h"

struct reader {
    struct platform *platform; /* not owned */
    struct platform_file file;
    const char *path;  /* not owned; names the file in errors */
    uint64_t position; /* of the next byte that reader_get returns */
    uint64_t limit;    /* bytes counted from the file's start; = file.size */
    uint8_t *window;   /* bytes [window_start, window_start + window_used) of the file; not owned */
    uint64_t window_start;
    uint32_t window_used, window_size; /* bytes */
};

/* Opens `path` with a window of window_size bytes that the caller owns and keeps until reader_close.
   Returns 0, or -1 with *error filled. */
int reader_open(struct reader *reader, struct platform *platform, const char *path, void *window, uint32_t window_size,
                struct error *error);
void reader_close(struct reader *reader);

/* Copies the next n bytes to out and moves on; -1 with *error filled where the file ends before or cannot be
   read. reader_skip only moves; reader_seek sets the position (anywhere up to the end). */
int reader_get(struct reader *reader, void *out, size_t n, struct error *error);
int reader_skip(struct reader *reader, uint64_t n, struct error *error);
int reader_seek(struct reader *reader, uint64_t position, struct error *error);

/* The same without a copy where it can be: the next n bytes, until the next call, where they lie in the window, or else
   copied to room [n]. NULL where reader_get fails. With a window of 1024 bytes or more, bytes at a multiple of four in
   the file are so in memory, if the window and room are. */
const void *reader_view(struct reader *reader, void *room, size_t n, struct error *error);

/* Bytes from the position to the end of the file. */
uint64_t reader_left(const struct reader *reader);

#endif
