#include "base/model_file.h"

#include "base/memory.h"
#include "base/text.h"

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = text_length(name), ending_n = text_length(ending);
    return n > ending_n && text_equal_nocase(name + n - ending_n, ending);
}

/* A file system driver without long names shows .GGUF as .GGU. */
static bool has_extension(const char *name)
{
    return ends_in(name, ".GGUF") || ends_in(name, ".GGU");
}

bool model_file_is_named(const struct platform_entry *entry)
{
    return !entry->is_directory && !entry->is_hidden && entry->size > 0 && entry->name[0] != '.' &&
           has_extension(entry->name);
}

bool model_file_begins(const uint8_t bytes[MODEL_FILE_MAGIC_BYTES])
{
    return memcmp(bytes, "GGUF", MODEL_FILE_MAGIC_BYTES) == 0;
}

bool model_file_is_of_models(const char *path)
{
    static const char folder[] = MODELS_FOLDER;
    size_t n = 0;
    while (folder[n] != 0 && text_lower(path[n]) == text_lower(folder[n])) {
        n++;
    }
    if (folder[n] == 0 && (path[n] == 0 || path[n] == '/')) {
        return true;
    }
    for (n = 1; path[0] == '/' && path[n] != 0 && path[n] != '/'; n++) {
        continue;
    }
    return path[0] == '/' && path[n] == 0 && has_extension(path + 1);
}
