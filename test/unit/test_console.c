/* Whole sessions of console_run on a platform in memory: keys in, the exact transcript out. */
#include "unit.h"

#include "config.h"
#include "memory_platform.h"
#include "sample_model.h"

enum { TRANSCRIPT_MAX = 16384, MEMORY_BYTES = 4 << 20 };

/* What the session sees of the machine. */
struct session {
    struct memory_platform memory; /* first: platform.state points here */
    const char *keys;              /* typed while the console rests, a line at a time; "/exit" follows by itself */
    bool typing;                   /* a line is under way */
    uint32_t escape_at;            /* the poll at which Escape is pressed while it computes; 0 = never */
    uint32_t polls;
    uint64_t now, free_bytes;
    uint64_t step;
    uint32_t reboots, offs;
    int32_t exclusive, reserved;
    char transcript[TRANSCRIPT_MAX];
    size_t length;
};

static struct session session;
static uint64_t step = 500; /* microseconds from one look at the clock to the next */
static uint64_t free_bytes = MEMORY_BYTES, bad_from; /* of the next session; bad_from: 0 or a byte that cannot be read */

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    assert_int_equal(session.exclusive, 0);
    assert_true(session.length + n < TRANSCRIPT_MAX);
    memcpy(session.transcript + session.length, utf8, n);
    session.length += n;
}

static int get_key(struct platform *platform)
{
    (void)platform;
    if (session.typing) {
        const char key = *session.keys++;
        session.typing = key != '\r';
        return key == '\f' ? KEY_UP : (unsigned char)key; /* Latin-1 is the beginning of Unicode */
    }
    session.polls++;
    return session.polls == session.escape_at ? 27 : KEY_NONE;
}

static void idle(struct platform *platform)
{
    (void)platform;
    if (*session.keys == 0) {
        session.keys = "/exit\r";
    }
    session.typing = true;
}

static int list(struct platform *platform, const char *directory, uint32_t index, struct platform_entry *entry)
{
    const struct memory_platform *memory = platform->state;
    const size_t n = strlen(directory);
    for (uint32_t i = 0; i < memory->file_count; i++) {
        const char *path = memory->files[i].path;
        if (strncmp(path, directory, n) == 0 && path[n] == '/' && index-- == 0) {
            memset(entry, 0, sizeof *entry);
            snprintf(entry->name, sizeof entry->name, "%s", path + n + 1);
            entry->size = memory->files[i].size;
            entry->is_directory = memory->files[i].data == NULL;
            return PLATFORM_OK;
        }
    }
    return PLATFORM_NOT_FOUND;
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    return session.now += session.step;
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    return session.free_bytes;
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    session.reserved++;
    return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    session.reserved--;
    free(memory);
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    session.exclusive += on ? 1 : -1;
    assert_true(session.exclusive == on);
}

static void reboot(struct platform *platform)
{
    (void)platform;
    session.reboots++;
}

static void power_off(struct platform *platform)
{
    (void)platform;
    session.offs++;
}

/* Runs a session; files end with a NULL path. Returns its transcript from the line after the two on CPU and memory,
   which differ from machine to machine. */
static const char *run(const struct memory_file *files, const char *keys, uint32_t escape_at)
{
    uint32_t count = 0;
    while (files[count].path != NULL) {
        count++;
    }
    memset(&session, 0, sizeof session);
    memory_platform_init(&session.memory, files, count);
    session.memory.bad_from = bad_from;
    session.memory.bad_to = bad_from == 0 ? 0 : bad_from + 1;
    session.keys = keys;
    session.escape_at = escape_at;
    session.free_bytes = free_bytes;
    session.step = step;
    struct platform *platform = &session.memory.platform;
    platform->put = put;
    platform->get_key = get_key;
    platform->idle = idle;
    platform->list = list;
    platform->microseconds = microseconds;
    platform->memory_free = memory_free;
    platform->reserve = reserve;
    platform->release = release;
    platform->exclusive = exclusive;
    platform->reboot = reboot;
    platform->power_off = power_off;
    console_run(platform);
    assert_int_equal(session.reserved, 0);
    assert_int_equal(session.memory.open_files, 0);
    session.transcript[session.length] = 0;
    const char *banner = "bootllama " BOOTLLAMA_VERSION " on test\nCPU: ";
    assert_true(strncmp(session.transcript, banner, strlen(banner)) == 0);
    const char *memory = strstr(session.transcript, "\nMemory: ");
    assert_non_null(memory);
    return strchr(memory + 1, '\n') + 1;
}

