/* Sessions with good, missing or bad models, and with models that chat. */
#include "console_script.h"

/* ---- Models ---- */

static void escape_stops_loading_and_enter_begins_again(void **state)
{
    fresh(state);
    session.step = 200000;
    session.keys_ahead = "\x1b";
    session.ahead_after = "6 %";
    const char *text = run_with("seed = 5\n", "\r");
    const char *stopped = "\nError: /MODELS/A.GGUF: loading was stopped\n> \n" LOADED("/MODELS/A.GGUF");
    assert_non_null(strstr(text, stopped));
    assert_non_null(strstr(text, "\n\n[1 tokens, 0.0 tokens/s"));
    assert_non_null(strstr(session.transcript, "\b#...................]   6 %")); /* progress is shown as it goes */
    assert_non_null(strstr(session.transcript, "\b##.................]  19 %"));
}

/* Without what comes before the weights: the race of the kernels, which one that is set spares. */
static void the_speed_told_is_that_of_the_weights(void **state)
{
    char told[2][80];
    for (int raced = 0; raced < 2; raced++) {
        fresh(state);
        session.step = 1000;
        const char *text = run_with(raced ? "autostart = off\n" : "autostart = off\nkernel = scalar\n", "");
        const char *speed = strstr(text, " 100 %, ");
        assert_non_null(speed);
        snprintf(told[raced], sizeof told[raced], "%.*s", (int)strcspn(speed, "\n"), speed);
        assert_non_null(strstr(told[raced], " MB/s"));
    }
    assert_string_equal(told[0], told[1]);
}

static void without_a_model_it_says_so_and_looks_again(void **state)
{
    fresh(state);
    const struct memory_file files[] = {{"/MODELS/.A.GGUF", "x", 1},
                                        {"/MODELS/B.GGUF", NULL, 9},
                                        {"/MODELS/C.GGUF", "", 0},
                                        {"/MODELS/GGUF", "x", 1},
                                        {0}};
    session.keys = "\r/models\r/again\r/bench\r/model x\r/kernel scalar\r/new\r";
    assert_string_equal(run(files), "Error: no model in /MODELS; copy a .GGUF file there and press Enter\n"
                                    "> \nError: no model in /MODELS; copy a .GGUF file there and press Enter\n"
                                    "> /models\nError: no model in /MODELS; copy a .GGUF file there\n"
                                    "> /again\nError: there is nothing to repeat yet\n"
                                    "> /bench\nError: no model is loaded\n"
                                    "> /model x\nError: no model x in /MODELS; /models lists them\n"
                                    "> /kernel scalar\nKernel: scalar, as /set kernel says\n"
                                    "> /new\nNothing to forget: no model is loaded.\n" END);
}

#define GONE "No model is loaded now; Enter looks for one again.\n"

/* No other file is tried; a bad sector is another matter. */
static void a_drive_that_is_gone_is_told_once(void **state)
{
#define A_FAILS "Error: /MODELS/A.GGUF: cannot be read at byte 0: bad sector\n"
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), model("/MODELS/B.GGUF"), {0}};
    for (int gone = 0; gone < 2; gone++) {
        fresh(state);
        session.bad_from = 3;
        session.bad_is_gone = gone != 0;
        session.keys = "/models\r";
        const char *text = run(files);
        assert_string_equal(strstr(text, "\nError: ") + 1,
                            gone != 0 ? A_FAILS GONE "> /models\n" A_FAILS END : strstr(text, "\n" A_FAILS) + 1);
        assert_int_equal(strstr(text, "B.GGUF") != NULL, gone == 0);
    }
#undef A_FAILS
}

