/* The session that both boot paths end in: banner, model, story, prompt (console_run of platform.h). */
#include "cpu.h"
#include "engine.h"
#include "keys.h"
#include "line.h"
#include "memory.h"
#include "story.h"

enum { MESSAGE_MAX = 512, PROGRESS_PERIOD_US = 100000 };

static const char MODELS[] = "/MODELS", CONFIG[] = "/BOOTLLAM.CFG";

struct console {
    struct platform *platform;
    struct cpu_features cpu;
    const struct kernel *kernel;
    struct config config;
    bool loaded;       /* engine holds a model */
    uint64_t stories;  /* told so far: each one counts the seed up */
    uint64_t shown_at; /* when progress was shown last, microseconds */
    bool leave;
    char path[PLATFORM_NAME_MAX + sizeof MODELS];
    struct keys keys;
    struct history history;
    struct line line;
    struct platform_entry entry;
    struct engine engine;
};

static void say(struct console *console, const char *pattern, ...) __attribute__((format(printf, 2, 3)));

static void say(struct console *console, const char *pattern, ...)
{
    char text[MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, pattern);
    const size_t n = format_list(text, sizeof text, pattern, arguments);
    va_end(arguments);
    console->platform->put(console->platform, text, n);
}

static void say_error(struct console *console, const char *message)
{
    say(console, "Error: %s\n", message);
}

static void banner(struct console *console)
{
    struct platform *platform = console->platform;
    const bool vendor = platform->vendor[0] != 0;
    say(console, "bootllama %s on %s%s%s%s\n", BOOTLLAMA_VERSION, platform->firmware, vendor ? " (" : "",
        platform->vendor, vendor ? ")" : "");
    say(console, "CPU: %s, kernel %s\n", console->cpu.name, console->kernel->name);
    say(console, "Memory: %u MiB free\n", (uint32_t)(platform->memory_free(platform) >> 20));
}

static void report_config(void *context, const char *message)
{
    say(context, "Error: %s, %s\n", CONFIG, message);
}

static void parse_config(struct console *console, struct platform_file *file)
{
    struct platform *platform = console->platform;
    if (file->size > CONFIG_BYTES_MAX) {
        say(console, "Error: %s is longer than %u bytes; it is left out\n", CONFIG, (uint32_t)CONFIG_BYTES_MAX);
        return;
    }
    char *text = platform->reserve(platform, CONFIG_BYTES_MAX);
    if (text == NULL) {
        say(console, "Error: no memory for %s; it is left out\n", CONFIG);
        return;
    }
    if (platform->read(platform, file, 0, text, (uint32_t)file->size) != PLATFORM_OK) {
        say(console, "Error: %s cannot be read: %s; it is left out\n", CONFIG, platform->error);
    } else {
        config_parse(&console->config, text, (size_t)file->size, report_config, console);
    }
    platform->release(platform, text, CONFIG_BYTES_MAX);
}

static void read_config(struct console *console)
{
    struct platform *platform = console->platform;
    struct platform_file file;
    console->config = config_default();
    const int status = platform->open(platform, CONFIG, &file);
    if (status == PLATFORM_OK) {
        parse_config(console, &file);
        platform->close(platform, &file);
    } else if (status != PLATFORM_NOT_FOUND) {
        say(console, "Error: %s cannot be opened: %s; it is left out\n", CONFIG, platform->error);
    }
}

/* .GGU is what a file system driver without long names shows of .GGUF. Names that begin with a dot are leftovers of
   other systems. */
static bool is_model(const struct platform_entry *entry)
{
    const size_t n = text_length(entry->name);
    return !entry->is_directory && entry->size > 0 && entry->name[0] != '.' && n > 4 &&
           (text_equal_nocase(entry->name + n - 4, ".GGU") || text_equal_nocase(entry->name + n - 5, ".GGUF"));
}

/* Sets console->path to the configured model, or to the first one on the medium. */
static int find_model(struct console *console, struct error *error)
{
    struct platform *platform = console->platform;
    if (console->config.model[0] != 0) {
        format(console->path, sizeof console->path, "%s/%s", MODELS, console->config.model);
        return 0;
    }
    for (uint32_t index = 0;; index++) {
        const int status = platform->list(platform, MODELS, index, &console->entry);
        if (status == PLATFORM_NOT_FOUND) {
            return fail(error, "no model in %s; copy a .GGUF file there and press Enter", MODELS);
        }
        if (status != PLATFORM_OK) {
            return fail(error, "%s cannot be listed: %s", MODELS, platform->error);
        }
        if (is_model(&console->entry)) {
            format(console->path, sizeof console->path, "%s/%s", MODELS, console->entry.name);
            return 0;
        }
    }
}

static uint32_t percentage(uint64_t done, uint64_t total)
{
    while (total > UINT32_MAX / 100) { /* keeps the division in 32 bits */
        total >>= 1;
        done >>= 1;
    }
    return total == 0 ? 100 : (uint32_t)done * 100 / (uint32_t)total;
}

