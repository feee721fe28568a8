#include "session/models.h"

#include "base/error.h"
#include "base/format.h"
#include "base/memory.h"
#include "base/model_part.h"
#include "base/number.h"
#include "base/text.h"
#include "session/column.h"
#include "session/figure.h"
#include "session/similar.h"

enum {
    PROGRESS_COLUMNS = 42, /* bar and figures */
    NARROW = 60,           /* columns of a screen with a short bar */
    NAME_COLUMNS = 36,     /* in the list: as long as tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf */
    KIND_COLUMNS = 6,      /* Q4_K_M */
    ROW_COLUMNS = 60,      /* before the verdict */
    LIST_COLUMNS = 80,     /* where the screen's width is unknown */
    STOP_PERIOD = 64,      /* entries of a folder from one look for a stop key to the next */
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

/* ---- The kernel ---- */

/* The kernel that config->kernel says, if the processor can run it; NULL: that which wins a race. */
static const struct kernel *kernel_set(const struct models *models)
{
    const uint32_t kernel = models->config->kernel;
    const bool usable = kernel != KERNEL_AUTO && kernel_usable(kernel_at(kernel - 1), &models->cpu);
    return usable ? kernel_at(kernel - 1) : NULL;
}

/* The kernel that memory is planned for: before a race, the one that takes part even where memory is short. */
static const struct kernel *kernel_planned(const struct models *models)
{
    const struct kernel *set = kernel_set(models);
    return set != NULL ? set : kernel_best(&models->cpu);
}

/* Returns false, after reporting it, if the processor cannot run the kernel that is set. */
static bool kernel_runs(struct models *models)
{
    struct error error;
    if (models->config->kernel == KERNEL_AUTO || kernel_set(models) != NULL) {
        return true;
    }
    error_set(&error, "this CPU cannot run the kernel %s; /info lists those it can",
              kernel_at(models->config->kernel - 1)->name);
    output_error(models->output, error.text);
    return false;
}

/* ---- Finding models ---- */

/* A folder may have thousands of entries. */
static int list_folder(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    struct platform *platform = context;
    if (index % STOP_PERIOD == STOP_PERIOD - 1 && platform->stop_asked != NULL &&
        platform->stop_asked(platform->stop_context)) {
        format(platform->error, sizeof platform->error, "stopped by a key");
        return PLATFORM_STOPPED;
    }
    return platform->list(platform, directory, index, entry);
}

void models_rewind(struct models *models)
{
    model_walk_begin(&models->walk, list_folder, models->platform);
}

/* The size of the file of that name; 0 if there is none. Opening a file is the one test that works the same on every
   file system. */
static uint64_t size_of(struct models *models, const char *name)
{
    struct platform *platform = models->platform;
    struct platform_file file;
    char path[MODEL_PATH_MAX];
    model_walk_path(path, name);
    if (platform->open(platform, path, &file) != PLATFORM_OK) {
        return 0;
    }
    const uint64_t size = file.size;
    platform->close(platform, &file);
    return size;
}

/* Whether the file of that name is a part of a split model and an earlier part is there, too: writes its name to
   first[PLATFORM_NAME_MAX]. Together they are one model. */
static bool belongs_to(struct models *models, const char *name, char *first)
{
    struct model_part part;
    if (!model_part_of(name, &part)) {
        return false;
    }
    format(first, PLATFORM_NAME_MAX, "%s", name);
    for (uint32_t number = 1; number < part.number; number++) {
        model_part_set(first, number);
        if (size_of(models, first) > 0) {
            return true;
        }
    }
    return false;
}

/* Bytes of the model that begins with models->entry: of all its parts that are there. */
static uint64_t model_bytes(struct models *models)
{
    struct model_part part;
    char name[PLATFORM_NAME_MAX];
    uint64_t bytes = models->entry.size;
    if (!model_part_of(models->entry.name, &part)) {
        return bytes;
    }
    format(name, sizeof name, "%s", models->entry.name);
    for (uint32_t number = part.number + 1; number <= part.count; number++) {
        model_part_set(name, number);
        bytes += size_of(models, name);
    }
    return bytes;
}

bool models_next(struct models *models, struct error *failure)
{
    char first[PLATFORM_NAME_MAX];
    int status;
    while ((status = model_walk_next(&models->walk, &models->entry)) != PLATFORM_NOT_FOUND) {
        if (status == PLATFORM_OK && !belongs_to(models, models->entry.name, first)) {
            return true;
        }
        if (status != PLATFORM_OK && failure->text[0] == 0) { /* a failing medium is not an empty folder */
            error_set(failure, "%s cannot be listed: %s", model_walk_folder(&models->walk), models->platform->error);
        }
        if (status == PLATFORM_STOPPED) {
            return false;
        }
    }
    return false;
}

/* Of a split model the number of the part is left out as well. */
static bool equal_without_extension(const char *name, const char *typed)
{
    struct model_part part;
    char stem[PLATFORM_NAME_MAX];
    size_t dot = format(stem, sizeof stem, "%s", name);
    while (dot > 0 && stem[dot] != '.') {
        dot--;
    }
    stem[dot] = 0;
    if (text_equal_nocase(stem, typed)) {
        return true;
    }
    const bool is_part = model_part_of(name, &part);
    stem[is_part ? part.stem : 0] = 0;
    return is_part && text_equal_nocase(stem, typed);
}

/* Returns how well `typed` names the file: 5 in full, 4 without its extension, 3 and 2 the same without its folder, 1
   by its number, 0 not at all. */
static uint32_t match(const char *name, const char *typed, uint64_t number, uint64_t typed_number)
{
    const char *own = name + text_length(name);
    while (own > name && own[-1] != '/') {
        own--;
    }
    return text_equal_nocase(name, typed)         ? 5
           : equal_without_extension(name, typed) ? 4
           : text_equal_nocase(own, typed)        ? 3
           : equal_without_extension(own, typed)  ? 2
                                                  : number == typed_number;
}

/* What follows "/MODELS/", or all of it. */
static const char *without_folder(const char *path)
{
    static const char folder[] = MODELS_FOLDER "/";
    char start[sizeof folder];
    format(start, sizeof start, "%s", path);
    return text_equal_nocase(start, folder) ? path + sizeof folder - 1 : path;
}

/* Writes the name of the file that `typed` means to name[PLATFORM_NAME_MAX]. */
static int find(struct models *models, const char *typed, char *name, struct error *error)
{
    char similar[PLATFORM_NAME_MAX] = "";
    uint64_t typed_number = 0;
    uint32_t best = 0, number = 0;
    typed = without_folder(typed);
    number_parse_u64(typed, text_length(typed), &typed_number);
    error->text[0] = 0;
    models_rewind(models);
    while (models_next(models, error)) {
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
    if (error->text[0] != 0) {
        return -1;
    }
    if (belongs_to(models, typed, name)) { /* any part stands for its model */
        return 0;
    }
    if (size_of(models, typed) > 0) { /* a file that is not named like a model */
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
    char text[OUTPUT_TICKER_MAX];
    const uint32_t columns = models->platform->columns;
    const uint32_t cells = columns > 0 && columns < NARROW ? 4 : PROGRESS_CELLS_MAX;
    const size_t used = format(text, sizeof text, "%s", models->quiet ? "Loading again: " : "");
    progress_text(&models->progress, text + used, sizeof text - used, cells, now, done, total);
    output_ticker(models->output, text);
    models->shown_at = now;
}

/* Shows progress only ten times a second and at the end. */
static bool on_progress(void *context, uint64_t done, uint64_t total)
{
    struct models *models = context;
    const uint64_t now = models->platform->microseconds(models->platform);
    if (done == 0) { /* what came before, with the race of the kernels, says nothing about the speed of the rest */
        progress_begin(&models->progress, now);
    }
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
    struct error error;
    const uint32_t columns = platform->columns > 0 ? platform->columns : OUTPUT_TICKER_MAX;
    const bool fits = sizeof "Loading : " + column_count(models->path) + PROGRESS_COLUMNS < columns;
    if (!models->quiet) {
        output_say(models->output, COLOUR_TEXT, "Loading %s:%s", models->path, fits ? " " : "\n");
    }
    models->stopped = false;
    const uint64_t now = platform->microseconds(platform);
    progress_begin(&models->progress, now);
    show_progress(models, now, 0, 1); /* reading the header may take its time */
    const int status =
        engine_open(&models->engine, platform, models->path, kernel, models->config->context, &progress, &error);
    if (!models->quiet || status != 0) {
        output_ticker_end(models->output);
    }
    models->gone = status != 0 && platform->is_gone;
    if (status != 0) {
        models->stopped = typeahead_stop_asked(models->typeahead) || models->stopped; /* while a file was read */
        output_error(models->output, error.text);
        return -1;
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

/* Loads the model at models->path, where none is loaded, for the kernel that is set or wins a race. */
static int open_for_settings(struct models *models)
{
    if (open_model(models, kernel_set(models)) != 0) {
        return -1;
    }
    models->kernel = models->engine.model.kernel;
    return 0;
}

/* Loads the first usable model and reports the errors of those before it. `passed` is the first file that is named like
   a model but does not begin like one. */
static int load_first(struct models *models)
{
    struct error error = {""};
    char passed[PLATFORM_NAME_MAX] = "";
    uint32_t tried = 0;
    models_rewind(models);
    while (models_next(models, &error)) {
        model_walk_path(models->path, models->entry.name);
        if (!begins_as_model(models)) {
            if (passed[0] == 0) {
                format(passed, sizeof passed, "%s", models->entry.name);
            }
            continue;
        }
        tried++;
        if (open_for_settings(models) == 0) {
            return 0;
        }
        if (models->stopped || models->gone) {
            return -1;
        }
    }
    if (error.text[0] == 0 && tried == 0) {
        const bool any = passed[0] != 0;
        error_set(&error, "no model in %s%s%s%s; copy a .GGUF file there and press Enter", MODELS_FOLDER,
                  any ? ": " : "", passed, any ? " is not a GGUF model file" : "");
    }
    if (error.text[0] != 0) {
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
    model_walk_path(models->path, name);
    return open_for_settings(models);
}

int models_load(struct models *models)
{
    kernel_runs(models);
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
    *out = (struct engine_plan){.kind = ""};
    if (scratch == NULL) {
        return 0;
    }
    const int status = engine_plan(scratch, platform, path, kernel, models->config->context, memory, out, error);
    platform->release(platform, scratch, sizeof *scratch);
    return status;
}

/* Loads the model `name` with the settings as they are now. Keeps the current one if the new one's header or size rules
   it out, and reloads it if loading fails later and the drive answers. Returns 0, or -1 after reporting the error. */
static int change(struct models *models, const char *name)
{
    struct engine_plan needs;
    struct error error;
    char path[MODEL_PATH_MAX], former[MODEL_PATH_MAX];
    const bool loaded = models->loaded;
    const struct race race = models->engine.race;
    model_walk_path(path, name);
    int status = plan(models, path, kernel_planned(models), &needs, &error);
    if (status == 0 && needs.bytes > 0 && needs.context == 0) {
        status = engine_refuse_size(path, engine_shortest_context(needs.context_asked), needs.bytes,
                                    memory_for_another(models), &error);
    }
    if (status != 0) {
        output_error(models->output, error.text);
        return -1;
    }
    models_close(models);
    format(former, sizeof former, "%s", models->path);
    format(models->path, sizeof models->path, "%s", path);
    if (!text_equal(path, former)) {
        models->engine.race = (struct race){{0}};
    }
    if (open_for_settings(models) == 0) {
        return 0;
    }
    models->engine.race = race;
    if (loaded && !models->gone) {
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
    return change(models, name);
}

const char *models_name(const struct models *models)
{
    return without_folder(models->path);
}

int models_use_kernel(struct models *models)
{
    if (!kernel_runs(models)) {
        return -1;
    }
    if (models->loaded) {
        return change(models, models_name(models));
    }
    models->kernel = kernel_planned(models);
    return 0;
}

bool models_fit_context(struct models *models)
{
    const struct engine *engine = &models->engine;
    const uint32_t own = engine->gguf.context, wanted = models->config->context;
    return models->loaded && (wanted < own ? wanted : own) != engine->context_asked &&
           change(models, models_name(models)) == 0;
}

bool models_fits(struct models *models, const struct kernel *kernel)
{
    struct engine_plan needs;
    struct error error;
    return plan(models, models->path, kernel, &needs, &error) != 0 || needs.bytes == 0 || needs.context > 0;
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

/* Writes whether models->entry can be loaded. Returns the kind of the file, "" if unknown, NULL with *failure filled if
   the drive does not answer. */
static const char *judge(struct models *models, const char *path, char *out, size_t size, struct error *failure)
{
    struct engine_plan needs;
    struct error error;
    if (models->loaded && text_equal(path, models->path)) {
        format(out, size, "loaded");
        return gguf_kind_name(models->engine.gguf.file_type);
    }
    if (plan(models, path, kernel_planned(models), &needs, &error) != 0) {
        if (models->platform->is_gone) {
            *failure = error;
            return NULL;
        }
        const size_t prefix = text_length(path); /* the row has the name, unless another part of the model is meant */
        const bool named = text_length(error.text) > prefix + 2 && memcmp(error.text, path, prefix) == 0;
        format(out, size, "cannot be used: %s", error.text + (named ? prefix + 2 : 0));
    } else if (needs.bytes == 0) {
        format(out, size, "%s", "");
    } else if (needs.context == 0) {
        format(out, size, "no, needs %s", figure_size(needs.bytes).text);
    } else if (needs.context < needs.context_asked) {
        format(out, size, "fits, context %u", needs.context);
    } else {
        format(out, size, "fits");
    }
    return needs.kind;
}

/* Shows a model in columns. A name that is too long for its column has a line of its own, and so has a verdict that
   would reach the edge of the screen. */
static void say_row(struct models *models, uint32_t number, const char *kind, const char *verdict)
{
    static const char indent[] = "    ";
    char name[PLATFORM_NAME_MAX + NAME_COLUMNS], kinds[16], numbers[16];
    const uint32_t columns = models->platform->columns, width = columns > 0 ? columns : LIST_COLUMNS;
    const bool below = ROW_COLUMNS + column_count(verdict) >= width;
    format(numbers, sizeof numbers, "%2u  ", number);
    column_pad(name, sizeof name, models->entry.name, NAME_COLUMNS);
    if (column_count(name) > NAME_COLUMNS) {
        output_say(models->output, COLOUR_TEXT, "%s%s\n", numbers, name);
        format(numbers, sizeof numbers, "%s", indent);
        column_pad(name, sizeof name, "", NAME_COLUMNS);
    }
    column_pad(kinds, sizeof kinds, kind, below ? 0 : KIND_COLUMNS);
    output_say(models->output, COLOUR_TEXT, "%s%s %9s%s%s%s%s\n", numbers, name, figure_size(model_bytes(models)).text,
               below && kind[0] == 0 ? "" : "  ", kinds, below ? "" : "  ", below ? "" : verdict);
    if (below) {
        output_say(models->output, COLOUR_TEXT, "%s%s\n", indent, verdict);
    }
}

/* This reads the header of every file, which takes time on a slow medium: Escape stops it. */
void models_list(struct models *models)
{
    char path[MODEL_PATH_MAX], verdict[256];
    struct error error = {""};
    uint32_t number = 0;
    models_rewind(models);
    while (models_next(models, &error)) {
        model_walk_path(path, models->entry.name);
        const char *kind = judge(models, path, verdict, sizeof verdict, &error);
        if (kind == NULL) {
            output_error(models->output, error.text);
            return;
        }
        if (typeahead_stop_asked(models->typeahead)) {
            return;
        }
        say_row(models, ++number, kind, verdict);
    }
    if (models->walk.is_cut) {
        output_say(models->output, COLOUR_NOTE,
                   "There is more in folders that lie too deep, have too long a name or are too many.\n");
    }
    if (error.text[0] != 0) {
        output_error(models->output, error.text);
    } else if (number == 0) {
        output_error(models->output, "no model in " MODELS_FOLDER "; copy a .GGUF file there");
    }
}
