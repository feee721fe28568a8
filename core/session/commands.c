/* What begins with '/' at the prompt: the table of commands, the simple ones, and completion. */
#include "session/console.h"

#include "base/error.h"
#include "base/format.h"
#include "base/text.h"
#include "base/utf8.h"
#include "session/similar.h"

static void help(struct console *console);

static const char forgotten[] = "The conversation is forgotten.\n";

/* /new is no mistake where there is nothing to forget, but it deserves an answer. */
static void begin_anew(struct console *console)
{
    if (console->chat == NULL) {
        say(console, COLOUR_NOTE, "Every story begins anew: this model does not chat.\n");
        return;
    }
    story_forget(&console->engine);
    console->told = false;
    say(console, COLOUR_NOTE, "%s", forgotten);
}

/* Without a name, what there is to choose from. */
static void choose_model(struct console *console)
{
    if (console->argument[0] == 0) {
        models_list(console);
    } else {
        models_choose(console, console->argument);
    }
}

/* ---- Settings ---- */

/* One line on a setting: its value, cut to fit beside what is `allowed`, or whole and alone. */
static void show_setting(struct console *console, uint32_t index, bool allowed)
{
    enum { VALUE_SHOWN = 32 };
    char value[ENGINE_PROMPT_MAX], what[96];
    config_value(&console->config, index, value, sizeof value);
    config_allowed(index, what, sizeof what);
    if (!allowed) {
        say(console, COLOUR_NOTE, "%s = %s\n", config_key(index), value);
        return;
    }
    if (text_length(value) > VALUE_SHOWN) {
        char cut[VALUE_SHOWN];
        utf8_printable(cut, sizeof cut - 3, (const uint8_t *)value, text_length(value));
        format(value, sizeof value, "%s...", cut);
    }
    say(console, COLOUR_TEXT, "%-14s = %-13s  %s%s\n", config_key(index), value, what,
        config_effect(index) == EFFECT_START ? ", at start" : "");
}

/* Whether a setting, no longer than a chat's texts, is the same in both. */
static bool is_same(const struct config *a, const struct config *b, uint32_t index)
{
    char before[CHAT_TEXT_MAX + 2], now[CHAT_TEXT_MAX + 2];
    config_value(a, index, before, sizeof before);
    config_value(b, index, now, sizeof now);
    return text_equal(before, now);
}

/* Makes the key hold that has changed since *before. Returns false, with the error said, where that cannot be. */
static bool apply(struct console *console, uint32_t index, const struct config *before)
{
    struct config *config = &console->config;
    struct platform *platform = console->platform;
    const enum config_effect effect = config_effect(index);
    if (effect == EFFECT_SEED) {
        tell_draw_seed(console);
    } else if (effect == EFFECT_COLOUR) {
        console_use_colour(console);
    } else if (is_same(before, config, index)) {
        return true;
    } else if (effect == EFFECT_SERIAL && !platform->set_serial(platform, config->serial_port, config->serial_speed)) {
        say_error(console, platform->error);
        return false;
    } else if (effect == EFFECT_CHAT) {
        story_forget(&console->engine);
        tell_prepare(console);
    } else if (effect == EFFECT_PROCESSORS && console->loaded) {
        engine_share(&console->engine, &console->team, config->processors);
        tell_prepare(console);
    }
    return true;
}

/* Loads the model that has just been set. The key is kept once that is done. */
static void apply_model(struct console *console, const struct config *before)
{
    char name[PLATFORM_NAME_MAX];
    format(name, sizeof name, "%s", console->config.model); /* without quotes */
    console->config = *before;
    console->argument = name;
    choose_model(console);
}

/* Where a name that ends at a blank or '=' ends, and *value what follows these. */
static size_t split(const char *text, const char **value)
{
    size_t n = 0;
    while (text[n] != 0 && text[n] != ' ' && text[n] != '=') {
        n++;
    }
    *value = text + n;
    for (bool equals = false; **value == ' ' || (**value == '=' && !equals); (*value)++) {
        equals = equals || **value == '=';
    }
    return n;
}

