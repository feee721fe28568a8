/* The session that both boot paths end in (console_run of platform.h): power-on, stories without a hand, the prompt. */
#include "session/console.h"

#include "base/error.h"
#include "base/format.h"
#include "base/text.h"

enum { PAUSE_SECONDS = 3, KEY_SPACE = ' ' };

/* ---- Configuration ---- */

/* Messages wait in the buffer of the line until the banner stands: one after the other, each with its NUL, and one NUL
   more. What does not fit is left out: it would be the twelfth of the longest kind. */
static void report(struct console *console, const char *between, const char *message)
{
    char *text = console->line.text, *end = text + sizeof console->line.text - 1;
    while (*text != 0) {
        text += text_length(text) + 1;
    }
    format(text, (size_t)(end - text), "%s%s%s", CONFIG_PATH, between, message);
}

static void report_line(void *context, const char *message)
{
    report(context, ", ", message);
}

/* Read in one piece of memory that is given back before the model needs it. */
static void parse_config(struct console *console, struct platform_file *file)
{
    struct platform *platform = console->platform;
    struct error error;
    if (file->size > CONFIG_BYTES_MAX) {
        error_set(&error, "is longer than %u bytes; it is left out", (uint32_t)CONFIG_BYTES_MAX);
        report(console, " ", error.text);
        return;
    }
    char *text = platform->reserve(platform, CONFIG_BYTES_MAX);
    if (text == NULL) {
        report(console, " ", "is left out: no memory for it");
        return;
    }
    if (platform->read(platform, file, 0, text, (uint32_t)file->size) != PLATFORM_OK) {
        error_set(&error, "cannot be read: %s; it is left out", platform->error);
        report(console, " ", error.text);
    } else {
        config_parse(&console->config, text, (size_t)file->size, report_line, console);
    }
    platform->release(platform, text, CONFIG_BYTES_MAX);
}

/* No file is no error: the standard settings are good. */
static void read_config(struct console *console)
{
    struct platform *platform = console->platform;
    struct platform_file file;
    struct error error;
    const int status = platform->open(platform, CONFIG_PATH, &file);
    if (status == PLATFORM_OK) {
        parse_config(console, &file);
        platform->close(platform, &file);
    } else if (status != PLATFORM_NOT_FOUND) {
        error_set(&error, "cannot be opened: %s; it is left out", platform->error);
        report(console, " ", error.text);
    }
}

/* In place of the platform's own, so that whoever sets a colour need not ask. */
static void no_colour(struct platform *platform, enum platform_colour colour)
{
    (void)platform;
    (void)colour;
}

void console_use_colour(struct console *console)
{
    console->platform->set_colour = console->config.colour == SETTING_ON ? console->set_colour : no_colour;
}

/* The configuration comes before the first line, which shall already be in the right place and colour. */
static void start(struct console *console)
{
    struct platform *platform = console->platform;
    const struct config standard = console->config = config_default();
    struct config *config = &console->config;
    read_config(console);
    if ((config->serial_port != standard.serial_port || config->serial_speed != standard.serial_speed) &&
        !platform->set_serial(platform, config->serial_port, config->serial_speed)) {
        struct error error;
        error_set(&error, "serial: %s", platform->error);
        report(console, ", ", error.text);
        config->serial_port = standard.serial_port;
        config->serial_speed = standard.serial_speed;
    }
    console_use_colour(console);
    tell_draw_seed(console);
    team_init(&console->team, platform);
    cpu_detect(&console->cpu);
    console->kernel = kernel_best(&console->cpu);
    banner_machine(console);
    for (const char *text = console->line.text; *text != 0; text += text_length(text) + 1) {
        say_error(console, text);
    }
}

/* ---- Unattended ---- */

/* Whether `key` says that somebody is there; a character then waits to begin the line. */
static bool begins_line(struct console *console, int key)
{
    if (key > KEY_SPACE) {
        console->first_key = key;
    }
    return key != KEY_NONE;
}

/* Counts down, `what` in front of the seconds. Returns false where a key has stopped it. */
static bool count_down(struct console *console, const char *what, uint32_t seconds)
{
    struct platform *platform = console->platform;
    const uint64_t end = platform->microseconds(platform) + (uint64_t)seconds * 1000000u;
    char text[TICKER_MAX];
    uint64_t now;
    int key = KEY_NONE;
    while (key == KEY_NONE && (now = platform->microseconds(platform)) < end) {
        format(text, sizeof text, "%s %u s; any key stops it", what, (uint32_t)((end - now + 999999u) / 1000000u));
        ticker_show(console, text);
        platform->idle(platform);
        key = typeahead_next(&console->keys);
    }
    ticker_show(console, "");
    return !begins_line(console, key);
}

/* Tells stories until there have been enough or somebody is there. */
static void tell_unattended(struct console *console)
{
    const struct config *config = &console->config;
    const bool nothing_to_say = console->chat != NULL && config->prompt[0] == 0;
    if (!console->loaded || config->autostart == SETTING_OFF || nothing_to_say ||
        !count_down(console, "A story begins in", config->countdown)) {
        return;
    }
    for (uint32_t told = 0; config->stories == 0 || told < config->stories; told++) {
        if (told > 0 && !count_down(console, "The next story begins in", PAUSE_SECONDS)) {
            return;
        }
        story_forget(&console->engine);
        if (!tell(console, config->prompt)) {
            return;
        }
    }
    if (config->after == AFTER_PROMPT || begins_line(console, typeahead_next(&console->keys))) {
        return; /* whoever has typed during the last story, too, wants to go on */
    }
    if (config->after == AFTER_REBOOT) {
        command_reboot(console);
    } else {
        command_off(console);
    }
}

/* ---- The prompt ---- */

/* The next line typed is in console->line.text. */
static void read_line(struct console *console)
{
    struct platform *platform = console->platform;
    struct line *line = &console->line;
    line_begin(line, platform, "> ", platform->columns);
    line->history = &console->history;
    line->complete = command_complete;
    line->context = console;
    int key = console->first_key;
    console->first_key = KEY_NONE;
    while (key == KEY_NONE || !line_key(line, key)) {
        key = typeahead_next(&console->keys);
        if (key == KEY_NONE) {
            platform->idle(platform);
        }
    }
}

/* Without a model, any text looks for one again. */
static void obey(struct console *console, char *typed)
{
    if (typed[0] == '/') {
        command_run(console, typed);
        return;
    }
    if (!console->loaded) {
        models_load(console);
    }
    if (!console->loaded) {
        return;
    }
    if (console->chat != NULL && typed[0] == 0) {
        command_hint(console);
    } else {
        tell(console, typed[0] != 0 ? typed : console->config.prompt);
    }
}

/* One line typed and done. The hint comes once: whoever has seen it knows /help. */
static void prompt(struct console *console)
{
    if (console->loaded && !console->hinted) {
        console->hinted = true;
        command_hint(console);
    }
    read_line(console);
    obey(console, console->line.text);
}

void console_run(struct platform *platform)
{
    struct console *console = platform->reserve(platform, sizeof *console);
    if (console == NULL) {
        static const char message[] = "Error: not enough memory to start\n";
        platform->put(platform, message, sizeof message - 1);
        return;
    }
    memset(console, 0, sizeof *console);
    console->platform = platform;
    console->set_colour = platform->set_colour;
    console->first_key = KEY_NONE;
    typeahead_begin(&console->keys, platform);
    start(console);
    models_load(console);
    tell_unattended(console);
    while (!console->leave) {
        prompt(console);
    }
    models_close(console);
    platform->set_colour = console->set_colour;
    platform->release(platform, console, sizeof *console);
}
