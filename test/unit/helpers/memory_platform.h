/* A struct platform over files in memory, with read errors where a test wants them. */
#ifndef BOOTLLAMA_TEST_MEMORY_PLATFORM_H
#define BOOTLLAMA_TEST_MEMORY_PLATFORM_H

#include "platform.h"

struct memory_file {
    const char *path; /* "/MODELS/A.GGUF" */
    const void *data;
    uint64_t size;
    bool is_hidden; /* in a list of its folder */
};

struct memory_platform {
    struct platform platform; /* what core/ gets; its console calls and memory calls are NULL, exclusive does nothing */
    const struct memory_file *files;
    uint32_t file_count;
    uint64_t bad_from, bad_to; /* a read that touches [bad_from, bad_to) of any file fails and spoils its buffer */
    bool bad_is_gone;          /* ... as one of a drive that does not answer does */
    uint32_t reads;            /* calls so far */
    uint64_t bytes_read;
    int32_t open_files;
};

/* The files stay the caller's and must outlive *memory. */
void memory_platform_init(struct memory_platform *memory, const struct memory_file *files, uint32_t file_count);

#endif
