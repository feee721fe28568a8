#include "initrd.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/model_file.h"
#include "base/text.h"

static const struct linux_boot *mounted;

static int open(struct platform *platform, const char *path, struct platform_file *file)
{
    (void)platform;
    *file = (struct platform_file){.size = mounted->initrd_bytes};
    return file->size > 0 && text_equal_nocase(path, INITRD_PATH) ? PLATFORM_OK : PLATFORM_NOT_FOUND;
}

static void close(struct platform *platform, struct platform_file *file)
{
    (void)platform;
    (void)file;
}

static int read(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes)
{
    (void)platform;
    (void)file;
    memcpy(buffer, (const void *)(mounted->initrd + (uintptr_t)offset), bytes);
    return PLATFORM_OK;
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    if (mounted->initrd_bytes == 0) {
        format(platform->error, sizeof platform->error, "no initrd was given, and the BIOS has no disk 80h");
        return PLATFORM_IO_ERROR;
    }
    if (index > 0 || text_equal_nocase(directory, MODELS_FOLDER)) {
        return PLATFORM_NOT_FOUND;
    }
    *entry = (struct platform_entry){.size = mounted->initrd_bytes};
    format(entry->name, sizeof entry->name, "%s", &INITRD_PATH[1]);
    return PLATFORM_OK;
}

void initrd_mount(struct platform *platform, const struct linux_boot *given)
{
    mounted = given;
    platform->open = open;
    platform->close = close;
    platform->read = read;
    platform->list = list;
}
