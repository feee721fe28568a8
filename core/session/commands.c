#include "session/commands.h"

#include "base/error.h"
#include "base/format.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "session/banner.h"
#include "session/bench_table.h"
#include "session/column.h"
#include "session/similar.h"

_Static_assert(sizeof "/set repeat_penalty = " + CONFIG_VALUE_MAX < LINE_MAX, "what /set shows can be typed back");

static void help(struct commands *commands);

static const char forgotten[] = "The conversation is forgotten.\n";

void commands_begin(struct commands *commands, struct platform *platform, struct output *output,
                    struct settings *settings, struct models *models, struct talk *talk)
{
    commands->platform = platform;
    commands->output = output;
    commands->settings = settings;
    commands->models = models;
    commands->talk = talk;
    commands->leave = false;
}

/* ---- Stories and models ---- */

static void again(struct commands *commands)
{
    talk_again(commands->talk);
}

/* Without a chat, /new has nothing to forget; say so instead of nothing. */
static void begin_anew(struct commands *commands)
{
    if (talk_chat(commands->talk) == NULL) {
        output_say(commands->output, COLOUR_NOTE, "Nothing to forget: %s.\n",
                   !commands->models->loaded         ? "no model is loaded"
                   : talk_is_unknown(commands->talk) ? "this model's chat template is of an unknown kind"
                                                     : "this model does not chat");
        return;
    }
    talk_begin_anew(commands->talk);
    output_say(commands->output, COLOUR_NOTE, "%s", forgotten);
}

void commands_say_model(struct commands *commands)
{
    banner_model(commands->output, commands->models, talk_chat(commands->talk) != NULL);
    if (talk_is_unknown(commands->talk)) {
        banner_unknown_chat(commands->output);
    }
}

static void list_models(struct commands *commands)
{
    models_list(commands->models);
}

static void load_model(struct commands *commands, const char *name)
{
    if (models_choose(commands->models, name) == 0) {
        settings_keep_model(commands->settings, models_name(commands->models));
        commands_say_model(commands);
    }
}

/* Without a name, lists the models to choose from. */
static void choose_model(struct commands *commands)
{
    if (commands->argument[0] == 0) {
        list_models(commands);
    } else {
        load_model(commands, commands->argument);
    }
}

static void info(struct commands *commands)
{
    banner_details(commands->output, commands->models, talk_chat(commands->talk) != NULL);
}

static void bench(struct commands *commands)
{
    bench_table(commands->output, commands->models);
}

/* ---- Settings ---- */

/* Shows the value of a setting and what is allowed. `cut`: it is a line of the list, so a long value is shortened. */
static void show_setting(struct commands *commands, uint32_t index, bool cut)
{
    enum { CUT_COLUMNS = 31, VALUE_COLUMNS = 13 };
    char value[CONFIG_VALUE_MAX + VALUE_COLUMNS], line[CONFIG_VALUE_MAX + 200], allowed[96];
    size_t used = format(line, sizeof line, "%-14s = ", config_key(index));
    config_value(&commands->settings->config, index, value, sizeof value);
    config_allowed(index, allowed, sizeof allowed);
    if (cut) {
        column_cut(value, CUT_COLUMNS);
    }
    used += column_pad(line + used, sizeof line - used, value, VALUE_COLUMNS);
    format(line + used, sizeof line - used, "  %s%s\n", allowed,
           config_effect(index) == EFFECT_START ? ", at start" : "");
    output_long(commands->output, COLOUR_TEXT, line);
}

/* Shows the new value of a setting. */
static void say_value(struct commands *commands, uint32_t index)
{
    char line[CONFIG_VALUE_MAX + 32];
    size_t used = format(line, sizeof line, "%s = ", config_key(index));
    config_value(&commands->settings->config, index, line + used, sizeof line - used - 1);
    used = text_length(line);
    format(line + used, sizeof line - used, "\n");
    output_long(commands->output, COLOUR_NOTE, line);
}

/* Puts setting `index`, which has just been set, into effect. On failure returns false after reporting the error. */
static bool apply(struct commands *commands, uint32_t index)
{
    struct platform *platform = commands->platform;
    const struct config *config = &commands->settings->config;
    const enum config_effect effect = config_effect(index);
    if (effect == EFFECT_SEED) {
        settings_draw_seed(commands->settings, platform);
    } else if (effect == EFFECT_COLOUR) {
        output_use_colour(commands->output);
    } else if (!settings_changed(commands->settings, index)) {
        return true;
    } else if (effect == EFFECT_SERIAL && !platform->set_serial(platform, config->serial_port, config->serial_speed)) {
        output_error(commands->output, platform->error);
        return false;
    } else if (effect == EFFECT_CHAT) {
        talk_forget(commands->talk);
    } else if (effect == EFFECT_PROCESSORS) {
        models_share(commands->models);
    } else if (effect == EFFECT_KERNEL) {
        return models_use_kernel(commands->models) == 0;
    } else if (effect == EFFECT_CONTEXT && models_fit_context(commands->models)) {
        commands_say_model(commands);
    }
    return true;
}

