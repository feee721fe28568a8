#include "base/model_walk.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"

void model_walk_begin(struct model_walk *walk, model_walk_list *list, void *context)
{
    *walk = (struct model_walk){.list = list, .context = context, .used = sizeof MODELS_FOLDER};
    memcpy(walk->paths, MODELS_FOLDER, sizeof MODELS_FOLDER);
}

static bool is_in_root(const struct model_walk *walk)
{
    return walk->at == walk->used;
}

const char *model_walk_folder(const struct model_walk *walk)
{
    return is_in_root(walk) ? "/" : walk->paths + walk->at;
}

static void next_folder(struct model_walk *walk)
{
    walk->at += is_in_root(walk) ? 1 : (uint32_t)text_length(walk->paths + walk->at) + 1;
    walk->index = 0;
    walk->failed = false;
}

static uint32_t level(const char *path)
{
    uint32_t count = 0;
    for (path++; *path != 0; path++) {
        count += *path == '/';
    }
    return count;
}

/* What Windows and macOS keep on every volume, and hidden folders, hold no models that a user put there. */
static bool is_foreign(const struct platform_entry *entry)
{
    return entry->is_hidden || entry->name[0] == '.' || entry->name[0] == '$' ||
           text_equal_nocase(entry->name, "System Volume Information");
}

static void add_folder(struct model_walk *walk, const struct platform_entry *entry)
{
    if (is_in_root(walk) || is_foreign(entry)) {
        return;
    }
    const char *parent = walk->paths + walk->at;
    const size_t n = text_length(parent) + 1 + text_length(entry->name) + 1;
    if (level(parent) == MODEL_WALK_LEVELS || n > MODEL_PATH_MAX || n > sizeof walk->paths - walk->used) {
        walk->is_cut = true;
        return;
    }
    format(walk->paths + walk->used, n, "%s/%s", parent, entry->name);
    walk->used += (uint32_t)n;
}

/* Puts the folder's part of the path before the entry's name. Returns false if that is too long. */
static bool add_path(struct model_walk *walk, struct platform_entry *entry)
{
    char name[PLATFORM_NAME_MAX];
    if (walk->at == 0) {
        return true;
    }
    const char *folder = is_in_root(walk) ? "" : walk->paths + walk->at + sizeof MODELS_FOLDER;
    if (text_length(folder) + 1 + text_length(entry->name) >= sizeof name) {
        walk->is_cut = true;
        return false;
    }
    format(name, sizeof name, "%s/%s", folder, entry->name);
    format(entry->name, sizeof entry->name, "%s", name);
    return true;
}

int model_walk_next(struct model_walk *walk, struct platform_entry *entry)
{
    if (walk->failed) {
        next_folder(walk);
    }
    while (walk->at <= walk->used) {
        if (walk->entries == MODEL_WALK_ENTRIES) {
            walk->is_cut = true;
            return PLATFORM_NOT_FOUND;
        }
        walk->entries++;
        const int status =
            walk->list(walk->context, is_in_root(walk) ? MODELS_ROOT : walk->paths + walk->at, walk->index++, entry);
        if (status == PLATFORM_NOT_FOUND) {
            next_folder(walk);
        } else if (status != PLATFORM_OK) {
            walk->failed = true;
            return status;
        } else if (entry->is_directory) {
            add_folder(walk, entry);
        } else if (model_file_is_named(entry) && add_path(walk, entry)) {
            return PLATFORM_OK;
        }
    }
    return PLATFORM_NOT_FOUND;
}

void model_walk_path(char *out, const char *name)
{
    format(out, MODEL_PATH_MAX, "%s%s%s", name[0] == '/' ? "" : MODELS_FOLDER, name[0] == '/' ? "" : "/", name);
}
