/* Models on the boot volume: finding, listing, loading and changing them. */
#include "session/console.h"

#include "base/error.h"
#include "base/format.h"
#include "base/number.h"
#include "base/text.h"
#include "session/similar.h"

enum { PROGRESS_PERIOD_US = 100000, BAR_CELLS = 20, PROGRESS_COLUMNS = 42 /* bar and figures */, NARROW = 60 };

/* ---- What is there ---- */

/* .GGU is what a file system driver without long names shows of .GGUF. Names that begin with a dot are leftovers of
   other systems. */
static bool is_model(const struct platform_entry *entry)
{
    const size_t n = text_length(entry->name);
    return !entry->is_directory && entry->size > 0 && entry->name[0] != '.' && n > 4 &&
           (text_equal_nocase(entry->name + n - 4, ".GGU") || text_equal_nocase(entry->name + n - 5, ".GGUF"));
}

int models_next(struct console *console, uint32_t *index)
{
    struct platform *platform = console->platform;
    for (;;) {
        const int status = platform->list(platform, MODELS_FOLDER, (*index)++, &console->entry);
        if (status != PLATFORM_OK || is_model(&console->entry)) {
            return status;
        }
    }
}

static void set_path(struct console *console, const char *name)
{
    format(console->path, sizeof console->path, "%s/%s", MODELS_FOLDER, name);
}

/* A medium that fails is not the same as a folder that is empty. */
static int fail_to_list(struct console *console, struct error *error)
{
    return error_set(error, "%s cannot be listed: %s", MODELS_FOLDER, console->platform->error);
}

/* How well `typed` names the file: 3 wholly, 2 without its extension, 1 by its number, 0 not. */
static uint32_t match(const char *name, const char *typed, uint64_t number, uint64_t typed_number)
{
    char stem[PLATFORM_NAME_MAX];
    size_t dot = format(stem, sizeof stem, "%s", name);
    while (dot > 0 && stem[dot] != '.') {
        dot--;
    }
    stem[dot] = 0;
    return text_equal_nocase(name, typed) ? 3 : text_equal_nocase(stem, typed) ? 2 : number == typed_number;
}

/* Opening is the one question that every file system answers alike. */
static bool is_there(struct console *console, const char *name)
{
    struct platform *platform = console->platform;
    struct platform_file file;
    char path[sizeof console->path];
    format(path, sizeof path, "%s/%s", MODELS_FOLDER, name);
    if (platform->open(platform, path, &file) != PLATFORM_OK) {
        return false;
    }
    platform->close(platform, &file);
    return true;
}

/* Writes the file's name that is meant by `typed` to name[PLATFORM_NAME_MAX]. */
static int find(struct console *console, const char *typed, char *name, struct error *error)
{
    char similar[PLATFORM_NAME_MAX] = "";
    uint64_t typed_number = 0;
    uint32_t best = 0, number = 0;
    int status;
    number_parse_u64(typed, text_length(typed), &typed_number);
    for (uint32_t index = 0; (status = models_next(console, &index)) == PLATFORM_OK;) {
        const char *entry = console->entry.name;
        const uint32_t rank = match(entry, typed, ++number, typed_number);
        if (rank > best) {
            best = rank;
            format(name, PLATFORM_NAME_MAX, "%s", entry);
        }
        if (similar[0] == 0 && similar_word(typed, &entry, 1) != NULL) {
            format(similar, sizeof similar, "%s", entry);
        }
    }
    if (best > 0) {
        return 0;
    }
    if (status != PLATFORM_NOT_FOUND) {
        return fail_to_list(console, error);
    }
    if (is_there(console, typed)) { /* under a name that is no model's */
        format(name, PLATFORM_NAME_MAX, "%s", typed);
        return 0;
    }
    const bool close = similar[0] != 0;
    return error_set(error, "no model %s in %s; %s%s%s", typed, MODELS_FOLDER,
                     close ? "did you mean " : "/models lists them", similar, close ? "?" : "");
}

