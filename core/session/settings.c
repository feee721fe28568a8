#include "session/settings.h"

#include "base/error.h"
#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"

/* ---- At power-on ---- */

/* What does not fit is left out: it would be the twelfth of the longest kind. */
static void report(struct settings *settings, const char *between, const char *message)
{
    char *text = settings->reports + settings->report_bytes;
    const size_t room = sizeof settings->reports - settings->report_bytes;
    if (room > 1) {
        settings->report_bytes += (uint32_t)format(text, room, "%s%s%s", SETTINGS_PATH, between, message) + 1;
    }
}

static void report_line(void *context, const char *message)
{
    report(context, ", ", message);
}

/* The text lies in a piece of memory that is given back before the model needs it. */
static void parse_file(struct settings *settings, struct platform *platform, struct platform_file *file)
{
    struct error error;
    if (file->size > CONFIG_BYTES_MAX) {
        error_set(&error, "is longer than %u bytes; it is ignored", (uint32_t)CONFIG_BYTES_MAX);
        report(settings, " ", error.text);
        return;
    }
    char *text = platform->reserve(platform, CONFIG_BYTES_MAX);
    if (text == NULL) {
        report(settings, " ", "is ignored: there is no memory for it");
        return;
    }
    if (platform->read(platform, file, 0, text, (uint32_t)file->size) != PLATFORM_OK) {
        error_set(&error, "cannot be read: %s; it is ignored", platform->error);
        report(settings, " ", error.text);
    } else {
        config_parse(&settings->config, text, (size_t)file->size, report_line, settings);
    }
    platform->release(platform, text, CONFIG_BYTES_MAX);
}

static void read_file(struct settings *settings, struct platform *platform)
{
    struct platform_file file;
    struct error error;
    const int status = platform->open(platform, SETTINGS_PATH, &file);
    if (status == PLATFORM_OK) {
        parse_file(settings, platform, &file);
        platform->close(platform, &file);
    } else if (status != PLATFORM_NOT_FOUND) {
        error_set(&error, "cannot be opened: %s; it is ignored", platform->error);
        report(settings, " ", error.text);
    }
}

void settings_begin(struct settings *settings, struct platform *platform)
{
    const struct config standard = config_default();
    struct config *config = &settings->config;
    settings->config = standard;
    settings->report_bytes = 0;
    read_file(settings, platform);
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
    char before[CHAT_TEXT_MAX + 2], now[CHAT_TEXT_MAX + 2];
    config_value(&settings->before, index, before, sizeof before);
    config_value(&settings->config, index, now, sizeof now);
    return !text_equal(before, now);
}

void settings_keep_model(struct settings *settings, const char *name)
{
    format(settings->config.model, sizeof settings->config.model, "%s", name);
}

/* ---- Seeds ---- */

/* Short enough to be copied by hand. */
void settings_draw_seed(struct settings *settings, struct platform *platform)
{
    if (settings->config.seed_random) {
        settings->config.sampling.seed = (uint32_t)platform->clock_seed(platform);
    }
}

/* The seed counts on whatever becomes of the story, so that what follows does not depend on a key pressed in time. */
uint64_t settings_take_seed(struct settings *settings)
{
    const uint64_t seed = settings->config.sampling.seed;
    settings->config.sampling.seed += seed == 0 ? 2 : 1; /* 0 and 1 are the same to the sampler */
    return seed;
}
