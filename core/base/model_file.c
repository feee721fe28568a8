#include "base/model_file.h"

#include "base/memory.h"
#include "base/text.h"

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = text_length(name), ending_n = text_length(ending);
    return n > ending_n && text_equal_nocase(name + n - ending_n, ending);
}

/* A file system driver without long names shows .GGUF as .GGU. */
bool model_file_is_named(const struct platform_entry *entry)
{
    return !entry->is_directory && !entry->is_hidden && entry->size > 0 && entry->name[0] != '.' &&
           (ends_in(entry->name, ".GGUF") || ends_in(entry->name, ".GGU"));
}

bool model_file_begins(const uint8_t bytes[MODEL_FILE_MAGIC_BYTES])
{
    return memcmp(bytes, "GGUF", MODEL_FILE_MAGIC_BYTES) == 0;
}