/* While a second model is read the drive goes; when it is back, Enter loads the first one again. */
static void a_model_lost_with_the_drive_comes_back_by_enter(void **state)
{
    static const struct change far_away[SAMPLE_CHANGES] = {{TENSOR_OFFSET, "output.weight", .b = 49152},
                                                           {CUT, .b = 60000}};
    fresh(state);
    size_t size;
    uint8_t *bytes = sample_model(far_away, &size);
    const struct memory_file second = {"/MODELS/B.GGUF", bytes, size};
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), second, config("seed = 5\nautostart = off\n"), {0}};
    session.bad_from = 52000; /* behind the first one's end */
    session.bad_is_gone = true;
    session.keys = "/model b\r\r";
    const char *failed = strstr(run(files), "\nError: /MODELS/B.GGUF: cannot be read at byte ");
    assert_non_null(failed);
    assert_string_equal(strstr(failed, ": bad sector\n"),
                        ": bad sector\n" GONE "> \n" LOADED("/MODELS/A.GGUF") MODEL SEED_5 END);
    free(bytes);
}

static void the_configured_model_is_taken(void **state)
{
    fresh(state);
    static const char *const ways[] = {"model = B.GGU\nseed = 5\n", "model = b\nseed = 5\n", "model = 2\nseed = 5\n"};
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        const struct memory_file files[] = {model("/MODELS/A.GGUF"), model("/MODELS/B.GGU"), config(ways[i]), {0}};
        assert_string_equal(run(files), LOADED("/MODELS/B.GGU") MODEL SEED_5 HINT END);
    }
    const struct memory_file without[] = {model("/MODELS/A.GGUF"), config("model = C.GGUF\n"), {0}};
    assert_string_equal(run(without), "Error: no model C.GGUF in /MODELS; did you mean A.GGUF?\n" END);
}

static void a_name_beats_a_number(void **state)
{
    fresh(state);
    const struct memory_file files[] = {
        model("/MODELS/A.GGUF"), model("/MODELS/1.GGUF"), config("model = 1\nautostart = off"), {0}};
    assert_string_equal(run(files), LOADED("/MODELS/1.GGUF") MODEL HINT END);
    const struct memory_file twice[] = {
        model("/MODELS/B.GGUF.GGUF"), model("/MODELS/B.GGUF"), config("model = b.gguf\nautostart = off"), {0}};
    assert_string_equal(run(twice), LOADED("/MODELS/B.GGUF") MODEL HINT END);
}

static void models_are_listed_and_changed(void **state)
{
    fresh(state);
    struct memory_file spoilt = model("/MODELS/BROKEN.GGUF");
    spoilt.size -= 100;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), {"/MODELS/NOTES.TXT", "x", 1},         spoilt,
                                        model("/MODELS/C.GGUF"), config("seed = 5\nautostart = off\n"), {0}};
    session.keys = "/models\r/model c\r\r/models\r/model broken\r\r/set model a\r/set model\r";
    assert_string_equal(
        run(files),
        LOADED("/MODELS/A.GGUF") MODEL HINT "> /models\n"
                                            " 1  A.GGUF                                  26 KiB  Q8_0    loaded\n"
                                            " 2  BROKEN.GGUF                             26 KiB  Q8_0\n"
                                            "    cannot be used: output.weight "
                                            "reaches beyond the end of the file; copy it again\n"
                                            " 3  C.GGUF                                  26 KiB  Q8_0    fits\n"
                                            "> /model c\n" LOADED("/MODELS/C.GGUF") MODEL
        "> \n" SEED_5 "> /models\n"
        " 1  A.GGUF                                  26 KiB  Q8_0    fits\n"
        " 2  BROKEN.GGUF                             26 KiB  Q8_0\n"
        "    cannot be used: output.weight reaches beyond the end of the file; "
        "copy it again\n"
        " 3  C.GGUF                                  26 KiB  Q8_0    loaded\n"
        "> /model broken\nError: /MODELS/BROKEN.GGUF: output.weight reaches beyond the end of the file; copy it again\n"
        "> \n" SEED_6 "> /set model a\n" LOADED("/MODELS/A.GGUF") MODEL
        "> /set model\nmodel          = A.GGUF         a text of at most 255 bytes\n" END);
}