/* Loads the model that has just been set. The setting changes only if loading succeeds. */
static void apply_model(struct commands *commands)
{
    char name[PLATFORM_NAME_MAX];
    format(name, sizeof name, "%s", commands->settings->config.model); /* without quotes */
    settings_undo(commands->settings);
    if (name[0] == 0) {
        list_models(commands);
    } else {
        load_model(commands, name);
    }
}

/* A system message and a stop text have no effect unless the model chats. One that is still to come may. */
static void warn_of_no_chat(struct commands *commands)
{
    const struct config *config = &commands->settings->config;
    const bool stop = config->chat_stop[0] != 0, useless = stop || config->chat_system[0] != 0;
    if (commands->models->loaded && talk_chat(commands->talk) == NULL && useless) {
        output_say(commands->output, COLOUR_NOTE,
                   "%s only counts in a chat; without chat_prefix this model tells stories.\n",
                   stop ? "chat_stop" : "chat_system");
    }
}

/* Returns the length of the name before a blank or '='; points *value at what follows. */
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

/* Changes a setting, puts it into effect and shows it. */
static void change_setting(struct commands *commands, uint32_t index, const char *value)
{
    struct error error;
    const char *key = config_key(index);
    if (settings_set(commands->settings, key, text_length(key), value, text_length(value), &error) != 0) {
        output_error(commands->output, error.text);
    } else if (config_effect(index) == EFFECT_START) {
        settings_undo(commands->settings);
        output_say(commands->output, COLOUR_ERROR, "Error: %s takes effect only at start: write it into %s\n", key,
                   commands->settings->path);
    } else if (config_effect(index) == EFFECT_MODEL) {
        apply_model(commands);
    } else if (!apply(commands, index)) {
        settings_undo(commands->settings);
    } else {
        say_value(commands, index);
        if (config_effect(index) == EFFECT_CHAT) {
            warn_of_no_chat(commands);
        }
    }
}

/* "/set", "/set KEY", "/set KEY VALUE", "/set KEY = VALUE". */
static void set(struct commands *commands)
{
    struct error error;
    const char *rest = commands->argument, *value;
    const size_t n = split(rest, &value);
    for (uint32_t i = 0; n == 0 && i < CONFIG_KEYS; i++) {
        show_setting(commands, i, true);
    }
    if (n == 0) {
        return;
    }
    const int index = config_find(rest, n, &error);
    if (index < 0) {
        output_error(commands->output, error.text);
    } else if (rest[n] == 0) {
        show_setting(commands, (uint32_t)index, false);
    } else {
        change_setting(commands, (uint32_t)index, value);
    }
}

/* ---- Kernels ---- */

/* similar: a known word that is close; if NULL, `otherwise` says where to find them all. */
static void say_unknown(struct commands *commands, const char *what, const char *typed, const char *similar,
                        const char *otherwise)
{
    const bool close = similar != NULL;
    output_say(commands->output, COLOUR_ERROR, "Error: unknown %s %s; %s%s%s\n", what, typed,
               close ? "did you mean " : otherwise, close ? similar : "", close ? "?" : "");
}

/* /set kernel, with the words that can be meant; without a name, says which one is in use. */
static void choose_kernel(struct commands *commands)
{
    const char *typed = commands->argument, *names[1 + KERNELS] = {"auto"};
    uint32_t count = 1;
    bool known = text_equal_nocase(typed, "auto");
    struct error error;
    for (uint32_t i = 0; i < KERNELS; i++) {
        const char *name = kernel_at(i)->name;
        known = known || text_equal_nocase(typed, name);
        if (kernel_usable(kernel_at(i), &commands->models->cpu)) {
            names[count++] = name;
        }
    }
    if (typed[0] != 0 && !known) {
        say_unknown(commands, "kernel", typed, similar_word(typed, names, count), "/info lists them");
        return;
    }
    if (known) {
        static const char key[] = "kernel";
        settings_set(commands->settings, key, sizeof key - 1, typed, text_length(typed), &error);
        if (!apply(commands, (uint32_t)config_find(key, sizeof key - 1, &error))) {
            settings_undo(commands->settings);
            return;
        }
    }
    banner_kernel(commands->output, commands->models);
}

/* ---- Leaving ---- */

/* Users try /save; this explains why it cannot exist. */
static void save(struct commands *commands)
{
    output_error(commands->output, "nothing can be saved: bootllama reads its disk and never writes to it");
}

/* `way` returns only if it fails. */
static void leave_by(struct commands *commands, void (*way)(struct platform *), const char *otherwise)
{
    way(commands->platform);
    output_error(commands->output, otherwise);
}

