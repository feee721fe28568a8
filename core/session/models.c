#include "session/models.h"

#include "base/error.h"
#include "base/format.h"
#include "base/model_file.h"
#include "base/number.h"
#include "base/text.h"
#include "session/column.h"
#include "session/figure.h"
#include "session/similar.h"

enum {
    BAR_CELLS = 20,
    PROGRESS_COLUMNS = 42, /* bar and figures */
    NARROW = 60,           /* columns of a screen with a short bar */
    NAME_COLUMNS = 24,     /* in the list */
};

void models_begin(struct models *models, struct platform *platform, struct output *output, struct typeahead *typeahead,
                  const struct config *config)
{
    models->platform = platform;
    models->output = output;
    models->typeahead = typeahead;
    models->config = config;
    team_init(&models->team, platform);
    cpu_detect(&models->cpu);
    models->kernel = kernel_best(&models->cpu);
}

/* ---- Finding models ---- */

int models_next(struct models *models, uint32_t *index)
{
    struct platform *platform = models->platform;
    for (;;) {
        const int status = platform->list(platform, MODELS_FOLDER, (*index)++, &models->entry);
        if (status != PLATFORM_OK || model_file_is_named(&models->entry)) {
            return status;
        }
    }
}

static void set_path(struct models *models, const char *name)
{
    format(models->path, sizeof models->path, "%s/%s", MODELS_FOLDER, name);
}

/* A failing medium is reported, not mistaken for an empty folder. */
static int fail_to_list(struct models *models, struct error *error)
{
    return error_set(error, "%s cannot be listed: %s", MODELS_FOLDER, models->platform->error);
}

/* Returns how well `typed` names the file: 3 in full, 2 without its extension, 1 by its number, 0 not at all. */
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

/* Opening a file is the one test that works the same on every file system. */
static bool is_there(struct models *models, const char *name)
{
    struct platform *platform = models->platform;
    struct platform_file file;
    char path[sizeof models->path];
    format(path, sizeof path, "%s/%s", MODELS_FOLDER, name);
    if (platform->open(platform, path, &file) != PLATFORM_OK) {
        return false;
    }
    platform->close(platform, &file);
    return true;
}

/* Writes the name of the file that `typed` means to name[PLATFORM_NAME_MAX]. */
static int find(struct models *models, const char *typed, char *name, struct error *error)
{
    char similar[PLATFORM_NAME_MAX] = "";
    uint64_t typed_number = 0;
    uint32_t best = 0, number = 0;
    int status;
    number_parse_u64(typed, text_length(typed), &typed_number);
    for (uint32_t index = 0; (status = models_next(models, &index)) == PLATFORM_OK;) {
        const char *entry = models->entry.name;
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
        return fail_to_list(models, error);
    }
    if (is_there(models, typed)) { /* a file that is not named like a model */
        format(name, PLATFORM_NAME_MAX, "%s", typed);
        return 0;
    }
    const bool close = similar[0] != 0;
    return error_set(error, "no model %s in %s; %s%s%s", typed, MODELS_FOLDER,
                     close ? "did you mean " : "/models lists them", similar, close ? "?" : "");
}

/* Whether the file at models->path begins like a model. An unreadable file counts: loading reports what is wrong. */
static bool begins_as_model(struct models *models)
{
    struct platform *platform = models->platform;
    struct platform_file file;
    uint8_t bytes[MODEL_FILE_MAGIC_BYTES];
    if (platform->open(platform, models->path, &file) != PLATFORM_OK) {
        return true;
    }
    const bool is_short = file.size < sizeof bytes;
    const bool unread = !is_short && platform->read(platform, &file, 0, bytes, sizeof bytes) != PLATFORM_OK;
    platform->close(platform, &file);
    return !is_short && (unread || model_file_begins(bytes));
}

/* ---- Loading ---- */

static void show_progress(struct models *models, uint64_t now, uint64_t done, uint64_t total)
{
    char bar[BAR_CELLS + 1], speed[24] = "", text[OUTPUT_TICKER_MAX];
    const uint32_t columns = models->platform->columns, cells = columns > 0 && columns < NARROW ? 4 : BAR_CELLS;
    const uint32_t rate = number_rate_tenths(done, now - models->loading_since);
    if (rate > 0) {
        format(speed, sizeof speed, ", %u.%u MB/s", rate / 10, rate % 10);
    }
    figure_bar(bar, cells, figure_share(done, total, cells), '.');
    format(text, sizeof text, "%s[%s] %3u %%%s", models->quiet ? "Loading again: " : "", bar,
           figure_share(done, total, 100), speed);
    output_ticker(models->output, text);
    models->shown_at = now;
}