static void a_name_with_spaces_and_quotes(void **state)
{
    fresh(state);
    const struct memory_file files[] = {
        model("/MODELS/A.GGUF"), model("/MODELS/MY OWN.GGUF"), config("autostart = off\n"), {0}};
    const char *loaded = LOADED("/MODELS/MY OWN.GGUF") MODEL;
    char expected[1000];
    snprintf(expected, sizeof expected, "%s> /model my own \n%s> /set model = \"my own.gguf\"\n%s> /model 0\n%s%s",
             LOADED("/MODELS/A.GGUF") MODEL HINT, loaded, loaded,
             "Error: no model 0 in /MODELS; /models lists them\n> /model 99999999999999999999\n"
             "Error: no model 99999999999999999999 in /MODELS; /models lists them\n",
             END);
    session.keys = "/model my own \r/set model = \"my own.gguf\"\r/model 0\r/model 99999999999999999999\r";
    assert_string_equal(run(files), expected);
}

/* Its header is fine, its weights cannot be read: the former model comes back. */
static void a_model_that_fails_half_way_gives_the_former_one_back(void **state)
{
    fresh(state);
    static const char small[] = "not a model";
    struct memory_file broken = model("/MODELS/B.GGUF");
    uint8_t *bytes = malloc(broken.size);
    memcpy(bytes, broken.data, broken.size);
    for (size_t i = 10000; i + 1 < 20000; i++) { /* an infinity or NaN wherever a scale is */
        bytes[i] = 0xFF;
    }
    broken.data = bytes;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"),
                                        broken,
                                        {"/MODELS/C.GGUF", small, sizeof small},
                                        config("seed = 5\nautostart = off\n"),
                                        {0}};
    session.keys = "/model b\r\r/model c\r\r";
    const char *text = run(files), *failed = strstr(text, "> /model b\nLoading /MODELS/B.GGUF: [");
    assert_non_null(failed);
    const char *error = strstr(failed, "\nError: /MODELS/B.GGUF: ");
    assert_non_null(error);
    assert_string_equal(
        strchr(error + 1, '\n') + 1,
        LOADED("/MODELS/A.GGUF") "> \n" SEED_5
                                 "> /model c\nError: /MODELS/C.GGUF: not a GGUF model file\n> \n" SEED_6 END);
    free(bytes);
}

static void a_spoilt_model_is_refused(void **state)
{
    fresh(state);
    struct memory_file file = model("/MODELS/A.GGUF");
    file.size -= 100;
    const struct memory_file files[] = {file, {0}};
    assert_string_equal(
        run(files),
        "Loading /MODELS/A.GGUF: [....................]   0 %\nError: /MODELS/A.GGUF: output.weight reaches "
        "beyond the end of the file; copy it again\n" END);
}

#define SPOILT_A                                                                                                     \
    "Loading /MODELS/A.GGUF: [....................]   0 %\nError: /MODELS/A.GGUF: output.weight reaches beyond the " \
    "end "                                                                                                           \
    "of the file; copy it again\n"

static void the_next_model_is_loaded_where_the_first_cannot_be_used(void **state)
{
    fresh(state);
    struct memory_file spoilt = model("/MODELS/A.GGUF");
    spoilt.size -= 100;
    const struct memory_file files[] = {spoilt, model("/MODELS/B.GGUF"), config("seed = 5\n"), {0}};
    assert_string_equal(run(files), SPOILT_A LOADED("/MODELS/B.GGUF") MODEL SEED_5 HINT END);
    /* One that is asked for by name is not replaced. */
    const struct memory_file named[] = {spoilt, model("/MODELS/B.GGUF"), config("model = a\nautostart = off\n"), {0}};
    session.keys = "/models\r";
    assert_string_equal(run(named), SPOILT_A "> /models\n"
                                             " 1  A.GGUF                                  26 KiB  Q8_0\n"
                                             "    cannot be used: output.weight reaches beyond "
                                             "the end of the file; copy it again\n"
                                             " 2  B.GGUF                                  26 KiB  Q8_0    fits\n" END);
}

static void stopping_the_first_model_loads_no_other(void **state)
{
    fresh(state);
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), model("/MODELS/B.GGUF"), {0}};
    session.step = 200000;
    session.keys_ahead = "\x1b";
    session.ahead_after = "6 %";
    const char *text = run(files);
    assert_non_null(strstr(text, "\nError: /MODELS/A.GGUF: loading was stopped\n> "));
    assert_null(strstr(text, "B.GGUF"));
}

