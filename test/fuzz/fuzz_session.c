/*
 * Whole sessions of console_run: a model with bytes changed, a chat template, a configuration, file names and keys that
 * an input chooses. Whatever comes, the screen gets whole characters of UTF-8, no control character but '\n' and '\b',
 * and, unless `wrap` is set, nothing in its last column (model_screen.h); no colour stays when it waits; `exclusive` is
 * balanced and no other call is made under it; memory and files are given back; and a person who types Escape and /exit
 * gets out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "choices.h"
#include "memory_platform.h"
#include "model_screen.h"
#include "sample_model.h"

enum {
    SESSION_MEMORY = 6 << 20,
    RESERVED_MAX = 8,
    FILES = 4, /* the configuration and models */
    TEXT_MAX = 400,
    IDLE_US = 50000,
    LOOKS_MAX = 200000, /* typed after the last key of the input */
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char way_out[] = "\x1b\x15\x0b/exit\r"; /* Escape, Ctrl-U, Ctrl-K: from wherever it is */

/* The machine that console_run sees. */
static struct {
    struct memory_platform memory; /* first: platform.state points here */
    struct model_screen screen;
    struct choices keys;
    uint32_t step; /* microseconds from one reading of the clock to the next */
    uint32_t looks, way;
    bool resting; /* since the last line was typed */
    uint64_t now;
    int32_t exclusive;
    enum platform_colour colour;
    void *reserved[RESERVED_MAX];
    uint32_t reservations;
} machine;

static void demand(bool good, const char *what)
{
    if (!good) {
        fprintf(stderr, "session: %s\n", what);
        abort();
    }
}

static void outside(void)
{
    demand(machine.exclusive == 0, "a call while computing exclusively");
}

/* ---- The platform ---- */

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    outside();
    machine.screen.platform.put(&machine.screen.platform, utf8, n);
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    (void)platform;
    outside();
    demand(colour <= COLOUR_THOUGHT, "a colour that is none");
    machine.colour = colour;
}

static bool set_serial(struct platform *platform, uint32_t port, uint32_t speed)
{
    outside();
    demand(port <= 4 && (port == 0 || speed > 0), "a serial port that is none");
    strcpy(platform->error, "there is no such port");
    return port < 3;
}

/* A key of the exit sequence, at every other poll. */
static int key_of_way_out(void)
{
    demand(++machine.looks < LOOKS_MAX, "Escape and /exit do not end it");
    return machine.looks % 2 == 0 ? KEY_NONE : (unsigned char)way_out[machine.way++ % (sizeof way_out - 1)];
}

/* A line is typed when the machine idles; a key after 0xF7 immediately, whatever the machine does. */
static int next_key(void)
{
    const bool at_once = *machine.keys.next == 0xF7;
    if (!machine.resting && !at_once) {
        return KEY_NONE;
    }
    uint32_t byte = choices_byte(&machine.keys);
    byte = at_once ? choices_byte(&machine.keys) : byte;
    machine.resting = machine.resting && byte != '\r';
    switch (byte) {
    case 0xF8: /* any character of Unicode, as a keyboard of another country gives it */
        return (int)choices_below(&machine.keys, 0x110000);
    case 0xFF:
        return KEY_NONE;
    default:
        return byte > 0xF8 ? (int)(KEY_UP + byte - 0xF9) : (int)byte;
    }
}

static int get_key(struct platform *platform)
{
    (void)platform;
    outside();
    const int key = machine.keys.left == 0 ? key_of_way_out() : next_key();
    return key >= 0xD800 && key < 0xE000 ? KEY_NONE : key;
}

static void idle(struct platform *platform)
{
    (void)platform;
    outside();
    demand(machine.colour == COLOUR_TEXT, "a colour stays");
    machine.now += IDLE_US;
    machine.resting = true;
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    const struct memory_platform *memory = platform->state;
    const size_t n = strlen(directory);
    outside();
    for (uint32_t i = 0; i < memory->file_count; i++) {
        const char *path = memory->files[i].path;
        if (strncmp(path, directory, n) == 0 && path[n] == '/' && index-- == 0) {
            memset(entry, 0, sizeof *entry);
            snprintf(entry->name, sizeof entry->name, "%s", path + n + 1);
            entry->size = memory->files[i].size;
            return PLATFORM_OK;
        }
    }
    return PLATFORM_NOT_FOUND;
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    outside();
    return machine.now += machine.step;
}

static uint64_t clock_seed(struct platform *platform)
{
    (void)platform;
    outside();
    return machine.now * 2654435761u;
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    outside();
    return SESSION_MEMORY;
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    outside();
    demand(machine.reservations < RESERVED_MAX, "many pieces of memory");
    void *memory = bytes > SESSION_MEMORY ? NULL : aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
    if (memory != NULL) {
        machine.reserved[machine.reservations++] = memory;
    }
    return memory;
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    outside();
    demand(machine.reservations > 0 && machine.reserved[--machine.reservations] == memory, "memory not newest first");
    free(memory);
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    machine.exclusive += on ? 1 : -1;
    demand(machine.exclusive == on, "exclusive is not balanced");
}

static uint32_t other_processors(struct platform *platform)
{
    (void)platform;
    outside();
    return 0;
}

static uint32_t start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    (void)platform;
    (void)work;
    (void)context;
    outside();
    return 0;
}

static void nothing(struct platform *platform)
{
    (void)platform;
    outside();
}