/* Shows progress only ten times a second and at the end. */
static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    struct models *models = context;
    const uint64_t now = models->platform->microseconds(models->platform);
    if (now - models->shown_at < OUTPUT_TICKER_US && done < total) {
        return false;
    }
    show_progress(models, now, done, total);
    models->stopped = typeahead_stop_asked(models->typeahead);
    return models->stopped;
}

/* The bar gets a line of its own if path and bar do not fit on one: '\b' cannot go back over the screen's edge. */
static int open_model(struct models *models, const struct kernel *kernel)
{
    struct platform *platform = models->platform;
    const struct load_progress progress = {.step = on_progress, .context = models};
    struct platform_file file;
    struct error error;
    const uint32_t columns = platform->columns > 0 ? platform->columns : OUTPUT_TICKER_MAX;
    const bool fits = sizeof "Loading : " + column_count(models->path) + PROGRESS_COLUMNS < columns;
    if (!models->quiet) {
        output_say(models->output, COLOUR_TEXT, "Loading %s:%s", models->path, fits ? " " : "\n");
    }
    models->stopped = false;
    models->loading_since = platform->microseconds(platform);
    show_progress(models, models->loading_since, 0, 1);
    const int status =
        engine_open(&models->engine, platform, models->path, kernel, models->config->context, &progress, &error);
    if (!models->quiet || status != 0) {
        output_ticker_end(models->output);
    }
    if (status != 0) {
        models->stopped = typeahead_stop_asked(models->typeahead) || models->stopped; /* while a file was read */
        output_error(models->output, error.text);
        return -1;
    }
    if (platform->open(platform, models->path, &file) == PLATFORM_OK) {
        models->file_bytes = file.size;
        platform->close(platform, &file);
    }
    models->loaded = true;
    models_share(models);
    return 0;
}

static bool stop_asked(void *typeahead)
{
    return typeahead_stop_asked(typeahead);
}

struct compute_stop models_stop(struct models *models)
{
    return (struct compute_stop){stop_asked, models->typeahead};
}

void models_share(struct models *models)
{
    if (models->loaded) {
        engine_share(&models->engine, &models->team, models->config->processors, models_stop(models));
    }
}

/* Loads the first usable model and reports the errors of those before it. `passed` is the first file that is named like
   a model but does not begin like one. */
static int load_first(struct models *models)
{
    struct error error;
    char passed[PLATFORM_NAME_MAX] = "";
    uint32_t index = 0, tried = 0;
    int status;
    while ((status = models_next(models, &index)) == PLATFORM_OK) {
        set_path(models, models->entry.name);
        if (!begins_as_model(models)) {
            if (passed[0] == 0) {
                format(passed, sizeof passed, "%s", models->entry.name);
            }
            continue;
        }
        tried++;
        if (open_model(models, models->kernel) == 0) {
            return 0;
        }
        if (models->stopped) {
            return -1;
        }
    }
    if (status != PLATFORM_NOT_FOUND) {
        fail_to_list(models, &error);
        output_error(models->output, error.text);
    } else if (tried == 0) {
        const bool any = passed[0] != 0;
        error_set(&error, "no model in %s%s%s%s; copy a .GGUF file there and press Enter", MODELS_FOLDER,
                  any ? ": " : "", passed, any ? " is not a GGUF model file" : "");
        output_error(models->output, error.text);
    }
    return -1;
}

static int load_configured(struct models *models)
{
    struct error error;
    char name[PLATFORM_NAME_MAX];
    if (find(models, models->config->model, name, &error) != 0) {
        output_error(models->output, error.text);
        return -1;
    }
    set_path(models, name);
    return open_model(models, models->kernel);
}

int models_load(struct models *models)
{
    return models->config->model[0] != 0 ? load_configured(models) : load_first(models);
}

void models_close(struct models *models)
{
    if (models->loaded) {
        engine_close(&models->engine);
        models->loaded = false;
    }
}

/* The free memory if the current model were unloaded. */
static uint64_t memory_for_another(const struct models *models)
{
    struct platform *platform = models->platform;
    return platform->memory_free(platform) + (models->loaded ? models->engine.memory_bytes : 0);
}

/* Plans the model at `path` as if the current one were unloaded. Too little memory for planning does not reject it. */
static int plan(struct models *models, const char *path, const struct kernel *kernel, struct engine_plan *out,
                struct error *error)
{
    struct platform *platform = models->platform;
    const uint64_t memory = memory_for_another(models);
    struct engine *scratch = platform->reserve(platform, sizeof *scratch);
    *out = (struct engine_plan){0};
    if (scratch == NULL) {
        return 0;
    }
    const int status = engine_plan(scratch, platform, path, kernel, models->config->context, memory, out, error);
    platform->release(platform, scratch, sizeof *scratch);
    return status;
}