static void leavings_of_other_systems_are_passed_over(void **state)
{
    fresh(state);
    static const char page[] = "<!DOCTYPE html>", mac[] = "\0\5\x16\7";
    struct memory_file hidden = model("/MODELS/HIDDEN.GGUF");
    hidden.is_hidden = true;
    const struct memory_file leavings[] = {{"/MODELS/._A.GGUF", mac, sizeof mac},
                                           {"/MODELS/FOLDER.GGUF", NULL, 9},
                                           {"/MODELS/EMPTY.GGUF", "", 0},
                                           {"/MODELS/CUT.GGUF", "GGU", 3},
                                           hidden,
                                           {"/MODELS/PAGE.GGUF", page, sizeof page}};
    struct memory_file files[9] = {0};
    memcpy(files, leavings, sizeof leavings);
    session.keys = "/models\r";
    assert_string_equal(
        run(files), "Error: no model in /MODELS: CUT.GGUF is not a GGUF model file; copy a .GGUF file there and press "
                    "Enter\n"
                    "> /models\n"
                    " 1  CUT.GGUF                                 1 KiB\n"
                    "    cannot be used: not a GGUF model file\n"
                    " 2  PAGE.GGUF                                1 KiB\n"
                    "    cannot be used: not a GGUF model file\n" END);
    files[COUNT_OF(leavings)] = model("/MODELS/A.GGUF");
    files[COUNT_OF(leavings) + 1] = config("seed = 5\n");
    assert_string_equal(run(files), LOADED("/MODELS/A.GGUF") MODEL SEED_5 HINT END);
}

static void a_prompt_beyond_the_context_is_told(void **state)
{
    fresh(state);
    assert_string_equal(run_with("prompt = bbbbbbbbbbbbbbbbbbbbbbbb\n", "\rb\r"), LOADED("/MODELS/A.GGUF") MODEL
                        "\nError: the prompt is longer than the model's context of 16 tokens; shorten it\n" HINT
                        "> \n\nError: the prompt is longer than the model's context of 16 tokens; shorten it\n"
                        "> b\n\nb\na\xC3\xB6\n\n[6 tokens, 0.0 tokens/s]\n" END);
}

static void too_little_memory_is_told_with_numbers(void **state)
{
    fresh(state);
    session.free_bytes = 1024;
    const char *text = run_with("", "/models\r");
    const char *start = "Loading /MODELS/A.GGUF: [....................]   0 %\n"
                        "Error: /MODELS/A.GGUF: the model needs 1 MiB of memory even with a context of 16, 0 MiB "
                        "are free; "
                        "choose a smaller model\n"
                        "> /models\n 1  A.GGUF                                  26 KiB  Q8_0    no, needs ";
    assert_true(is_start(text, start));
    char *end;
    const unsigned long needed = strtoul(text + strlen(start), &end, 10);
    assert_true(needed > 200 && needed < 400);
    assert_string_equal(end, " KiB\n" END);
}

#define LONG_MODEL(context) "Model: sample, 19K parameters, context " context " of 100000, as /set context says\n"

/* The sample with room for 100,000 tokens. */
static uint8_t *long_model(size_t *size)
{
    static const struct change longer[SAMPLE_CHANGES] = {{KEY_NUMBER, "llama.context_length", U32, 100000, NULL}};
    return sample_model(longer, size);
}

/* A context is as long as it is set, even where there is memory for more; to change it the model is loaded again. */
static void a_long_context_is_as_long_as_it_is_set(void **state)
{
    fresh(state);
    size_t size;
    uint8_t *bytes = long_model(&size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size}, config("seed = 5\nautostart = off"), {0}};
    session.keys = "/set context 640\r/set context 640\r/models\r";
    assert_string_equal(
        run(files), LOADED("/MODELS/A.GGUF") LONG_MODEL("4096") HINT "> /set context 640\n" LOADED("/MODELS/A.GGUF")
                        LONG_MODEL("640") "context = 640\n> /set context 640\ncontext = 640\n> /models\n"
                                          " 1  A.GGUF                                  26 KiB  Q8_0    loaded\n" END);
    free(bytes);
}