/* Ten times a second, and at the end: a slow console must not slow loading down. */
static bool show_progress(void *context, uint64_t done, uint64_t total)
{
    struct console *console = context;
    const uint64_t now = console->platform->microseconds(console->platform);
    if (now - console->shown_at < PROGRESS_PERIOD_US && done < total) {
        return false;
    }
    console->shown_at = now;
    say(console, "\b\b\b\b\b%3u %%", percentage(done, total));
    return keys_stop_asked(&console->keys);
}

/* As the file says it, or counted; padding counts as well. */
static void say_parameters(struct console *console)
{
    const struct gguf *gguf = &console->engine.gguf;
    const uint32_t thousands = (uint32_t)((gguf->parameters + 500) / 1000);
    if (gguf->size_label[0] != 0) {
        say(console, "%s", gguf->size_label);
    } else if (thousands < 1000) {
        say(console, "%uK", thousands);
    } else if (thousands < 1000000) {
        say(console, "%u.%uM", thousands / 1000, thousands / 100 % 10);
    } else {
        say(console, "%u.%uB", thousands / 1000000, thousands / 100000 % 10);
    }
}

static void say_model(struct console *console)
{
    const struct gguf *gguf = &console->engine.gguf;
    say(console, "Model: %s, ", gguf->name[0] != 0 ? gguf->name : "without a name");
    say_parameters(console);
    say(console, " parameters, context %u", console->engine.context);
    if (console->engine.context < gguf->context) {
        say(console, " of %u, for lack of memory", gguf->context);
    }
    say(console, "\n");
}

static void load_model(struct console *console)
{
    struct error error;
    const struct load_progress progress = {.step = show_progress, .context = console};
    if (find_model(console, &error) != 0) {
        say_error(console, error.text);
        return;
    }
    console->shown_at = console->platform->microseconds(console->platform);
    say(console, "Loading %s:   0 %%", console->path);
    const int status =
        engine_open(&console->engine, console->platform, console->path, console->kernel, &progress, &error);
    say(console, "\n");
    if (status != 0) {
        say_error(console, error.text);
        return;
    }
    console->loaded = true;
    say_model(console);
}

static void tell(struct console *console, const char *prompt)
{
    struct story story = {
        .prompt = prompt,
        .prompt_bytes = text_length(prompt),
        .sampling = console->config.sampling,
        .steps = console->config.steps,
        .keys = &console->keys,
    };
    static const char *const endings[] = {
        [STORY_COMPLETE] = "",
        [STORY_STEPS] = "",
        [STORY_CONTEXT_FULL] = ", the context is full",
        [STORY_STOPPED] = ", stopped",
    };
    struct error error;
    story.sampling.seed += console->stories++;
    say(console, "\n");
    const struct story_result result = story_tell(&console->engine, &story, &error);
    if (result.end == STORY_FAILED) {
        say(console, "%s", result.tokens > 0 ? "\n" : "");
        say_error(console, error.text);
        return;
    }
    const uint32_t speed = story_speed_tenths(&result);
    say(console, "\n\n[%u tokens, %u.%u tokens/s%s]\n", result.tokens, speed / 10, speed % 10, endings[result.end]);
}

static void leave_by(struct console *console, void (*way)(struct platform *), const char *otherwise)
{
    way(console->platform);
    say_error(console, otherwise);
}

static void obey(struct console *console, const char *typed)
{
    struct platform *platform = console->platform;
    if (text_equal_nocase(typed, "/reboot")) {
        leave_by(console, platform->reboot, "this machine does not restart by itself; press its reset button");
    } else if (text_equal_nocase(typed, "/off")) {
        leave_by(console, platform->power_off,
                 "this machine cannot switch itself off; its power button may be used now");
    } else if (text_equal_nocase(typed, "/exit")) {
        console->leave = true;
    } else {
        say_error(console, "unknown command; there are /reboot, /off and /exit (back to the firmware)");
    }
}

/* One line typed and done. Without a model, any line looks for one again. */
static void prompt(struct console *console)
{
    struct platform *platform = console->platform;
    struct line *line = &console->line;
    line_begin(line, platform, "> ", platform->columns);
    line->history = &console->history;
    for (;;) {
        const int key = keys_next(&console->keys);
        if (key == KEY_NONE) {
            platform->idle(platform);
        } else if (line_key(line, key)) {
            break;
        }
    }
    if (line->text[0] == '/') {
        obey(console, line->text);
        return;
    }
    if (!console->loaded) {
        load_model(console);
    }
    if (console->loaded) {
        tell(console, line->length > 0 ? line->text : console->config.prompt);
    }
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
    keys_begin(&console->keys, platform);
    cpu_detect(&console->cpu);
    console->kernel = kernel_best(&console->cpu);
    banner(console);
    read_config(console);
    load_model(console);
    if (console->loaded) {
        tell(console, console->config.prompt);
    }
    while (!console->leave) {
        prompt(console);
    }
    if (console->loaded) {
        engine_close(&console->engine);
    }
    platform->release(platform, console, sizeof *console);
}