/* Loads the model `name` for `kernel`. Keeps the current one if the new one's header or size rules it out, and reloads
   it if loading fails later. Returns 0, or -1 after reporting the error. */
static int change(struct models *models, const char *name, const struct kernel *kernel)
{
    struct engine_plan needs;
    struct error error;
    char path[sizeof models->path], former[sizeof models->path];
    const bool loaded = models->loaded;
    format(path, sizeof path, "%s/%s", MODELS_FOLDER, name);
    int status = plan(models, path, kernel, &needs, &error);
    if (status == 0 && needs.bytes > 0 && needs.context == 0) {
        status = engine_refuse_size(path, needs.bytes, memory_for_another(models), &error);
    }
    if (status != 0) {
        output_error(models->output, error.text);
        return -1;
    }
    models_close(models);
    format(former, sizeof former, "%s", models->path);
    format(models->path, sizeof models->path, "%s", path);
    if (open_model(models, kernel) == 0) {
        return 0;
    }
    if (loaded) {
        format(models->path, sizeof models->path, "%s", former);
        open_model(models, models->kernel);
    }
    return -1;
}

int models_choose(struct models *models, const char *typed)
{
    char name[PLATFORM_NAME_MAX];
    struct error error;
    if (find(models, typed, name, &error) != 0) {
        output_error(models->output, error.text);
        return -1;
    }
    return change(models, name, models->kernel);
}

const char *models_name(const struct models *models)
{
    return models->path + sizeof MODELS_FOLDER;
}

void models_use_kernel(struct models *models, const struct kernel *kernel)
{
    if (!models->loaded || change(models, models_name(models), kernel) == 0) {
        models->kernel = kernel;
        models->kernel_chosen = kernel != kernel_best(&models->cpu);
    }
}

bool models_fit_context(struct models *models)
{
    const struct engine *engine = &models->engine;
    const uint32_t own = engine->gguf.context, wanted = models->config->context;
    return models->loaded && (wanted < own ? wanted : own) != engine->context_asked &&
           change(models, models_name(models), models->kernel) == 0;
}

int models_reopen(struct models *models, const struct kernel *kernel)
{
    models->quiet = true;
    models_close(models);
    const int status = open_model(models, kernel);
    models->quiet = false;
    return status;
}

/* ---- The list ---- */

/* Writes whether models->entry can be loaded. */
static void judge(struct models *models, const char *path, char *out, size_t size)
{
    struct engine_plan needs;
    struct error error;
    if (models->loaded && text_equal(path, models->path)) {
        format(out, size, "loaded");
    } else if (plan(models, path, models->kernel, &needs, &error) != 0) {
        const size_t prefix = text_length(path);
        const bool named = text_length(error.text) > prefix + 2 && error.text[prefix] == ':';
        format(out, size, "cannot be used: %s", error.text + (named ? prefix + 2 : 0));
    } else if (needs.bytes == 0) {
        format(out, size, "%s", "");
    } else if (needs.context == 0) {
        format(out, size, "does not fit: needs %s", figure_size(needs.bytes).text);
    } else if (needs.context < needs.context_asked) {
        format(out, size, "fits with a context of %u of %u", needs.context, needs.context_asked);
    } else {
        format(out, size, "fits");
    }
}

/* This reads the header of every file, which takes time on a slow medium: Escape stops it. */
void models_list(struct models *models)
{
    char path[sizeof models->path], name[PLATFORM_NAME_MAX + NAME_COLUMNS], verdict[256];
    uint32_t number = 0;
    int status;
    for (uint32_t index = 0; (status = models_next(models, &index)) == PLATFORM_OK;) {
        format(path, sizeof path, "%s/%s", MODELS_FOLDER, models->entry.name);
        judge(models, path, verdict, sizeof verdict);
        if (typeahead_stop_asked(models->typeahead)) {
            return;
        }
        column_pad(name, sizeof name, models->entry.name, NAME_COLUMNS);
        output_say(models->output, COLOUR_TEXT, "%2u  %s %9s  %s\n", ++number, name,
                   figure_size(models->entry.size).text, verdict);
    }
    struct error error;
    if (status != PLATFORM_NOT_FOUND) {
        fail_to_list(models, &error);
        output_error(models->output, error.text);
    } else if (number == 0) {
        output_error(models->output, "no model in " MODELS_FOLDER "; copy a .GGUF file there");
    }
}
