/* The session that every platform runs last (console_run of platform.h): power-on, unattended stories, the prompt. */
#include "base/format.h"
#include "base/memory.h"
#include "session/banner.h"
#include "session/commands.h"
#include "session/models.h"
#include "session/output.h"
#include "session/prompt.h"
#include "session/settings.h"
#include "session/talk.h"
#include "session/typeahead.h"

enum { PAUSE_SECONDS = 3 };

struct console {
    struct platform *platform;
    bool hinted; /* the user has been told what to type */
    struct settings settings;
    struct output output;
    struct typeahead typeahead;
    struct models models;
    struct talk talk;
    struct prompt prompt;
    struct commands commands;
};

/* Settings are read before anything is shown, so that the first line goes to the right port in the right colour. */
static void start(struct console *console, struct platform *platform)
{
    console->platform = platform;
    settings_begin(&console->settings, platform);
    output_begin(&console->output, platform, &console->settings.config);
    typeahead_begin(&console->typeahead, platform);
    models_begin(&console->models, platform, &console->output, &console->typeahead, &console->settings.config);
    talk_begin(&console->talk, &console->output, &console->settings, &console->models, &console->typeahead);
    prompt_begin(&console->prompt, platform, &console->typeahead);
    commands_begin(&console->commands, platform, &console->output, &console->settings, &console->models,
                   &console->talk);
    banner_machine(&console->output, &console->models);
    settings_report(&console->settings, &console->output);
}

/* After an error that took the model away, or whose cause the user may take away. */
static void say_none(struct console *console)
{
    output_say(&console->output, COLOUR_NOTE, "No model is loaded now; Enter looks for one again.\n");
}

static void load(struct console *console)
{
    if (models_load(&console->models) == 0) {
        commands_say_model(&console->commands);
    } else if (console->models.gone) {
        say_none(console);
    }
}

/* ---- Unattended ---- */

/* Counts down, showing `what` before the seconds. Returns false if a key stopped it. */
static bool count_down(struct console *console, const char *what, uint32_t seconds)
{
    struct platform *platform = console->platform;
    const uint64_t end = platform->microseconds(platform) + (uint64_t)seconds * 1000000u;
    char text[OUTPUT_TICKER_MAX];
    uint64_t now;
    int key = KEY_NONE;
    while (key == KEY_NONE && (now = platform->microseconds(platform)) < end) {
        format(text, sizeof text, "%s %u s; any key stops it", what, (uint32_t)((end - now + 999999u) / 1000000u));
        output_ticker(&console->output, text);
        platform->idle(platform);
        key = typeahead_next(&console->typeahead);
    }
    output_ticker(&console->output, "");
    return !prompt_take_key(&console->prompt, key);
}

/* Tells the configured number of stories. Returns false if a key stopped it. */
static bool tell_stories(struct console *console)
{
    const struct config *config = &console->settings.config;
    if (!count_down(console, "A story begins in", config->countdown)) {
        return false;
    }
    for (uint32_t count = 0; config->stories == 0 || count < config->stories; count++) {
        if (count > 0 && !count_down(console, "The next story begins in", PAUSE_SECONDS)) {
            return false;
        }
        talk_forget(&console->talk);
        if (!talk_tell(&console->talk, config->prompt)) {
            return false;
        }
    }
    return true;
}

/* A key typed during the last story also asks for the prompt. A chat has nothing to answer without a prompt. */
static void run_unattended(struct console *console)
{
    const struct config *config = &console->settings.config;
    const bool nothing_to_say = talk_chat(&console->talk) != NULL && config->prompt[0] == 0;
    if (!console->models.loaded || config->autostart == SETTING_OFF || nothing_to_say || !tell_stories(console) ||
        config->after == AFTER_PROMPT || prompt_take_key(&console->prompt, typeahead_next(&console->typeahead))) {
        return;
    }
    if (config->after == AFTER_REBOOT) {
        commands_reboot(&console->commands);
    } else {
        commands_off(&console->commands);
    }
}

/* ---- The prompt ---- */

/* Without a model, any line searches for one again. */
static void obey(struct console *console, char *typed)
{
    if (typed[0] == '/') {
        const bool loaded = console->models.loaded;
        commands_run(&console->commands, typed);
        if (loaded && !console->models.loaded) {
            say_none(console);
        }
        return;
    }
    if (!console->models.loaded) {
        load(console);
    }
    if (!console->models.loaded) {
        return;
    }
    if (talk_chat(&console->talk) != NULL && typed[0] == 0) {
        commands_hint(&console->commands);
    } else {
        talk_tell(&console->talk, typed[0] != 0 ? typed : console->settings.config.prompt);
    }
}

/* The hint is shown once: after it, the user knows /help. */
static void prompt(struct console *console)
{
    if (console->models.loaded && !console->hinted) {
        console->hinted = true;
        commands_hint(&console->commands);
    }
    obey(console, prompt_read(&console->prompt, commands_complete, &console->commands));
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
    start(console, platform);
    load(console);
    run_unattended(console);
    while (!console->commands.leave) {
        prompt(console);
    }
    models_close(&console->models);
    typeahead_end(&console->typeahead);
    output_end(&console->output);
    platform->release(platform, console, sizeof *console);
}