/* "/set", "/set KEY", "/set KEY VALUE", "/set KEY = VALUE". The settings of before are kept until the new ones hold. */
static void set(struct console *console)
{
    struct error error;
    const char *rest = console->argument, *value;
    const size_t n = split(rest, &value);
    if (n == 0) {
        for (uint32_t i = 0; i < CONFIG_KEYS; i++) {
            show_setting(console, i, true);
        }
        return;
    }
    const int index = config_find(rest, n, &error);
    if (index >= 0 && rest[n] == 0) {
        show_setting(console, (uint32_t)index, true);
        return;
    }
    const struct config before = console->config;
    if (index < 0 || config_set(&console->config, rest, n, value, text_length(value), &error) != 0) {
        say_error(console, error.text);
    } else if (config_effect((uint32_t)index) == EFFECT_START) {
        console->config = before;
        say(console, COLOUR_ERROR, "Error: %s counts at start: write it into %s\n", config_key((uint32_t)index),
            CONFIG_PATH);
    } else if (config_effect((uint32_t)index) == EFFECT_MODEL) {
        apply_model(console, &before);
    } else if (apply(console, (uint32_t)index, &before)) {
        show_setting(console, (uint32_t)index, false);
        const bool stop_alone = console->chat == NULL && console->config.chat_stop[0] != 0;
        if (stop_alone && config_effect((uint32_t)index) == EFFECT_CHAT) {
            say(console, COLOUR_NOTE, "chat_stop counts in a chat; without chat_prefix this model tells stories.\n");
        }
    } else {
        console->config = before;
    }
}

/* similar: a known word that is close, NULL = none; then `otherwise` says where they all are. */
static void say_unknown(struct console *console, const char *what, const char *typed, const char *similar,
                        const char *otherwise)
{
    const bool close = similar != NULL;
    say(console, COLOUR_ERROR, "Error: unknown %s %s; %s%s%s\n", what, typed, close ? "did you mean " : otherwise,
        close ? similar : "", close ? "?" : "");
}

/* The same model once more, laid out for another kernel; without a name it says which one computes. */
static void choose_kernel(struct console *console)
{
    const char *typed = console->argument, *names[KERNELS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < KERNELS; i++) {
        const struct kernel *kernel = kernel_at(i);
        const bool usable = kernel_usable(kernel, &console->cpu), meant = text_equal_nocase(typed, kernel->name);
        if (meant && !usable) {
            say(console, COLOUR_ERROR, "Error: this CPU cannot run the kernel %s; /info lists those it can\n",
                kernel->name);
            return;
        }
        if (meant) {
            models_reload(console, kernel);
            typed = "";
        }
        if (usable) {
            names[count++] = kernel->name;
        }
    }
    if (typed[0] != 0) {
        say_unknown(console, "kernel", typed, similar_word(typed, names, count), "/info lists them");
    } else {
        banner_kernel(console);
    }
}

/* ---- Leaving ---- */

/* People look for it, so it is there to say why there is none. */
static void save(struct console *console)
{
    say_error(console, "nothing can be saved: bootllama reads its disk and never writes to it");
}

/* Firmware that can do it does not come back. */
static void leave_by(struct console *console, void (*way)(struct platform *), const char *otherwise)
{
    way(console->platform);
    say_error(console, otherwise);
}

void command_reboot(struct console *console)
{
    leave_by(console, console->platform->reboot, "this machine does not restart by itself; press its reset button");
}

void command_off(struct console *console)
{
    leave_by(console, console->platform->power_off,
             "this machine cannot switch itself off; its power button may be used now");
}

static void leave(struct console *console)
{
    console->leave = true;
}

/* ---- The table ---- */

static const struct command {
    char name[10], argument[12];
    const char *what;
    void (*run)(struct console *console);
} commands[] = {
    {"/again", "", "the same once more, with the same seed", tell_again},
    {"/new", "", "forgets the conversation", begin_anew},
    {"/set", "KEY VALUE", "changes a setting, like /set seed 7; alone: shows them all", set},
    {"/models", "", "the models on this disk", models_list},
    {"/model", "NAME", "loads another one; its number in that list will do", choose_model},
    {"/info", "", "all about machine and model", banner_details},
    {"/bench", "", "how fast each kernel computes here", bench_table},
    {"/kernel", "NAME", "computes with another kernel: the same text at another speed", choose_kernel},
    {"/save", "", "is not there: the disk is only read", save},
    {"/reboot", "", "restarts the machine", command_reboot},
    {"/off", "", "switches it off", command_off},
    {"/exit", "", "back to where bootllama was started from", leave},
    {"/help", "", "this list", help},
};

enum { COMMANDS = sizeof commands / sizeof commands[0] };