/* No model is loaded again for a context that it does not have. */
static void a_context_beyond_the_models_own_is_the_models_own(void **state)
{
    fresh(state);
    assert_string_equal(run_with("seed = 5\nautostart = off\ncontext = 64", "/set context 16777216\r"),
                        LOADED("/MODELS/A.GGUF") MODEL HINT "> /set context 16777216\ncontext = 16777216\n" END);
}

/* With too little memory for all of its context, a model runs with less. */
static void a_long_context_is_shortened_to_fit(void **state)
{
    fresh(state);
    size_t size;
    uint8_t *bytes = long_model(&size);
    const struct memory_file files[] = {
        model("/MODELS/A.GGUF"), {"/MODELS/B.GGUF", bytes, size}, config("seed = 5\nmodel = B\ncontext = 200000"), {0}};
    session.keys = "/model a\r/models\r";
    const char *text = run(files), *shown = strstr(text, "context ");
    uint32_t context = 0, listed = 0;
    assert_non_null(shown);
    assert_int_equal(sscanf(shown, "context %u of 100000, for lack of memory\n", &context), 1);
    assert_true(context > 20000 && context < 60000 && context % 32 == 0);
    assert_int_equal(sscanf(strstr(text, "fits, "), "fits, context %u\n", &listed), 1);
    assert_true(listed >= context && listed < 2 * context); /* what this session has free counts twice here */
    free(bytes);
}

static void a_read_error_is_told_and_enter_tries_again(void **state)
{
    fresh(state);
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), {0}};
    session.bad_from = 20000;
    session.keys = "\r";
    const char *error = "\nError: /MODELS/A.GGUF: cannot be read at byte 18432: bad sector\n";
    const char *text = run(files), *first = strstr(text, error);
    assert_non_null(first);
    assert_true(strncmp(first + strlen(error), "> \nLoading ", 11) == 0);
    assert_non_null(strstr(first + 1, error));
    assert_null(strstr(text, "Model:"));
}

/* What the file says of its size counts more than counting, where padding is in. */
static void the_size_label_is_shown(void **state)
{
    fresh(state);
    const struct change label[SAMPLE_CHANGES] = {{KEY_TEXT, "general.size_label", 0, 0, "18K"}};
    size_t size;
    uint8_t *bytes = sample_model(label, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size}, {0}};
    assert_non_null(strstr(run(files), "\nModel: sample, 18K parameters, context 16\n"));
    free(bytes);
}

static void a_long_path_has_its_bar_below(void **state)
{
    fresh(state);
    const struct memory_file files[] = {
        model("/MODELS/A MODEL WITH A NAME OF SOME LENGTH.GGUF"), config("autostart = off"), {0}};
    assert_string_equal(
        run(files),
        "Loading /MODELS/A MODEL WITH A NAME OF SOME LENGTH.GGUF:\n[####################] 100 %\n" MODEL HINT END);
}

/* ---- Chat ---- */

#define CHAT "seed = 6\nchat_prefix = b\nchat_suffix = c\n"
#define CHAT_MODEL "Model: sample, 19K parameters, context 16, chat\n"

static void a_chat_waits_for_its_user(void **state)
{
    fresh(state);
    assert_string_equal(run_with(CHAT "after = off\n", "\r"),
                        LOADED("/MODELS/A.GGUF") CHAT_MODEL CHAT_HINT "> \n" CHAT_HINT END);
    assert_int_equal(session.offs, 0);
}

