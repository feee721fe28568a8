#include "console_session.h"

#include "unit.h"

#include "base/model_file.h"

enum { IDLE_US = 50000 };

/* The machine that console_run sees: one at a time. */
static struct {
    struct memory_platform memory; /* first: platform.state points here */
    struct session *session;
    const char *typing; /* the rest of what is typed now, NULL = nothing */
    bool whole_line;    /* up to '\r'; else all of it */
    uint32_t looks, rests;
    uint64_t now;
    int32_t exclusive, reserved;
} machine;

static void put(struct platform *platform, const char *utf8, size_t n)
{
    struct session *session = machine.session;
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    assert_true(n > 0 && session->length + n < TRANSCRIPT_MAX);
    memcpy(session->transcript + session->length, utf8, n);
    session->length += n;
    session->transcript[session->length] = 0;
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    if (machine.session->show_colours) {
        const char mark[] = {'{', (char)('0' + colour), '}'};
        put(platform, mark, sizeof mark);
    }
}

static bool set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    if (machine.session->no_serial) {
        strcpy(platform->error, "there is no COM4");
        return false;
    }
    machine.session->serials++;
    machine.session->serial_port = port;
    machine.session->serial_speed = speed;
    return true;
}

static int next_typed(void)
{
    const char key = *machine.typing++;
    if (*machine.typing == 0 || (machine.whole_line && key == '\r')) {
        machine.typing = NULL;
    }
    return key == '\f' ? KEY_UP : (unsigned char)key; /* Latin-1 is the beginning of Unicode */
}

static int get_key(struct platform *platform)
{
    struct session *session = machine.session;
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    if (machine.typing == NULL && session->keys_ahead != NULL &&
        strstr(session->transcript, session->ahead_after) != NULL && machine.looks++ >= session->look) {
        machine.typing = session->keys_ahead;
        machine.whole_line = false;
        session->keys_ahead = NULL;
    }
    return machine.typing != NULL ? next_typed() : KEY_NONE;
}

/* Whether the last line counts down, cut as it may be by a narrow screen, and no prompt has followed. */
static bool counts_down(const char *transcript)
{
    const char *end = strrchr(transcript, '\n'), *line = end != NULL ? end + 1 : transcript;
    return (strncmp(line, "A story ", 8) == 0 || strncmp(line, "The next ", 9) == 0) && strstr(line, "> ") == NULL;
}

/* At a countdown time passes; at the prompt the next line is typed. */
static void idle(struct platform *platform)
{
    struct session *session = machine.session;
    (void)platform;
    machine.now += IDLE_US;
    if (counts_down(session->transcript)) {
        static char key[2];
        key[0] = (char)session->countdown_key;
        if (machine.rests++ == session->countdown_rest && key[0] != 0) {
            machine.typing = key;
            machine.whole_line = false;
        }
        return;
    }
    if (session->keys == NULL || *session->keys == 0) {
        session->keys = "/exit\r";
    }
    machine.typing = session->keys;
    machine.whole_line = true;
    session->keys = strchr(session->keys, '\r') + 1;
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    const struct memory_platform *memory = platform->state;
    const size_t n = strcmp(directory, "/") == 0 || strcmp(directory, MODELS_ROOT) == 0 ? 0 : strlen(directory);
    machine.session->lists++;
    for (uint32_t i = 0; i < memory->file_count; i++) {
        const char *path = memory->files[i].path;
        if (strncmp(path, directory, n) == 0 && path[n] == '/' && strchr(path + n + 1, '/') == NULL &&
            index-- == 0) {
            memset(entry, 0, sizeof *entry);
            snprintf(entry->name, sizeof entry->name, "%s", path + n + 1);
            entry->size = memory->files[i].size;
            entry->is_directory = memory->files[i].data == NULL;
            entry->is_hidden = memory->files[i].is_hidden;
            return PLATFORM_OK;
        }
    }
    return PLATFORM_NOT_FOUND;
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    return machine.now += machine.session->step;
}

static uint64_t clock_seed(struct platform *platform)
{
    (void)platform;
    return 0x100000000 + 5;
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    return machine.session->free_bytes > 0 ? machine.session->free_bytes : SESSION_MEMORY;
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    machine.reserved++;
    return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    machine.reserved--;
    free(memory);
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    machine.exclusive += on ? 1 : -1;
    assert_true(machine.exclusive == on);
}

static uint32_t other_processors(struct platform *platform)
{
    (void)platform;
    return 0;
}

static uint32_t start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    (void)platform;
    (void)work;
    (void)context;
    return 0;
}

static void stop_processors(struct platform *platform)
{
    (void)platform;
}

static void reboot(struct platform *platform)
{
    (void)platform;
    machine.session->reboots++;
}

static void power_off(struct platform *platform)
{
    (void)platform;
    machine.session->offs++;
}

const char *session_run(struct session *session, const struct memory_file *files)
{
    uint32_t count = 0;
    while (files[count].path != NULL) {
        count++;
    }
    memset(&machine, 0, sizeof machine);
    memory_platform_init(&machine.memory, files, count);
    machine.memory.bad_from = session->bad_from;
    machine.memory.bad_is_gone = session->bad_is_gone;
    machine.memory.bad_to = session->bad_from == 0 ? 0 : session->bad_from + 1;
    machine.session = session;
    struct platform *platform = &machine.memory.platform;
    platform->columns = session->columns;
    platform->command_line = session->command_line;
    platform->vendor = session->vendor != NULL ? session->vendor : "";
    platform->put = put;
    platform->set_colour = set_colour;
    platform->set_serial = set_serial;
    platform->get_key = get_key;
    platform->idle = idle;
    platform->list = list;
    platform->microseconds = microseconds;
    platform->clock_seed = clock_seed;
    platform->memory_free = memory_free;
    platform->reserve = reserve;
    platform->release = release;
    platform->exclusive = exclusive;
    platform->other_processors = other_processors;
    platform->start_processors = start_processors;
    platform->stop_processors = stop_processors;
    platform->reboot = reboot;
    platform->power_off = power_off;
    console_run(platform);
    assert_int_equal(machine.reserved, 0);
    assert_int_equal(machine.memory.open_files, 0);
    assert_ptr_equal(platform->set_colour, set_colour);
    const char *memory = strstr(session->transcript, "\nMemory: ");
    assert_non_null(memory);
    return strchr(memory + 1, '\n') + 1;
}

const char *session_plain(const char *transcript)
{
    static char text[TRANSCRIPT_MAX];
    size_t line = 0, cursor = 0, end = 0; /* where the line begins, what is written next, where the line ends */
    bool erased = false;
    for (; *transcript != 0; transcript++) {
        if (*transcript == '\b') {
            assert_true(cursor > line);
            cursor--;
            erased = true;
            continue;
        }
        for (; *transcript == '\n' && erased && end > line && text[end - 1] == ' '; end--) {
            continue;
        }
        cursor = *transcript == '\n' ? end : cursor;
        text[cursor++] = *transcript;
        end = cursor > end || *transcript == '\n' ? cursor : end;
        if (*transcript == '\n') {
            line = end;
            erased = false;
        }
    }
    text[end] = 0;
    return text;
}
