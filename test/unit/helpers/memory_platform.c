#include "memory_platform.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int open_file(struct platform *platform, const char *path, struct platform_file *file)
{
    struct memory_platform *memory = platform->state;

    for (uint32_t i = 0; i < memory->file_count; i++) {
        if (strcmp(path, memory->files[i].path) != 0)
            continue;
        memset(file, 0, sizeof *file);
        file->size = memory->files[i].size;
        file->state[0] = i;
        memory->open_files++;
        return PLATFORM_OK;
    }
    return PLATFORM_NOT_FOUND;
}

static void close_file(struct platform *platform, struct platform_file *file)
{
    struct memory_platform *memory = platform->state;

    memset(file, 0, sizeof *file);
    memory->open_files--;
}

static int read_file(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer,
                     uint32_t bytes)
{
    struct memory_platform *memory = platform->state;
    const struct memory_file *source = &memory->files[file->state[0]];

    if (offset > source->size || bytes > source->size - offset) {
        fprintf(stderr, "core/ reads %u bytes at %llu of a file of %llu\n", bytes, (unsigned long long)offset,
                (unsigned long long)source->size);
        abort();
    }
    memory->reads++;
    if (offset < memory->bad_to && offset + bytes > memory->bad_from) {
        strcpy(platform->error, "bad sector");
        platform->is_gone = memory->bad_is_gone;
        memset(buffer, 0xDD, bytes);
        return PLATFORM_IO_ERROR;
    }
    memcpy(buffer, (const char *)source->data + offset, bytes);
    memory->bytes_read += bytes;
    return PLATFORM_OK;
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    (void)on;
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    return 0;
}

void memory_platform_init(struct memory_platform *memory, const struct memory_file *files, uint32_t file_count)
{
    *memory = (struct memory_platform){
        .platform = {.firmware = "test", .vendor = "", .preferred_read = 4096, .open = open_file,
                     .close = close_file, .read = read_file, .microseconds = microseconds,
                     .exclusive = exclusive},
        .files = files,
        .file_count = file_count,
    };
    memory->platform.state = memory;
}