/* The table as it stands, so that no command is forgotten. */
static void help(struct console *console)
{
    command_hint(console);
    say(console, COLOUR_TEXT, "Esc or Ctrl-C stops a story; Up: earlier lines; Tab: completes a command\n");
    for (uint32_t i = 0; i < COMMANDS; i++) {
        char typed[24];
        format(typed, sizeof typed, "%s %s", commands[i].name, commands[i].argument);
        say(console, COLOUR_TEXT, "%-14s  %s\n", typed, commands[i].what);
    }
}

void command_hint(struct console *console)
{
    say(console, COLOUR_NOTE, "%s; /help: all commands\n",
        console->chat == NULL ? "Enter: another story; text: a story that begins with it"
                              : "Text: what you say to it; /new: another conversation");
}

void command_run(struct console *console, char *typed)
{
    const char *names[COMMANDS];
    char name[32];
    size_t n = text_length(typed);
    while (typed[n - 1] == ' ') { /* there is a '/' before it */
        typed[--n] = 0;
    }
    n = 0;
    while (typed[n] != 0 && typed[n] != ' ') {
        n++;
    }
    utf8_printable(name, sizeof name, (const uint8_t *)typed, n);
    const char *rest = typed + n;
    while (*rest == ' ') {
        rest++;
    }
    console->argument = rest; /* stays in the line that was typed until the next one begins */
    const bool talked = console->chat != NULL && console->engine.text_count > 0;
    for (uint32_t i = 0; i < COMMANDS; i++) {
        names[i] = commands[i].name;
        if (text_equal_nocase(name, names[i])) {
            commands[i].run(console);
            if (talked && console->engine.text_count == 0 && commands[i].run != begin_anew) {
                say(console, COLOUR_NOTE, "%s", forgotten); /* by another model, kernel or number of processors */
            }
            return;
        }
    }
    struct error error;
    char setting[32];
    const int key = config_find(name + 1, text_length(name + 1), &error);
    if (key >= 0) {
        format(setting, sizeof setting, "/set %s", config_key((uint32_t)key));
    }
    say_unknown(console, "command", name, key >= 0 ? setting : similar_word(name, names, COMMANDS), "/help lists all");
}

/* ---- Completion ---- */

/* Whether `word` begins with `start`, in any case. */
static bool begins(const char *word, const char *start)
{
    char beginning[LINE_CANDIDATE_MAX];
    const size_t n = text_length(start);
    if (text_length(word) < n || n >= sizeof beginning) {
        return false;
    }
    format(beginning, sizeof beginning, "%s", word);
    beginning[n] = 0;
    return text_equal_nocase(beginning, start);
}

enum place { MODEL_NAMES, KERNEL_NAMES, SETTING_KEYS, COMMAND_NAMES, PLACES };

/* The word number *index (which counts on) that can stand at a place of the line, or NULL past the last one. */
static const char *next_word(struct console *console, enum place place, uint32_t *index)
{
    if (place == MODEL_NAMES) {
        return models_next(console, index) == PLATFORM_OK ? console->entry.name : NULL;
    }
    const uint32_t i = (*index)++;
    if (place == KERNEL_NAMES) {
        return i < KERNELS ? kernel_at(i)->name : NULL;
    }
    if (place == SETTING_KEYS) {
        return i < CONFIG_KEYS ? config_key(i) : NULL;
    }
    return i < COMMANDS ? commands[i].name : NULL;
}

/* Goes on where the candidate before was found: a folder is read once, and not anew for each of its files. */
bool command_complete(void *context, const char *before, size_t n, uint32_t index, char *out)
{
    struct console *console = context;
    static const char starts[PLACES][12] = {"/model ", "/kernel ", "/set ", "/"};
    char typed[LINE_CANDIDATE_MAX];
    uint32_t place = 0;
    const char *word;
    if (n >= sizeof typed) {
        return false;
    }
    memcpy(typed, before, n);
    typed[n] = 0;
    while (place < PLACES && !begins(typed, starts[place])) {
        place++;
    }
    const size_t start = place < COMMAND_NAMES ? text_length(starts[place]) : 0;
    if (index == 0) {
        console->candidate = console->candidate_at = 0;
    }
    while (place < PLACES && (word = next_word(console, place, &console->candidate_at)) != NULL) {
        if (begins(word, typed + start) && console->candidate++ == index) {
            typed[start] = 0;
            const bool argument = place == SETTING_KEYS ||
                                  (place == COMMAND_NAMES && commands[console->candidate_at - 1].argument[0] != 0);
            format(out, LINE_CANDIDATE_MAX, "%s%s%s", typed, word, argument ? " " : "");
            return true;
        }
    }
    return false;
}
