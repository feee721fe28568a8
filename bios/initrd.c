#include "initrd.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/model_file.h"
#include "base/text.h"

/* Where a GGUF file has its version and the upper halves of two counts (core/gguf/header.c), and how far that goes. */
enum {
    MAGIC = 0x46554747, /* "GGUF" */
    VERSION_AT = 4,
    TENSORS_HIGH_AT = 12,
    KEYS_HIGH_AT = 20,
    HEADER_BYTES = 24,
};

struct model {
    const uint8_t *start;
    uint32_t bytes;
};

static struct model models[INITRD_MODELS];
static uint32_t model_count, initrd_bytes;

/* ---- Finding the models ---- */

static uint32_t word_at(const uint8_t *bytes)
{
    uint32_t word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

/* Chance and the text of a model do not look like this. */
static bool is_header(const uint8_t *at, uint32_t left)
{
    return word_at(at) == MAGIC && left >= HEADER_BYTES && word_at(at + VERSION_AT) - 2 <= 1 &&
           word_at(at + TENSORS_HIGH_AT) == 0 && word_at(at + KEYS_HIGH_AT) == 0;
}

/* An initrd that begins like a model is one, so that what is wrong with it is said. */
static void find_models(const uint8_t *initrd, uint32_t bytes)
{
    model_count = 0;
    for (uint32_t at = 0; at + sizeof(uint32_t) <= bytes && model_count < INITRD_MODELS; at += 4) {
        if (is_header(initrd + at, bytes - at) || (at == 0 && word_at(initrd) == MAGIC)) {
            models[model_count++] = (struct model){initrd + at, bytes - at};
        }
    }
    for (uint32_t i = 1; i < model_count; i++) {
        models[i - 1].bytes -= models[i].bytes;
    }
}

/* ---- The platform's calls ---- */

static void name_model(uint32_t index, char *out, size_t size)
{
    format(out, size, index == 0 ? "INITRD.GGUF" : "INITRD%u.GGUF", index + 1);
}

static int open(struct platform *platform, const char *path, struct platform_file *file)
{
    char name[16];
    (void)platform;
    for (uint32_t i = 0; i < model_count; i++) {
        name_model(i, name, sizeof name);
        if (path[0] == '/' && text_equal_nocase(path + 1, name)) {
            *file = (struct platform_file){.size = models[i].bytes, .state = {(uintptr_t)models[i].start}};
            return PLATFORM_OK;
        }
    }
    return PLATFORM_NOT_FOUND;
}

static void close(struct platform *platform, struct platform_file *file)
{
    (void)platform;
    (void)file;
}

static int read(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer, uint32_t bytes)
{
    (void)platform;
    memcpy(buffer, (const void *)(file->state[0] + (uintptr_t)offset), bytes);
    return PLATFORM_OK;
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    if (model_count == 0) {
        format(platform->error, sizeof platform->error, "%s",
               initrd_bytes > 0 ? "the initrd holds no GGUF model"
                                : "no initrd was given, and the BIOS has no disk 80h");
        return PLATFORM_IO_ERROR;
    }
    if (index >= model_count || text_equal_nocase(directory, MODELS_FOLDER)) {
        return PLATFORM_NOT_FOUND;
    }
    *entry = (struct platform_entry){.size = models[index].bytes};
    name_model(index, entry->name, sizeof entry->name);
    return PLATFORM_OK;
}

void initrd_mount(struct platform *platform, const struct linux_boot *given)
{
    initrd_bytes = given->initrd_bytes;
    find_models((const uint8_t *)(uintptr_t)given->initrd, initrd_bytes);
    platform->open = open;
    platform->close = close;
    platform->read = read;
    platform->list = list;
}
