#define _GNU_SOURCE
#include "host_platform.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/format.h"
#include "processors.h"

enum { PAGE = 4096, HUGE_PAGE = 2 << 20 }; /* bytes */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    interrupted = 1;
}

/* A system call for every token would take longer than a small model's token itself, so host_get_key flushes. */
static void host_put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    fwrite(utf8, 1, n, stdout);
}

static int host_get_key(struct platform *platform)
{
    (void)platform;
    fflush(stdout);
    if (interrupted) {
        interrupted = 0;
        return KEY_CTRL_C;
    }
    return KEY_NONE;
}

static int failure(struct platform *platform)
{
    format(platform->error, sizeof platform->error, "%s", strerror(errno));
    return errno == ENOENT || errno == ENOTDIR ? PLATFORM_NOT_FOUND : PLATFORM_IO_ERROR;
}

static int host_open(struct platform *platform, const char *path, struct platform_file *file)
{
    const int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (descriptor < 0) {
        return failure(platform);
    }
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        close(descriptor);
        format(platform->error, sizeof platform->error, "not a regular file");
        return PLATFORM_IO_ERROR;
    }
    *file = (struct platform_file){.size = (uint64_t)status.st_size, .state = {(uintptr_t)descriptor}};
    return PLATFORM_OK;
}

static void host_close(struct platform *platform, struct platform_file *file)
{
    (void)platform;
    close((int)file->state[0]);
}

static int host_read(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer,
                     uint32_t bytes)
{
    uint8_t *to = buffer;
    while (bytes > 0) {
        const ssize_t got = pread((int)file->state[0], to, bytes, (off_t)offset);
        if (got == 0) {
            format(platform->error, sizeof platform->error, "the file became shorter");
            return PLATFORM_IO_ERROR;
        }
        if (got < 0) {
            return failure(platform);
        }
        to += got;
        offset += (uint64_t)got;
        bytes -= (uint32_t)got;
    }
    return PLATFORM_OK;
}

/* The folder listed last. It is read when its first entry is requested: reading it for every entry would take seconds
   with thousands of entries. */
static struct {
    char folder[PATH_MAX];
    struct dirent **entries;
    int count;
} listing;

static int is_entry(const struct dirent *entry)
{
    return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

static int read_folder(struct platform *platform, const char *folder)
{
    while (listing.count > 0) {
        free(listing.entries[--listing.count]);
    }
    free(listing.entries);
    listing.entries = NULL;
    snprintf(listing.folder, sizeof listing.folder, "%s", folder);
    const int count = scandir(folder, &listing.entries, is_entry, alphasort);
    if (count < 0) {
        listing.entries = NULL;
        return failure(platform);
    }
    listing.count = count;
    return PLATFORM_OK;
}

static int host_list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    char path[PATH_MAX + PLATFORM_NAME_MAX];
    struct stat info = {0};
    if (index == 0 || strcmp(directory, listing.folder) != 0) {
        const int status = read_folder(platform, directory);
        if (status != PLATFORM_OK) {
            return status;
        }
    }
    if (index >= (uint32_t)listing.count) {
        return PLATFORM_NOT_FOUND;
    }
    *entry = (struct platform_entry){0};
    snprintf(entry->name, sizeof entry->name, "%s", listing.entries[index]->d_name);
    snprintf(path, sizeof path, "%s/%s", directory, entry->name);
    stat(path, &info);
    entry->size = (uint64_t)info.st_size;
    entry->is_directory = S_ISDIR(info.st_mode);
    return PLATFORM_OK;
}

static uint64_t host_microseconds(struct platform *platform)
{
    (void)platform;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static uint64_t host_memory_free(struct platform *platform)
{
    (void)platform;
    return (uint64_t)sysconf(_SC_AVPHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Every token reads all weights; huge pages make that up to a quarter faster. */
static void *host_reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    const size_t page = bytes >= HUGE_PAGE ? HUGE_PAGE : PAGE;
    const size_t whole = (bytes + page - 1) & ~(page - 1);
    void *memory = aligned_alloc(page, whole);
    if (memory != NULL && page == HUGE_PAGE) {
        madvise(memory, whole, MADV_HUGEPAGE);
    }
    return memory;
}

static void host_release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    free(memory);
}

/* The operating system preserves vector registers. */
static void host_exclusive(struct platform *platform, bool on)
{
    (void)platform;
    (void)on;
}

static void host_idle(struct platform *platform)
{
    (void)platform;
    usleep(10000);
}

static void host_set_colour(struct platform *platform, enum platform_colour colour)
{
    (void)platform;
    (void)colour;
}

static bool host_set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    (void)platform;
    (void)port;
    (void)speed;
    return false;
}

static uint64_t host_clock_seed(struct platform *platform)
{
    (void)platform;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void host_leave(struct platform *platform)
{
    (void)platform;
    exit(0);
}

void host_platform(struct platform *platform)
{
    *platform = (struct platform){
        .firmware = "host",
        .vendor = "",
        .preferred_read = 1 << 20,
        .put = host_put,
        .set_colour = host_set_colour,
        .set_serial = host_set_serial,
        .get_key = host_get_key,
        .open = host_open,
        .close = host_close,
        .read = host_read,
        .list = host_list,
        .microseconds = host_microseconds,
        .memory_free = host_memory_free,
        .reserve = host_reserve,
        .release = host_release,
        .exclusive = host_exclusive,
        .idle = host_idle,
        .clock_seed = host_clock_seed,
        .other_processors = processors_other,
        .start_processors = processors_start,
        .stop_processors = processors_stop,
        .reset_processor = processors_reset,
        .reboot = host_leave,
        .power_off = host_leave,
    };
    signal(SIGINT, on_interrupt);
}