void commands_reboot(struct commands *commands)
{
    leave_by(commands, commands->platform->reboot, "this machine does not restart by itself; press its reset button");
}

void commands_off(struct commands *commands)
{
    leave_by(commands, commands->platform->power_off, "this machine cannot switch itself off; use its power button");
}

static void leave(struct commands *commands)
{
    commands->leave = true;
}

/* ---- The table ---- */

static const struct command {
    char name[10], argument[12];
    const char *what;
    void (*run)(struct commands *commands);
} table[] = {
    {"/again", "", "tells the last story again, with the same seed", again},
    {"/new", "", "forgets the conversation", begin_anew},
    {"/set", "KEY VALUE", "changes a setting, like /set seed 7; alone, shows them all", set},
    {"/models", "", "lists the models on this disk", list_models},
    {"/model", "NAME", "loads a model, by name or by its number in that list", choose_model},
    {"/info", "", "describes the machine and the model", info},
    {"/bench", "", "measures how fast each kernel computes here", bench},
    {"/kernel", "NAME", "computes with another kernel: the same text at another speed", choose_kernel},
    {"/save", "", "does not exist: bootllama only reads its disk", save},
    {"/reboot", "", "restarts the machine", commands_reboot},
    {"/off", "", "switches the machine off", commands_off},
    {"/exit", "", "returns to what started bootllama", leave},
    {"/help", "", "this list", help},
};

enum { COMMANDS = sizeof table / sizeof table[0] };

/* Made from the table, so that no command is missing. */
static void help(struct commands *commands)
{
    commands_hint(commands);
    output_say(commands->output, COLOUR_TEXT,
               "Esc or Ctrl-C stops a story, Up recalls earlier lines, Tab completes a command\n");
    for (uint32_t i = 0; i < COMMANDS; i++) {
        char typed[24];
        format(typed, sizeof typed, "%s %s", table[i].name, table[i].argument);
        output_say(commands->output, COLOUR_TEXT, "%-14s  %s\n", typed, table[i].what);
    }
}

void commands_hint(struct commands *commands)
{
    output_say(commands->output, COLOUR_NOTE, "%s; /help: all commands\n",
               talk_chat(commands->talk) == NULL ? "Enter: another story; text: a story that begins with it"
                                                 : "Text: what you say to it; /new: another conversation");
}

void commands_run(struct commands *commands, char *typed)
{
    const char *names[COMMANDS];
    char name[32];
    size_t n = text_length(typed);
    while (typed[n - 1] == ' ') { /* the '/' ends this */
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
    commands->argument = rest; /* stays valid until the next line is typed */
    const bool talked = talk_has_turns(commands->talk);
    for (uint32_t i = 0; i < COMMANDS; i++) {
        names[i] = table[i].name;
        if (text_equal_nocase(name, names[i])) {
            table[i].run(commands);
            if (talked && commands->models->engine.text_count == 0 && table[i].run != begin_anew) {
                output_say(commands->output, COLOUR_NOTE, "%s",
                           forgotten); /* by a change of model, kernel or processors */
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
    say_unknown(commands, "command", name, key >= 0 ? setting : similar_word(name, names, COMMANDS), "/help lists all");
}

/* ---- Completion ---- */

/* Whether `word` begins with `start`, ignoring case. */
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

/* Returns word number *index of those that can stand at this place of the line, and increments *index; NULL past the
   last. Models are walked over, so they come in order only. */
static const char *next_word(struct commands *commands, enum place place, uint32_t *index)
{
    const uint32_t i = (*index)++;
    if (place == MODEL_NAMES) {
        struct error unshown = {""};
        if (i == 0) {
            models_rewind(commands->models);
        }
        return models_next(commands->models, &unshown) ? commands->models->entry.name : NULL;
    }
    if (place == KERNEL_NAMES) {
        return i < KERNELS ? kernel_at(i)->name : NULL;
    }
    if (place == SETTING_KEYS) {
        return i < CONFIG_KEYS ? config_key(i) : NULL;
    }
    return i < COMMANDS ? table[i].name : NULL;
}

/* The search continues after the previous candidate, so a folder is read once, not once for each file. */
bool commands_complete(void *context, const char *before, size_t n, uint32_t index, char *out)
{
    struct commands *commands = context;
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
        commands->candidate = commands->candidate_at = 0;
    }
    while (place < PLACES && (word = next_word(commands, place, &commands->candidate_at)) != NULL) {
        if (begins(word, typed + start) && commands->candidate++ == index) {
            typed[start] = 0;
            const bool argument =
                place == SETTING_KEYS || (place == COMMAND_NAMES && table[commands->candidate_at - 1].argument[0] != 0);
            format(out, LINE_CANDIDATE_MAX, "%s%s%s", typed, word, argument ? " " : "");
            return true;
        }
    }
    return false;
}
