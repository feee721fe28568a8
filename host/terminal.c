#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "pc/terminal_keys.h"
#include "processors.h"
#include "session/models.h"
#include "session/settings.h"

enum { PATH_BYTES = 4096, CTRL_D = 4, IDLE_MS = 50, BYTES_A_CALL = 64 };

static const char LEAVE[] = "\x1b\x15/exit\r"; /* what Ctrl-D types: stop, empty the line, leave */

/* There is one terminal, so one of each of these; signal handlers also need them. */
static struct platform host; /* as host_platform has filled it */
static struct termios original, raw;
static volatile sig_atomic_t resized = 1;
static struct terminal_keys keys;
static const char *typed_by_us = "";
static char folder[PATH_BYTES], config[3 * PLATFORM_NAME_MAX];

/* ---- The terminal's modes ---- */

static void restore(void)
{
    tcsetattr(STDIN_FILENO, TCSADRAIN, &original);
}

static void on_end(int number)
{
    restore();
    signal(number, SIG_DFL);
    raise(number);
}

static void on_stop(int number)
{
    (void)number;
    restore();
    raise(SIGSTOP);
    tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    resized = 1;
}

static void on_resize(int number)
{
    (void)number;
    resized = 1;
}

/* Keys arrive one by one, including Ctrl-C and Ctrl-D. Ctrl-Z and output processing stay on. */
static int take_terminal(void)
{
    static const int ends[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    if (tcgetattr(STDIN_FILENO, &original) != 0) {
        return -1;
    }
    raw = original;
    raw.c_iflag &= ~(tcflag_t)(ICRNL | INLCR | IGNCR | ISTRIP | IXON);
    raw.c_lflag &= ~(tcflag_t)(ECHO | ICANON | IEXTEN);
    raw.c_cc[VINTR] = raw.c_cc[VQUIT] = _POSIX_VDISABLE;
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    atexit(restore);
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        signal(ends[i], on_end);
    }
    signal(SIGTSTP, on_stop);
    signal(SIGWINCH, on_resize);
    return tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
}

static void look_at_size(struct platform *platform)
{
    struct winsize size;
    if (resized) {
        resized = 0;
        platform->columns = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
    }
}

static void put(struct platform *platform, const char *utf8, size_t n)
{
    host.put(platform, utf8, n);
    fflush(stdout);
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    static const char *const sequences[] = {[COLOUR_TEXT] = "\x1b[0m",
                                            [COLOUR_NOTE] = "\x1b[2m",
                                            [COLOUR_ACCENT] = "\x1b[1m",
                                            [COLOUR_ERROR] = "\x1b[31m",
                                            [COLOUR_THOUGHT] = "\x1b[2m"};
    platform->put(platform, sequences[colour], strlen(sequences[colour]));
}

/* ---- Keys ---- */

static bool has_input(int milliseconds)
{
    struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
    return poll(&input, 1, milliseconds) > 0;
}

/* A terminal that has hung up counts as Ctrl-D. */
static int next_byte(void)
{
    uint8_t byte;
    ssize_t got;
    do {
        got = read(STDIN_FILENO, &byte, 1);
    } while (got < 0 && errno == EINTR);
    return got == 1 ? byte : CTRL_D;
}

static int get_key(struct platform *platform)
{
    look_at_size(platform);
    if (*typed_by_us != 0) {
        return *typed_by_us++;
    }
    int key = terminal_keys_idle(&keys, platform->microseconds(platform));
    for (uint32_t i = 0; i < BYTES_A_CALL && key == KEY_NONE && has_input(0); i++) {
        const int byte = next_byte();
        if (byte == CTRL_D) {
            typed_by_us = LEAVE;
            return *typed_by_us++;
        }
        key = terminal_keys_byte(&keys, (uint8_t)byte, platform->microseconds(platform));
    }
    return key;
}

static void idle(struct platform *platform)
{
    (void)platform;
    has_input(IDLE_MS);
}

/* ---- The boot volume: the model's folder and a configuration that names the model ---- */