/* Sets console->path to the configured model, or to the first one on the medium. */
static int find_first(struct console *console, struct error *error)
{
    char name[PLATFORM_NAME_MAX];
    uint32_t index = 0;
    if (console->config.model[0] != 0) {
        if (find(console, console->config.model, name, error) != 0) {
            return -1;
        }
        set_path(console, name);
        return 0;
    }
    const int status = models_next(console, &index);
    if (status == PLATFORM_NOT_FOUND) {
        return error_set(error, "no model in %s; copy a .GGUF file there and press Enter", MODELS_FOLDER);
    }
    if (status != PLATFORM_OK) {
        return fail_to_list(console, error);
    }
    set_path(console, console->entry.name);
    return 0;
}

/* ---- Loading ---- */

static void show_progress(struct console *console, uint64_t now, uint64_t done, uint64_t total)
{
    char bar[BAR_CELLS + 1], speed[24] = "", text[TICKER_MAX];
    const uint32_t columns = console->platform->columns, cells = columns > 0 && columns < NARROW ? 4 : BAR_CELLS;
    const uint32_t rate = number_rate_tenths(done, now - console->loading_since);
    if (rate > 0) {
        format(speed, sizeof speed, ", %u.%u MB/s", rate / 10, rate % 10);
    }
    draw_bar(bar, cells, share_of(done, total, cells), '.');
    format(text, sizeof text, "%s[%s] %3u %%%s", console->quiet_loading ? "Loading again: " : "", bar,
           share_of(done, total, 100), speed);
    ticker_show(console, text);
    console->shown_at = now;
}

/* Ten times a second, and at the end: a slow console must not slow loading down. */
static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    struct console *console = context;
    const uint64_t now = console->platform->microseconds(console->platform);
    if (now - console->shown_at < PROGRESS_PERIOD_US && done < total) {
        return false;
    }
    show_progress(console, now, done, total);
    return typeahead_stop_asked(&console->keys);
}

/* The bar stands on a line of its own where path and bar together would pass the edge: '\b' cannot go back over it. */
int models_open(struct console *console, const struct kernel *kernel)
{
    struct platform *platform = console->platform;
    const struct load_progress progress = {.step = on_progress, .context = console};
    struct platform_file file;
    struct error error;
    const uint32_t columns = platform->columns > 0 ? platform->columns : TICKER_MAX;
    const bool fits = sizeof "Loading : " + text_length(console->path) + PROGRESS_COLUMNS < columns;
    if (!console->quiet_loading) {
        say(console, COLOUR_TEXT, "Loading %s:%s", console->path, fits ? " " : "\n");
    }
    console->loading_since = platform->microseconds(platform);
    show_progress(console, console->loading_since, 0, 1);
    const int status = engine_open(&console->engine, platform, console->path, kernel, &progress, &error);
    if (!console->quiet_loading || status != 0) {
        ticker_end(console);
    }
    if (status != 0) {
        say_error(console, error.text);
        return -1;
    }
    if (platform->open(platform, console->path, &file) == PLATFORM_OK) {
        console->file_bytes = file.size;
        platform->close(platform, &file);
    }
    console->loaded = true;
    engine_share(&console->engine, &console->team, console->config.processors);
    tell_prepare(console);
    return 0;
}

void models_load(struct console *console)
{
    struct error error;
    if (find_first(console, &error) != 0) {
        say_error(console, error.text);
    } else if (models_open(console, console->kernel) == 0) {
        banner_model(console);
    }
}

void models_close(struct console *console)
{
    if (console->loaded) {
        engine_close(&console->engine);
        console->loaded = false;
    }
}