static void a_chat_goes_on_when_the_context_is_full(void **state)
{
    fresh(state);
    const char *full = "The context of 16 tokens is full: the oldest turn is forgotten.\n";
    const char *first = "\n" HALF "ab\xC3\xB6" HALF " a\n\n[11 tokens, 0.0 tokens/s]\n";
    const char *second = HALF "\xC3\xB6\n\n[8 tokens, 0.0 tokens/s]\n";
    char expected[2000];
    snprintf(expected, sizeof expected,
             "%s> a\n%s> /again\n%s> b\n\n%s%s> /again\n\n%s> a\n\nba\n\n[15 tokens, 0.0 tokens/s]\n"
             "> \n" CHAT_HINT "> cccccccccccccccc\n\n"
             "Error: this turn is too long for the context of 16 tokens; shorten it\n"
             "> /again\n\nError: this turn is too long for the context of 16 tokens; shorten it\n"
             "> /new\nThe conversation is forgotten.\n> /again\nError: there is nothing to repeat yet\n"
             "> /set seed 6\nseed = 6\n> a\n%s" END,
             LOADED("/MODELS/A.GGUF") CHAT_MODEL CHAT_HINT, first, first, full, second, second, first);
    assert_string_equal(run_with(CHAT, "a\r/again\rb\r/again\ra\r\rcccccccccccccccc\r/again\r/new\r/again\r"
                                       "/set seed 6\ra\r"),
                        expected);
}

/* Unattended, with a prompt: each conversation starts from nothing. */
static void a_chat_without_a_hand(void **state)
{
    fresh(state);
    const char *turn = "\n" HALF "ab\xC3\xB6" HALF " a\n\n[11 tokens, 0.0 tokens/s]\n";
    char expected[1000];
    snprintf(expected, sizeof expected, "%s%s%s%s%s", LOADED("/MODELS/A.GGUF") CHAT_MODEL, turn,
             "\n" HALF "\xC3\xB6\n\n[8 tokens, 0.0 tokens/s]\n", CHAT_HINT, END);
    assert_string_equal(run_with(CHAT "prompt = a\nstories = 2\n", ""), expected);
}

static void chat_settings_change_the_model(void **state)
{
    fresh(state);
    assert_string_equal(
        answer("/set seed 6\r/set chat_prefix b\r/set chat_suffix c\ra\r/set chat_prefix\r/set chat_suffix \"\"\r"
               "/set seed 6\ra\r/set chat_prefix \"\"\r/set seed 6\r\r/set chat_stop x\\y\r"),
        "> /set seed 6\nseed = 6\n> /set chat_prefix b\nchat_prefix = b\n> /set chat_suffix c\nchat_suffix = c\n"
        "> a\n\n" HALF "ab\xC3\xB6" HALF " a\n\n[11 tokens, 0.0 tokens/s]\n"
        "> /set chat_prefix\nchat_prefix    = b              a text of at most 255 bytes\n"
        "> /set chat_suffix \"\"\nchat_suffix = \"\"\nThe conversation is forgotten.\n"
        "> /set seed 6\nseed = 6\n> a\n\n" HALF "ab\xC3\xB6" HALF " a\n\n[10 tokens, 0.0 tokens/s]\n"
        "> /set chat_prefix \"\"\nchat_prefix = \"\"\nThe conversation is forgotten.\n"
        "> /set seed 6\nseed = 6\n> \n" SEED_6
        "> /set chat_stop x\\y\nError: in chat_stop only \\n (new line), \\t (tab), \\s (space) and \\\\ are known\n");
}

/* Alone it replaces the stop text of the model's own template; without a chat a message says that it has no effect. */
static void a_stop_text_alone(void **state)
{
    static const struct change chats[SAMPLE_CHANGES] = {{KEY_TEXT, "tokenizer.chat_template", .text = "[INST]"},
                                                        {KEY_NUMBER, "llama.context_length", U32, 64}};
    fresh(state);
    size_t size;
    uint8_t *bytes = sample_model(chats, &size);
    const struct memory_file files[] = {{"/MODELS/A.GGUF", bytes, size}, config("seed = 6\nautostart = off\n"), {0}};
    session.free_bytes = 64 << 20;
    session.keys = "/set chat_stop b\r/set seed 6\r\xF6\r/set chat_stop \"\"\r/set seed 6\r\xF6\r";
    assert_string_equal(strchr(strstr(run(files), CHAT_HINT), '>'),
                        "> /set chat_stop b\nchat_stop = b\n> /set seed 6\nseed = 6\n"
                        "> \xC3\xB6\n\n" HALF "a\n\n[21 tokens, 0.0 tokens/s]\n"
                        "> /set chat_stop \"\"\nchat_stop = \"\"\nThe conversation is forgotten.\n"
                        "> /set seed 6\nseed = 6\n"
                        "> \xC3\xB6\n\n" HALF "ab\xC3\xB6" HALF " a\n\n[24 tokens, 0.0 tokens/s]\n" END);
    free(bytes);
    assert_string_equal(answer("/set chat_stop b\r/set chat_prefix b\r"),
                        "> /set chat_stop b\nchat_stop = b\n"
                        "chat_stop only counts in a chat; without chat_prefix this model tells stories.\n"
                        "> /set chat_prefix b\nchat_prefix = b\n");
}