/* The system's path for a `path` in MODELS_FOLDER; NULL for any other: there is nothing around that folder. */
static const char *system_path(const char *path)
{
    static char full[PATH_BYTES + PLATFORM_NAME_MAX];
    const size_t n = sizeof MODELS_FOLDER - 1;
    if (strncmp(path, MODELS_FOLDER, n) != 0 || (path[n] != 0 && path[n] != '/') || strcmp(path, MODELS_ROOT) == 0) {
        return NULL;
    }
    snprintf(full, sizeof full, "%s%s", folder, path + n);
    return full;
}

static int open_file(struct platform *platform, const char *path, struct platform_file *file)
{
    const char *real = system_path(path);
    if (strcmp(path, SETTINGS_PATH) == 0) {
        *file = (struct platform_file){.size = strlen(config), .state = {(uintptr_t)config}};
        return PLATFORM_OK;
    }
    return real != NULL ? host.open(platform, real, file) : PLATFORM_NOT_FOUND;
}

static bool is_config(const struct platform_file *file)
{
    return file->state[0] == (uintptr_t)config;
}

static void close_file(struct platform *platform, struct platform_file *file)
{
    if (!is_config(file)) {
        host.close(platform, file);
    }
}

static int read_file(struct platform *platform, struct platform_file *file, uint64_t offset, void *buffer,
                     uint32_t bytes)
{
    if (!is_config(file)) {
        return host.read(platform, file, offset, buffer, bytes);
    }
    memcpy(buffer, config + offset, bytes);
    return PLATFORM_OK;
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    const char *real = system_path(directory);
    return real != NULL ? host.list(platform, real, index, entry) : PLATFORM_NOT_FOUND;
}

/* Writes the settings that select this model, in the form of BOOTLLAM.CFG. */
static void write_config(const struct options *options, const char *name)
{
    static const char *const written[] = {"model", "countdown", "colour", "processors"};
    struct config wanted = config_default();
    struct error error;
    size_t used = 0;
    snprintf(wanted.model, sizeof wanted.model, "%s", name);
    wanted.countdown = 0;
    wanted.colour = getenv("NO_COLOR") == NULL ? SETTING_ON : SETTING_OFF;
    wanted.processors = options->config.processors;
    for (size_t i = 0; i < sizeof written / sizeof written[0]; i++) {
        const int index = config_find(written[i], strlen(written[i]), &error);
        used += (size_t)snprintf(config + used, sizeof config - used, "%s = ", written[i]);
        config_value(&wanted, (uint32_t)index, config + used, sizeof config - used - 1);
        strcat(config, "\n");
        used = strlen(config);
    }
}

/* Splits the model's path into folder and name. Returns -1 if it has no name. */
static int set_up_volume(const struct options *options)
{
    const char *slash = strrchr(options->model, '/'), *name = slash == NULL ? options->model : slash + 1;
    const int folder_bytes = slash == NULL ? 0 : (int)(slash - options->model);
    if (*name == 0 || strlen(name) >= PLATFORM_NAME_MAX || folder_bytes >= PATH_BYTES) {
        return -1;
    }
    snprintf(folder, sizeof folder, "%.*s", folder_bytes, options->model);
    if (folder_bytes == 0) {
        strcpy(folder, slash == NULL ? "." : "/");
    }
    write_config(options, name);
    return 0;
}

static bool set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    (void)port;
    (void)speed;
    snprintf(platform->error, sizeof platform->error, "under an operating system the console is this terminal");
    return false;
}

int terminal_session(struct platform *platform, const struct options *options)
{
    host = *platform;
    processors_set(options->config.processors);
    if (set_up_volume(options) != 0) {
        fprintf(stderr, "bootllama: %s: not a file name\n", options->model);
        return 1;
    }
    if (take_terminal() != 0) {
        fprintf(stderr, "bootllama: the terminal: %s\n", strerror(errno));
        return 1;
    }
    platform->put = put;
    platform->set_colour = set_colour;
    platform->set_serial = set_serial;
    platform->get_key = get_key;
    platform->idle = idle;
    platform->open = open_file;
    platform->close = close_file;
    platform->read = read_file;
    platform->list = list;
    look_at_size(platform);
    console_run(platform);
    return 0;
}