/* What the model at `path` would need if the present one were gone. No memory to find out is no reason to refuse it. */
static int plan(struct console *console, const char *path, const struct kernel *kernel, struct engine_plan *out,
                struct error *error)
{
    struct platform *platform = console->platform;
    const uint64_t memory = platform->memory_free(platform) + (console->loaded ? console->engine.memory_bytes : 0);
    struct engine *scratch = platform->reserve(platform, sizeof *scratch);
    *out = (struct engine_plan){0};
    if (scratch == NULL) {
        return 0;
    }
    const int status = engine_plan(scratch, platform, path, kernel, memory, out, error);
    platform->release(platform, scratch, sizeof *scratch);
    return status;
}

/* Loads the model `name` for `kernel`, or brings the present one back. Returns 0, or -1 with the error said. */
static int change(struct console *console, const char *name, const struct kernel *kernel)
{
    struct engine_plan ignored;
    struct error error;
    char path[sizeof console->path], former[sizeof console->path];
    const bool loaded = console->loaded;
    format(path, sizeof path, "%s/%s", MODELS_FOLDER, name);
    if (plan(console, path, kernel, &ignored, &error) != 0) {
        say_error(console, error.text);
        return -1;
    }
    models_close(console);
    format(former, sizeof former, "%s", console->path);
    format(console->path, sizeof console->path, "%s", path);
    if (models_open(console, kernel) == 0) {
        return 0;
    }
    if (loaded) {
        format(console->path, sizeof console->path, "%s", former);
        models_open(console, console->kernel);
    }
    return -1;
}

/* The name that was found is kept as the setting `model`, so that /set tells the truth. */
void models_choose(struct console *console, const char *typed)
{
    char name[PLATFORM_NAME_MAX];
    struct error error;
    if (find(console, typed, name, &error) != 0) {
        say_error(console, error.text);
    } else if (change(console, name, console->kernel) == 0) {
        format(console->config.model, sizeof console->config.model, "%s", name);
        banner_model(console);
    }
}

void models_reload(struct console *console, const struct kernel *kernel)
{
    if (!console->loaded || change(console, console->path + sizeof MODELS_FOLDER, kernel) == 0) {
        console->kernel = kernel;
        console->kernel_typed = kernel != kernel_best(&console->cpu);
    }
}

/* ---- The list ---- */

/* Whether console->entry can be loaded, in words. */
static void judge(struct console *console, const char *path, char *out, size_t size)
{
    struct engine_plan needs;
    struct error error;
    if (console->loaded && text_equal(path, console->path)) {
        format(out, size, "loaded");
    } else if (plan(console, path, console->kernel, &needs, &error) != 0) {
        const size_t prefix = text_length(path);
        const bool named = text_length(error.text) > prefix + 2 && error.text[prefix] == ':';
        format(out, size, "cannot be used: %s", error.text + (named ? prefix + 2 : 0));
    } else if (needs.bytes == 0) {
        format(out, size, "%s", "");
    } else if (needs.context == 0) {
        format(out, size, "does not fit: needs %s", size_text(needs.bytes).text);
    } else if (needs.context < needs.context_full) {
        format(out, size, "fits with a context of %u of %u", needs.context, needs.context_full);
    } else {
        format(out, size, "fits");
    }
}

/* Judging reads the header of every file: on a slow medium Escape ends that. */
void models_list(struct console *console)
{
    char path[sizeof console->path], verdict[256];
    uint32_t number = 0;
    int status;
    for (uint32_t index = 0; (status = models_next(console, &index)) == PLATFORM_OK;) {
        format(path, sizeof path, "%s/%s", MODELS_FOLDER, console->entry.name);
        judge(console, path, verdict, sizeof verdict);
        say(console, COLOUR_TEXT, "%2u  %-24s %9s  %s\n", ++number, console->entry.name,
            size_text(console->entry.size).text, verdict);
        if (typeahead_stop_asked(&console->keys)) {
            return;
        }
    }
    struct error error;
    if (status != PLATFORM_NOT_FOUND) {
        fail_to_list(console, &error);
        say_error(console, error.text);
    } else if (number == 0) {
        say_error(console, "no model in " MODELS_FOLDER "; copy a .GGUF file there");
    }
}
