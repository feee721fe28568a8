/* What the tests of sessions share: a model, what stands around every story, and ways to run a session. */
#ifndef BOOTLLAMA_TEST_CONSOLE_SCRIPT_H
#define BOOTLLAMA_TEST_CONSOLE_SCRIPT_H

#include "unit.h"

#include "console_session.h"
#include "sample_model.h"
#include "session/config_file.h"

static struct session session; /* the one that runs */

/* What stands between banner and first story, and after it, where no time passes. */
#define LOADED(path) "Loading " path ": [####################] 100 %\n"
#define MODEL "Model: sample, 19K parameters, context 16\n"
#define HINT "Enter: another story; text: a story that begins with it; /help: all commands\n"
#define CHAT_HINT "Text: what you say to it; /new: another conversation; /help: all commands\n"
#define END "> /exit\n"
#define STANDS(n) "[" #n " tokens, 0.0 tokens/s]\n"

/* Stories of the sample model from nothing; the first ends at once. \xEF\xBF\xBD stands for half a sequence. */
#define HALF "\xEF\xBF\xBD"
#define SEED_5 "\n\n\n" STANDS(1)
#define SEED_6 "\n" HALF "ab\xC3\xB6" HALF " a\n\n" STANDS(7)
#define SEED_7 "\n" HALF "\xC3\xB6\n\n" STANDS(4)

/* A model whose weights are zero: every token is equally likely, the seed alone decides. */
static inline struct memory_file model(const char *path)
{
    static const struct change none[SAMPLE_CHANGES];
    static uint8_t *bytes;
    static size_t size;
    if (bytes == NULL) {
        bytes = sample_model(none, &size);
    }
    return (struct memory_file){path, bytes, size};
}

static inline struct memory_file config(const char *text)
{
    return (struct memory_file){"/BOOTLLAM.CFG", text, strlen(text)};
}

/* Runs a session; files end with a NULL path. Returns what the screen shows from behind the banner on, without the
   lines on the model's kernel and size, which differ from processor to processor. */
static inline const char *run(const struct memory_file *files)
{
    static char text[TRANSCRIPT_MAX];
    session.length = 0;
    const char *from = session_plain(session_run(&session, files));
    size_t used = 0;
    bool in_info = false; /* whose lines on kernels are kept */
    while (*from != 0) {
        const size_t n = strcspn(from, "\n") + 1;
        const bool of_model = strncmp(from, "Kernel: ", 8) == 0 && strncmp(from + n, "Model: ", 7) == 0 && !in_info;
        in_info = strncmp(from, "Kernels: ", 9) == 0;
        if (strncmp(from, "Size: ", 6) != 0 && !of_model) {
            memcpy(text + used, from, n);
            used += n;
        }
        from += n;
    }
    text[used] = 0;
    return text;
}

static inline bool is_start(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

/* The same with one model, a configuration and what is typed. */
static inline const char *run_with(const char *settings, const char *keys)
{
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config(settings), {0}};
    session.keys = keys;
    return run(files);
}

/* The first thing that every test does. */
static inline void fresh(void **state)
{
    (void)state;
    memset(&session, 0, sizeof session);
}

/* Types while the first story is told, with a clock that runs so that the keyboard is looked at. */
static inline void press_in_story(const char *keys)
{
    session.step = 100000;
    session.keys_ahead = keys;
    session.ahead_after = "computes\n";
    session.look = 4;
}

/* What a session without stories of its own answers to `keys`: from behind the hint to before the line that leaves. */
static inline const char *answer(const char *keys)
{
    const char *text = run_with("seed = 5\nautostart = off\n", keys), *start = LOADED("/MODELS/A.GGUF") MODEL HINT;
    assert_true(is_start(text, start));
    char *end = strstr(text, END);
    assert_non_null(end);
    assert_string_equal(end, END);
    *end = 0;
    return text + strlen(start);
}

#endif