/* A model whose weights are zero: every token is equally likely, the seed alone decides. */
static struct memory_file model(const char *path)
{
    static const struct change none[SAMPLE_CHANGES];
    static uint8_t *bytes;
    static size_t size;
    if (bytes == NULL) {
        bytes = sample_model(none, &size);
    }
    return (struct memory_file){path, bytes, size};
}

static struct memory_file config(const char *text)
{
    return (struct memory_file){"/BOOTLLAM.CFG", text, strlen(text)};
}

/* Stories of the sample model, whose weights are zero; the first ends at once. \xEF\xBF\xBD stands for half a sequence. */
#define SEED_5 "\n\n\n[1 tokens, 0.0 tokens/s]\n"
#define SEED_6 "\n\xEF\xBF\xBD" "ab\xC3\xB6\xEF\xBF\xBD a\n\n[7 tokens, 6000.0 tokens/s]\n"
#define SEED_7 "\n\xEF\xBF\xBD\xC3\xB6\n\n[4 tokens, 3000.0 tokens/s]\n"
#define LOADED(path) "Loading " path ":   0 %"
#define MODEL_LINE "\nModel: sample, "

/* Drops the numbers of the progress, which follow the reads. */
static const char *after_loading(const char *transcript, const char *path)
{
    const char *model_line = strstr(transcript, MODEL_LINE);
    assert_true(strncmp(transcript, path, strlen(path)) == 0);
    assert_non_null(model_line);
    assert_true(strncmp(model_line - 5, "100 %", 5) == 0);
    return strchr(model_line + 1, '\n') + 1;
}

static void a_story_is_told_then_enter_tells_the_next(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("seed = 5\n"), {0}};
    const char *text = after_loading(run(files, "\r\r", 0), LOADED("/MODELS/A.GGUF"));
    char expected[1024];
    snprintf(expected, sizeof expected, "%s> \n%s> \n%s> /exit\n", SEED_5, SEED_6, SEED_7);
    assert_string_equal(text, expected);
}

static void a_typed_prompt_is_continued(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("seed = 5\nsteps = 9"), {0}};
    const char *text = after_loading(run(files, "abc\r", 0), LOADED("/MODELS/A.GGUF"));
    assert_string_equal(text, SEED_5 "> abc\n\nabc\xEF\xBF\xBD" "ab\xC3\xB6\xEF\xBF\xBD\n\n[9 tokens, 8000.0 tokens/s]\n> /exit\n");
}

static void the_configured_prompt_begins_every_story(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("prompt = \"ba \"\r\ntemperature = 0\r\n"), {0}};
    const char *text = after_loading(run(files, "\r", 0), LOADED("/MODELS/A.GGUF"));
    const char *story = "\nba \n\n[16 tokens, 15000.0 tokens/s, the context is full]\n";
    char expected[256];
    snprintf(expected, sizeof expected, "%s> \n%s> /exit\n", story, story);
    assert_string_equal(text, expected);
}

static void escape_stops_a_story(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("prompt = ab\ntemperature = 0\n"), {0}};
    const char *text = after_loading(run(files, "", 8), LOADED("/MODELS/A.GGUF"));
    assert_string_equal(text, "\nab\n\n[7 tokens, 6000.0 tokens/s, stopped]\n> /exit\n");
}

static void escape_stops_loading_and_enter_begins_again(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("seed = 5\n"), {0}};
    step = 200000;
    const char *text = run(files, "\r", 1);
    const char *stopped = LOADED("/MODELS/A.GGUF") "\b\b\b\b\b  6 %\nError: /MODELS/A.GGUF: loading was stopped\n> \n";
    assert_true(strncmp(text, stopped, strlen(stopped)) == 0);
    assert_string_equal(after_loading(text + strlen(stopped), LOADED("/MODELS/A.GGUF")), SEED_5 "> /exit\n");
    assert_non_null(strstr(text + strlen(stopped), "  6 %\b\b\b\b\b 11 %")); /* progress is shown as it goes */
    step = 500;
}