/* It stands before the first turn in place of the template's own, and setting it begins the conversation anew. */
static void a_system_message(void **state)
{
    static const struct change chats[SAMPLE_CHANGES] = {{KEY_TEXT, "tokenizer.chat_template", .text = "[INST]"},
                                                        {KEY_NUMBER, "llama.context_length", U32, 64}};
    fresh(state);
    size_t size;
    uint8_t *bytes = sample_model(chats, &size);
    const struct memory_file files[] = {
        {"/MODELS/A.GGUF", bytes, size}, config("seed = 6\nautostart = off\nsteps = 1\n"), {0}};
    session.free_bytes = 64 << 20;
    session.keys = "a\r/set chat_system cc\ra\ra\r/set chat_system \\s\\q\r";
    const char *told = strchr(strstr(run(files), CHAT_HINT), '>');
    const char *plain = strstr(told, "> a\n"), *with = strstr(plain + 1, "> a\n"), *second = strstr(with + 1, "> a\n");
    assert_int_equal(atoi(strchr(plain, '[') + 1) + 4, atoi(strchr(with, '[') + 1)); /* " ", "c", "c", "\n" */
    assert_int_equal(atoi(strchr(second, '[') + 1) - atoi(strchr(with, '[') + 1), atoi(strchr(plain, '[') + 1));
    assert_non_null(strstr(told, "> /set chat_system cc\nchat_system = cc\nThe conversation is forgotten.\n"));
    assert_non_null(strstr(told, "Error: in chat_system only \\n (new line), "));
    free(bytes);
    assert_string_equal(answer("/set chat_system b\r/set chat_system \"\"\r"),
                        "> /set chat_system b\nchat_system = b\n"
                        "chat_system only counts in a chat; without chat_prefix this model tells stories.\n"
                        "> /set chat_system \"\"\nchat_system = \"\"\n");
    fresh(state);
    const struct memory_file nothing[] = {{0}};
    session.keys = "/set chat_system b\r"; /* of a model that is not there yet, nothing is said */
    assert_string_equal(strstr(run(nothing), "> "), "> /set chat_system b\nchat_system = b\n" END);
}

/* The message appears once, when the model is loaded, and /new does not claim that the model cannot chat. */
static void an_unknown_template_is_told(void **state)
{
    static const struct change chats[SAMPLE_CHANGES] = {
        {KEY_TEXT, "tokenizer.chat_template", .text = "{{ something else }}"}};
    fresh(state);
    size_t size;
    uint8_t *bytes = sample_model(chats, &size);
    const struct memory_file files[] = {
        {"/MODELS/A.GGUF", bytes, size}, model("/MODELS/B.GGUF"), config("seed = 6\nautostart = off\n"), {0}};
    const char *unknown = "This model's chat template is of an unknown kind, so it tells stories; chat_prefix, "
                          "chat_suffix and chat_stop make it chat.\n";
    char expected[2000];
    snprintf(expected, sizeof expected,
             "%s%s%s> /new\nNothing to forget: this model's chat template is of an unknown kind.\n"
             "> /set chat_prefix b\nchat_prefix = b\n> /new\nThe conversation is forgotten.\n"
             "> /set chat_prefix \"\"\nchat_prefix = \"\"\n"
             "> /model b\n%s> /new\nNothing to forget: this model does not chat.\n> /model a\n%s%s" END,
             LOADED("/MODELS/A.GGUF") MODEL, unknown, HINT, LOADED("/MODELS/B.GGUF") MODEL,
             LOADED("/MODELS/A.GGUF") MODEL, unknown);
    session.keys = "/new\r/set chat_prefix b\r/new\r/set chat_prefix \"\"\r/model b\r/new\r/model a\r";
    assert_string_equal(run(files), expected);
    const struct memory_file taught[] = {{"/MODELS/A.GGUF", bytes, size}, config(CHAT), {0}};
    assert_string_equal(run(taught), LOADED("/MODELS/A.GGUF") CHAT_MODEL CHAT_HINT END);
    free(bytes);
}

