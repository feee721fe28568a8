#include "session/settings.h"

#include "base/error.h"
#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"
#include "session/command_line.h"
#include "session/config_file.h"

/* ---- At power-on ---- */

/* Reports that do not fit are left out; there is room for eleven of the longest. */
static void report_of(struct settings *settings, const char *source, const char *between, const char *message)
{
    char *text = settings->reports + settings->report_bytes;
    const size_t room = sizeof settings->reports - settings->report_bytes;
    if (room > 1) {
        settings->report_bytes += (uint32_t)format(text, room, "%s%s%s", source, between, message) + 1;
    }
}

static void report(struct settings *settings, const char *between, const char *message)
{
    report_of(settings, settings->path, between, message);
}

static void report_line(void *context, const char *message)
{
    report(context, ", ", message);
}

static void report_word(void *context, const char *message)
{
    report_of(context, "command line", ", ", message);
}

/* The text's memory is released before the model needs it. */
static void parse_file(struct settings *settings, struct platform *platform, struct platform_file *file)
{
    struct error error;
    if (file->size > CONFIG_FILE_MAX) {
        error_set(&error, "is longer than %u bytes; it is ignored", (uint32_t)CONFIG_FILE_MAX);
        report(settings, " ", error.text);
        return;
    }
    char *text = platform->reserve(platform, CONFIG_FILE_MAX);
    if (text == NULL) {
        report(settings, " ", "is ignored: there is no memory for it");
        return;
    }
    if (platform->read(platform, file, 0, text, (uint32_t)file->size) != PLATFORM_OK) {
        error_set(&error, "cannot be read: %s; it is ignored", platform->error);
        report(settings, " ", error.text);
    } else {
        config_file_parse(&settings->config, text, (size_t)file->size, report_line, settings);
    }
    platform->release(platform, text, CONFIG_FILE_MAX);
}

/* Reads the file at `path`. Returns whether it exists. */
static bool read_file(struct settings *settings, struct platform *platform, const char *path)
{
    struct platform_file file;
    struct error error;
    const int status = platform->open(platform, path, &file);
    if (status == PLATFORM_NOT_FOUND) {
        return false;
    }
    format(settings->path, sizeof settings->path, "%s", path);
    if (status == PLATFORM_OK) {
        parse_file(settings, platform, &file);
        platform->close(platform, &file);
    } else {
        error_set(&error, "cannot be opened: %s; it is ignored", platform->error);
        report(settings, " ", error.text);
    }
    return true;
}

/* Whether this name was meant for the settings: it begins like SETTINGS_PATH and ends like a text file's. */
static bool is_meant(const struct platform_entry *entry)
{
    static const char stem[] = "bootllam", endings[][6] = {".cfg", ".txt", ".ini", ".conf"};
    const size_t n = text_length(entry->name);
    char start[sizeof stem];
    format(start, sizeof start, "%s", entry->name);
    bool is_text = false;
    for (size_t i = 0; i < sizeof endings / sizeof endings[0]; i++) {
        const size_t ending = text_length(endings[i]);
        is_text = is_text || (n >= ending && text_equal_nocase(entry->name + n - ending, endings[i]));
    }
    return !entry->is_directory && is_text && text_equal_nocase(start, stem) &&
           !text_equal_nocase(entry->name, &SETTINGS_PATH[1]);
}

static void read_files(struct settings *settings, struct platform *platform)
{
    struct platform_entry entry;
    char path[sizeof settings->path];
    bool found = read_file(settings, platform, SETTINGS_PATH);
    for (uint32_t i = 0; platform->list(platform, "/", i, &entry) == PLATFORM_OK; i++) {
        if (!is_meant(&entry)) {
            continue;
        }
        format(path, sizeof path, "/%s", entry.name);
        if (found) {
            struct error error;
            error_set(&error, "is used; %s is ignored: keep one of them", path);
            report(settings, " ", error.text);
        }
        found = found || read_file(settings, platform, path);
    }
}

void settings_begin(struct settings *settings, struct platform *platform)
{
    const struct config standard = config_default();
    struct config *config = &settings->config;
    settings->config = standard;
    settings->report_bytes = 0;
    settings->ignored[0] = 0;
    format(settings->path, sizeof settings->path, "%s", SETTINGS_PATH);
    read_files(settings, platform);
    if (platform->command_line != NULL) {
        command_line_parse(config, platform->command_line, settings->ignored, sizeof settings->ignored, report_word,
                           settings);
    }
    if ((config->serial_port != standard.serial_port || config->serial_speed != standard.serial_speed) &&
        !platform->set_serial(platform, config->serial_port, config->serial_speed)) {
        struct error error;
        error_set(&error, "serial: %s", platform->error);
        report(settings, ", ", error.text);
        config->serial_port = standard.serial_port;
        config->serial_speed = standard.serial_speed;
    }
    settings_draw_seed(settings, platform);
}

void settings_report(const struct settings *settings, struct output *output)
{
    const char *text = settings->reports, *end = text + settings->report_bytes;
    if (settings->ignored[0] != 0) {
        output_say(output, COLOUR_NOTE, "Ignored on the command line:%s\n", settings->ignored);
    }
    for (; text < end; text += text_length(text) + 1) {
        output_error(output, text);
    }
}

/* ---- Changes ---- */

int settings_set(struct settings *settings, const char *key, size_t key_length, const char *value, size_t value_length,
                 struct error *error)
{
    settings->before = settings->config;
    return config_set(&settings->config, key, key_length, value, value_length, error);
}

void settings_undo(struct settings *settings)
{
    settings->config = settings->before;
}

bool settings_changed(const struct settings *settings, uint32_t index)
{
    return !config_same(&settings->before, &settings->config, index);
}

void settings_keep_model(struct settings *settings, const char *name)
{
    format(settings->config.model, sizeof settings->config.model, "%s", name);
}

/* ---- Seeds ---- */

/* Short enough to copy by hand. */
void settings_draw_seed(struct settings *settings, struct platform *platform)
{
    if (settings->config.seed_random) {
        settings->config.sampling.seed = (uint32_t)platform->clock_seed(platform);
    }
}

/* The seed advances however the story ends, so that the next one does not depend on a key pressed in time. */
uint64_t settings_take_seed(struct settings *settings)
{
    const uint64_t seed = settings->config.sampling.seed;
    settings->config.sampling.seed += seed == 0 ? 2 : 1; /* 0 and 1 are the same to the sampler */
    return seed;
}