static void begin(const struct memory_file *files, uint32_t columns)
{
    memory_platform_init(&machine.memory, files, FILES);
    model_screen_init(&machine.screen, columns);
    struct platform *platform = &machine.memory.platform;
    platform->columns = columns;
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
    platform->stop_processors = nothing;
    platform->reboot = nothing;
    platform->power_off = nothing;
}

/* ---- The choices of an input ---- */

/* A stretch of the input as it is, with NUL; half of them are empty. */
static size_t choose_bytes(struct choices *choices, char *out, size_t most)
{
    size_t length = choices_one_in(choices, 2) ? choices_below(choices, (uint32_t)most) : 0;
    length = length < choices->left ? length : choices->left;
    memcpy(out, choices->next, length);
    choices->next += length;
    choices->left -= length;
    out[length] = 0;
    return length;
}

/* The name of a file as a file system gives it: UTF-8 of whatever was on the disk, without '/' and NUL. */
static void choose_name(struct choices *choices, char *path, size_t size)
{
    const char *ending = choices_one_in(choices, 8) ? "" : ".gguf";
    strcpy(path, "/MODELS/");
    size_t used = strlen(path);
    for (uint32_t left = 1 + choices_below(choices, 30); left > 0 && used + 10 < size; left--) {
        const uint32_t code =
            choices_one_in(choices, 4) ? choices_below(choices, 0x10000) : choices_below(choices, 256);
        if (code != 0 && code != '/' && (code < 0xD800 || code > 0xDFFF)) {
            used += utf8_encode(path + used, code);
        }
    }
    strcpy(path + used, used == 8 ? "A.GGUF" : ending);
}

/* The pieces of a model that thinks, as an array of a file in hexadecimal digits. */
static const char *thinking_pieces(void)
{
    static const char *const pieces[12] = {"<unk>",    "<s>",      "</s>",   "\u2581", "<think>", "</think>",
                                           "</think>", "<think>a", "<0x0A>", "<0xC3>", "</thi",   "nk>\n"};
    static char digits[12 * 2 * (8 + 8) + 1];
    size_t used = 0;
    for (size_t i = 0; i < 12; i++) {
        used += (size_t)snprintf(digits + used, sizeof digits - used, "%02X00000000000000", (int)strlen(pieces[i]));
        for (const char *c = pieces[i]; *c != 0; c++) {
            used += (size_t)snprintf(digits + used, sizeof digits - used, "%02X", (uint8_t)*c);
        }
    }
    return digits;
}

/* The small model with the template, and up to a few bytes of it changed. */
static uint8_t *choose_model(struct choices *choices, size_t *size)
{
    char text[TEXT_MAX];
    choose_bytes(choices, text, 300);
    const uint32_t context = 16 + choices_below(choices, 100), file_type = choices_below(choices, 40);
    const bool cut = choices_one_in(choices, 8), thinks = context % 3 == 0;
    const struct change changes[SAMPLE_CHANGES] = {
        {text[0] != 0 ? KEY_TEXT : NO_CHANGE, "tokenizer.chat_template", .text = text},
        {KEY_NUMBER, "llama.context_length", U32, context},
        {KEY_NUMBER, "general.file_type", U32, file_type},
        {cut ? CUT_DATA : NO_CHANGE, .b = 100},
        {thinks ? KEY_ARRAY : NO_CHANGE, "tokenizer.ggml.tokens", STRING, 12, thinking_pieces()},
    };
    uint8_t *bytes = sample_model(changes, size);
    for (uint32_t left = choices_one_in(choices, 2) ? choices_below(choices, 8) : 0; left > 0; left--) {
        const uint32_t at = choices_below(choices, (uint32_t)*size);
        bytes[at] = (uint8_t)choices_byte(choices);
    }
    return bytes;
}

/* Whether the input may change where lines break: a width of its own may be wider than the screen. */
static bool mentions_wrap(const uint8_t *data, size_t size)
{
    static const char word[] = "wrap";
    size_t matched = 0;
    for (size_t i = 0; i < size && word[matched] != 0; i++) {
        const char c = (char)(data[i] | 0x20);
        if (c >= 'a' && c <= 'z') {
            matched = c == word[matched] ? matched + 1 : c == word[0];
        }
    }
    return word[matched] == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char configuration[TEXT_MAX], names[2][300];
    struct choices choices = {data, size};
    memset(&machine, 0, sizeof machine);
    const uint32_t columns = choices_one_in(&choices, 4) ? 20 + choices_below(&choices, 300) : 80;
    machine.step = choices_below(&choices, 1 << 16);
    const size_t configuration_bytes = choose_bytes(&choices, configuration, TEXT_MAX - 1);
    choose_name(&choices, names[0], sizeof names[0]);
    choose_name(&choices, names[1], sizeof names[1]);
    size_t model_bytes;
    uint8_t *model = choose_model(&choices, &model_bytes);
    const struct memory_file files[FILES] = {
        {"/BOOTLLAM.CFG", configuration, configuration_bytes},
        {names[0], model, model_bytes},
        {names[1], configuration, configuration_bytes},
        {"/MODELS/LAST.GGUF", model, model_bytes},
    };
    machine.keys = choices;
    begin(files, columns);
    machine.screen.columns = mentions_wrap(data, size) ? 0 : columns;
    console_run(&machine.memory.platform);
    demand(machine.exclusive == 0, "exclusive is not switched off");
    demand(machine.reservations == 0, "memory is kept");
    demand(machine.memory.open_files == 0, "a file stays open");
    free(model);
    return 0;
}