/* Anything else that ends a conversation says so, if there is one. */
static void a_conversation_is_not_lost_in_silence(void **state)
{
    static const char *const takers[][2] = {
        {"/bench\r", "/bench\r"}, {"/kernel sse2\r", "/kernel scalar\r"}, {"/model a\r", "/model a\r"}};
    fresh(state);
    for (size_t i = 0; i < COUNT_OF(takers); i++) {
        char keys[100];
        snprintf(keys, sizeof keys, "%s/save\ra\r%s", takers[i][0], takers[i][1]);
        const char *text = run_with(CHAT, keys), *told = strstr(text, "forgotten"), *between = strstr(text, "/save");
        assert_true(told != NULL && told > between && strstr(told + 1, "forgotten") == NULL);
    }
    assert_non_null(
        strstr(run_with(CHAT, "a\r/set processors 2\r"), "processors = 2\nThe conversation is forgotten.\n"));
    assert_null(strstr(run_with(CHAT, "a\r/info\r/models\r/set seed 4\r/kernel none\r/again\r"), "forgotten"));
    assert_null(strstr(run_with(CHAT "kernel = sse2\n", "a\r/kernel sse2\r"), "forgotten"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escape_stops_loading_and_enter_begins_again),
        cmocka_unit_test(the_speed_told_is_that_of_the_weights),
        cmocka_unit_test(without_a_model_it_says_so_and_looks_again),
        cmocka_unit_test(a_drive_that_is_gone_is_told_once),
        cmocka_unit_test(a_model_lost_with_the_drive_comes_back_by_enter),
        cmocka_unit_test(the_configured_model_is_taken),
        cmocka_unit_test(a_name_beats_a_number),
        cmocka_unit_test(models_are_listed_and_changed),
        cmocka_unit_test(a_name_with_spaces_and_quotes),
        cmocka_unit_test(a_model_that_fails_half_way_gives_the_former_one_back),
        cmocka_unit_test(a_spoilt_model_is_refused),
        cmocka_unit_test(the_next_model_is_loaded_where_the_first_cannot_be_used),
        cmocka_unit_test(stopping_the_first_model_loads_no_other),
        cmocka_unit_test(leavings_of_other_systems_are_passed_over),
        cmocka_unit_test(a_prompt_beyond_the_context_is_told),
        cmocka_unit_test(too_little_memory_is_told_with_numbers),
        cmocka_unit_test(a_long_context_is_as_long_as_it_is_set),
        cmocka_unit_test(a_context_beyond_the_models_own_is_the_models_own),
        cmocka_unit_test(a_long_context_is_shortened_to_fit),
        cmocka_unit_test(a_read_error_is_told_and_enter_tries_again),
        cmocka_unit_test(the_size_label_is_shown),
        cmocka_unit_test(a_long_path_has_its_bar_below),
        cmocka_unit_test(a_chat_waits_for_its_user),
        cmocka_unit_test(a_chat_goes_on_when_the_context_is_full),
        cmocka_unit_test(a_chat_without_a_hand),
        cmocka_unit_test(chat_settings_change_the_model),
        cmocka_unit_test(a_stop_text_alone),
        cmocka_unit_test(a_system_message),
        cmocka_unit_test(an_unknown_template_is_told),
        cmocka_unit_test(a_conversation_is_not_lost_in_silence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
