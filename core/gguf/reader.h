/* Buffered sequential reading of one of the platform's files. */
#ifndef BOOTLLAMA_READER_H
#define BOOTLLAMA_READER_H

#include "base/error.h"
#include "platform.h"

struct reader {
    struct platform *platform; /* not owned */
    struct platform_file file;
    const char *path;  /* not owned; names the file in errors */
    uint64_t position; /* of the next byte that reader_get returns */
    uint64_t limit;    /* offset of the end of the file; = file.size */
    uint8_t *window;   /* bytes [window_start, window_start + window_used) of the file; not owned */
    uint64_t window_start;
    uint32_t window_used, window_size; /* bytes */
};

/* Opens `path` with a window of window_size bytes, which the caller owns and keeps until reader_close.
   Returns 0, or -1 with *error filled. */
int reader_open(struct reader *reader, struct platform *platform, const char *path, void *window, uint32_t window_size,
                struct error *error);
void reader_close(struct reader *reader);

/* Copies the next n bytes to out and advances; returns -1 with *error filled if the file ends too early or cannot be
   read. reader_skip only advances; reader_seek sets the position (anywhere up to the end). */
int reader_get(struct reader *reader, void *out, size_t n, struct error *error);
int reader_skip(struct reader *reader, uint64_t n, struct error *error);
int reader_seek(struct reader *reader, uint64_t position, struct error *error);

/* The same without a copy if possible: returns the next n bytes in the window, or else copied to room [n], valid until
   the next call; NULL if reader_get fails. With a window of 1024 bytes or more, file offsets that are multiples of four
   are aligned to four in memory, if the window and room are. */
const void *reader_view(struct reader *reader, void *room, size_t n, struct error *error);

/* Bytes from the position to the end of the file. */
uint64_t reader_left(const struct reader *reader);

#endif