static void wrong_settings_are_told_and_the_rest_counts(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("seeds = 1\nseed = 5\ntop_p = 2\n"), {0}};
    const char *text = run(files, "", 0);
    const char *errors =
        "Error: /BOOTLLAM.CFG, line 1: there is no setting \"seeds\"; there are temperature, top_p, min_p, repeat_penalty, "
        "top_k, seed, steps, model, prompt\n"
        "Error: /BOOTLLAM.CFG, line 3: top_p is a number from 0 to 1\n";
    assert_true(strncmp(text, errors, strlen(errors)) == 0);
    assert_string_equal(after_loading(text + strlen(errors), LOADED("/MODELS/A.GGUF")), SEED_5 "> /exit\n");
}

static void without_a_model_it_says_so_and_looks_again(void **state)
{
    (void)state;
    const struct memory_file files[] = {{"/MODELS/.A.GGUF", "x", 1}, {"/MODELS/B.GGUF", NULL, 9}, {"/MODELS/C.GGUF", "", 0}, {"/MODELS/GGUF", "x", 1}, {0}};
    const char *message = "Error: no model in /MODELS; copy a .GGUF file there and press Enter\n";
    char expected[512];
    snprintf(expected, sizeof expected, "%s> \n%s> /exit\n", message, message);
    assert_string_equal(run(files, "\r", 0), expected);
}

static void the_configured_model_is_taken(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), model("/MODELS/B.GGU"), config("model = B.GGU\nseed = 5\n"), {0}};
    const char *text = after_loading(run(files, "", 0), LOADED("/MODELS/B.GGU"));
    char expected[512];
    snprintf(expected, sizeof expected, "%s> /exit\n", SEED_5);
    assert_string_equal(text, expected);
    const struct memory_file without[] = {model("/MODELS/A.GGUF"), config("model = C.GGUF\n"), {0}};
    assert_string_equal(run(without, "", 0), LOADED("/MODELS/C.GGUF") "\nError: /MODELS/C.GGUF: not found\n> /exit\n");
}

static void a_spoilt_model_is_refused(void **state)
{
    (void)state;
    struct memory_file file = model("/MODELS/A.GGUF");
    file.size -= 100;
    const struct memory_file files[] = {file, {0}};
    assert_string_equal(run(files, "", 0), LOADED("/MODELS/A.GGUF") "\nError: /MODELS/A.GGUF: output.weight reaches beyond "
                                           "the end of the file; copy it again\n> /exit\n");
}

static void a_prompt_beyond_the_context_is_told(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("prompt = bbbbbbbbbbbbbbbbbbbbbbbb\n"), {0}};
    const char *text = after_loading(run(files, "", 0), LOADED("/MODELS/A.GGUF"));
    assert_string_equal(text, "\nError: the prompt is longer than the model's context of 16 tokens; shorten it\n> /exit\n");
}

static void too_little_memory_is_told_with_numbers(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), {0}};
    free_bytes = 1024;
    assert_string_equal(run(files, "", 0), LOADED("/MODELS/A.GGUF") "\nError: /MODELS/A.GGUF: the model needs 1 MiB of memory, "
                                           "0 MiB are free; choose a smaller model\n> /exit\n");
    free_bytes = MEMORY_BYTES;
}

/* With too little memory for all of its context, a model runs with less. */
static void a_long_context_is_shortened_to_fit(void **state)
{
    (void)state;
    const struct change longer[SAMPLE_CHANGES] = {{KEY_NUMBER, "llama.context_length", U32, 100000, NULL}};
    size_t size;
    uint8_t *bytes = sample_model(longer, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size}, config("seed = 5\n"), {0}};
    const char *text = run(files, "", 0);
    const char *shown = strstr(text, "context ");
    uint32_t context = 0;
    assert_non_null(shown);
    assert_int_equal(sscanf(shown, "context %u of 100000, for lack of memory\n", &context), 1);
    assert_int_equal(context, 13440); /* 7/8 of 7/8 ... of 100000, in whole blocks, the first that fits into 4 MiB */
    assert_string_equal(after_loading(text, LOADED("/MODELS/A.GGUF")), SEED_5 "> /exit\n");
    free(bytes);
}

static void a_read_error_is_told_and_enter_tries_again(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), {0}};
    bad_from = 20000;
    const char *text = run(files, "\r", 0);
    const char *error = strstr(text, "\nError: /MODELS/A.GGUF: cannot be read at byte 18432: bad sector\n> \nLoading ");
    assert_non_null(error);
    assert_non_null(strstr(error + 1, "\nError: /MODELS/A.GGUF: cannot be read at byte 18432: bad sector\n> /exit\n"));
    assert_null(strstr(text, "Model:"));
    bad_from = 0;
}

/* What the file says of its size counts more than counting, where padding is in. */
static void the_size_label_is_shown(void **state)
{
    (void)state;
    const struct change label[SAMPLE_CHANGES] = {{KEY_TEXT, "general.size_label", 0, 0, "18K"}};
    size_t size;
    uint8_t *bytes = sample_model(label, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size}, {0}}, plain[] = {model("/MODELS/A.GGUF"), {0}};
    assert_non_null(strstr(run(files, "", 0), "\nModel: sample, 18K parameters, context 16\n"));
    assert_non_null(strstr(run(plain, "", 0), "\nModel: sample, 19K parameters, context 16\n"));
    free(bytes);
}

static void too_long_a_configuration_is_left_out(void **state)
{
    (void)state;
    static char text[CONFIG_BYTES_MAX + 2];
    memset(text, '\n', sizeof text - 1);
    const struct memory_file files[] = {config(text), {0}};
    assert_string_equal(run(files, "", 0), "Error: /BOOTLLAM.CFG is longer than 65536 bytes; it is left out\n"
                                           "Error: no model in /MODELS; copy a .GGUF file there and press Enter\n> /exit\n");
}

static void commands_and_line_editing(void **state)
{
    (void)state;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("seed = 5\n"), {0}};
    const char *text = after_loading(run(files, "/REBOOT\r/off\r/wat\rx\xF6\b\b\b/offf\b\r\f/x\x1b/off\r", 0), LOADED("/MODELS/A.GGUF"));
    assert_string_equal(
        text, SEED_5 "> /REBOOT\nError: this machine does not restart by itself; press its reset button\n"
                     "> /off\nError: this machine cannot switch itself off; its power button may be used now\n"
                     "> /wat\nError: unknown command; there are /reboot, /off and /exit (back to the firmware)\n"
                     "> x\xC3\xB6\b \b\b \b/offf\b \b\n"
                     "Error: this machine cannot switch itself off; its power button may be used now\n"
                     "> /x\b \b\b \b/off\n"
                     "Error: this machine cannot switch itself off; its power button may be used now\n"
                     "> /exit\n");
    assert_int_equal(session.reboots, 1);
    assert_int_equal(session.offs, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_told_then_enter_tells_the_next),
        cmocka_unit_test(a_typed_prompt_is_continued),
        cmocka_unit_test(the_configured_prompt_begins_every_story),
        cmocka_unit_test(escape_stops_a_story),
        cmocka_unit_test(escape_stops_loading_and_enter_begins_again),
        cmocka_unit_test(wrong_settings_are_told_and_the_rest_counts),
        cmocka_unit_test(without_a_model_it_says_so_and_looks_again),
        cmocka_unit_test(the_configured_model_is_taken),
        cmocka_unit_test(a_spoilt_model_is_refused),
        cmocka_unit_test(a_prompt_beyond_the_context_is_told),
        cmocka_unit_test(too_little_memory_is_told_with_numbers),
        cmocka_unit_test(a_long_context_is_shortened_to_fit),
        cmocka_unit_test(a_read_error_is_told_and_enter_tries_again),
        cmocka_unit_test(the_size_label_is_shown),
        cmocka_unit_test(too_long_a_configuration_is_left_out),
        cmocka_unit_test(commands_and_line_editing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
