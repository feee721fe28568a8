/* Sessions with models in folders, in the root, and with names of all kinds. */
#include "console_script.h"

static struct memory_file folder(const char *path)
{
    return (struct memory_file){path, NULL, 0};
}

#define TREE                                                                                  \
    folder("/MODELS/llama"), model("/MODELS/A.GGUF"), model("/MODELS/llama/A.GGUF"),          \
        model("/MODELS/llama/my \U0001F43B bear.gguf"), folder("/MODELS/llama/\u682A\u5F0F"), \
        model("/MODELS/llama/\u682A\u5F0F/deep.gguf"), model("/root.gguf")

/* The bar has a line of its own below a path that is too long to stand beside it. */
#define LOADED_BELOW(path) "Loading " path ":\n[####################] 100 %\n"

/* Files of one name in two folders are told apart, and the columns stay in line whatever a character's width. */
static void models_of_all_folders_are_listed(void **state)
{
    fresh(state);
    const struct memory_file files[] = {TREE, config("autostart = off"), {0}};
    session.keys = "/models\r";
    assert_string_equal(run(files), LOADED("/MODELS/A.GGUF") MODEL HINT
                        "> /models\n"
                        " 1  A.GGUF                                  26 KiB  Q8_0    loaded\n"
                        " 2  llama/A.GGUF                            26 KiB  Q8_0    fits\n"
                        " 3  llama/my \U0001F43B bear.gguf                   26 KiB  Q8_0    fits\n"
                        " 4  llama/\u682A\u5F0F/deep.gguf                    26 KiB  Q8_0    fits\n"
                        " 5  /root.gguf                              26 KiB  Q8_0    fits\n" END);
}

/* Columns stay in line and within 80: what does not fit goes below. */
static void the_list_fits_80_columns(void **state)
{
    fresh(state);
    struct memory_file spoilt = model("/MODELS/C.GGUF");
    spoilt.size -= 100;
    const struct memory_file files[] = {model("/MODELS/A.GGUF"),
                                        model("/MODELS/tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf"),
                                        model("/MODELS/Llama-3.2-1B-Instruct-with-more-Q4_K_M.gguf"),
                                        spoilt,
                                        {"/MODELS/D.GGUF", "no model", 8},
                                        config("autostart = off"),
                                        {0}};
    session.columns = 80;
    session.keys = "/models\r";
    assert_string_equal(strstr(run(files), "> /models"),
                        "> /models\n"
                        " 1  A.GGUF                                  26 KiB  Q8_0    loaded\n"
                        " 2  tinyllama-1.1b-chat-v1.0.Q4_K_M.gguf    26 KiB  Q8_0    fits\n"
                        " 3  Llama-3.2-1B-Instruct-with-more-Q4_K_M.gguf\n"
                        "                                            26 KiB  Q8_0    fits\n"
                        " 4  C.GGUF                                  26 KiB  Q8_0\n"
                        "    cannot be used: output.weight reaches beyond the end of the file; copy it\nagain\n"
                        " 5  D.GGUF                                   1 KiB\n"
                        "    cannot be used: not a GGUF model file\n" END);
}

/* However a model is named, it is the one that is loaded, and `model =` keeps a name that says which one. */
static void any_name_of_a_model_loads_it(void **state)
{
    static const struct {
        const char *typed, *path, *name;
    } cases[] = {
        {"llama/A.GGUF", "/MODELS/llama/A.GGUF", "llama/A.GGUF"},
        {"LLAMA/a", "/MODELS/llama/A.GGUF", "llama/A.GGUF"},
        {"/MODELS/llama/A.GGUF", "/MODELS/llama/A.GGUF", "llama/A.GGUF"},
        {"2", "/MODELS/llama/A.GGUF", "llama/A.GGUF"},
        {"deep", "/MODELS/llama/\u682A\u5F0F/deep.gguf", "llama/\u682A\u5F0F/deep.gguf"},
        {"llama/\u682A\u5F0F/deep.gguf", "/MODELS/llama/\u682A\u5F0F/deep.gguf", "llama/\u682A\u5F0F/deep.gguf"},
        {"my \U0001F43B bear", "/MODELS/llama/my \U0001F43B bear.gguf", "llama/my \U0001F43B bear.gguf"},
        {"/root.gguf", "/root.gguf", "/root.gguf"},
        {"root", "/root.gguf", "/root.gguf"},
        {"A.GGUF", "/MODELS/A.GGUF", "A.GGUF"}, /* not the one in the folder */
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char settings[100], expected[400];
        fresh(state);
        snprintf(settings, sizeof settings, "autostart = off\nmodel = %s\n", cases[i].typed);
        const struct memory_file configured[] = {TREE, config(settings), {0}};
        snprintf(expected, sizeof expected, "Loading %s:%s[####################] 100 %%\n" MODEL HINT END,
                 cases[i].path, strlen(cases[i].path) > 25 ? "\n" : " ");
        assert_string_equal(run(configured), expected);
    }
    for (size_t i = 0; i < 4; i++) { /* keys for Latin-1 are all that a session of these tests has */
        char keys[100], expected[600];
        fresh(state);
        snprintf(keys, sizeof keys, "/model %s\r/set model\r", cases[i].typed);
        const struct memory_file files[] = {TREE, config("autostart = off"), {0}};
        snprintf(expected, sizeof expected,
                 "> /model %s\nLoading %s: [####################] 100 %%\n" MODEL
                 "> /set model\nmodel          = %-13s  a text of at most 255 bytes\n" END,
                 cases[i].typed, cases[i].path, cases[i].name);
        session.keys = keys;
        assert_string_equal(strstr(run(files), "> "), expected);
    }
}

/* A model of a folder survives what loads a model again. */
static void a_model_in_a_folder_is_loaded_again(void **state)
{
    fresh(state);
    const struct memory_file files[] = {TREE, config("autostart = off\nmodel = deep"), {0}};
    session.keys = "/kernel scalar\r/model root\r/kernel sse2\r/model nothing\r";
    assert_string_equal(
        run(files), LOADED_BELOW("/MODELS/llama/\u682A\u5F0F/deep.gguf") MODEL HINT "> /kernel scalar\n" LOADED_BELOW(
                        "/MODELS/llama/\u682A\u5F0F/deep.gguf") "Kernel: scalar, as /set kernel says\n"
                                                                "> /model root\n" LOADED("/root.gguf") MODEL
        "> /kernel sse2\n" LOADED(
            "/root.gguf") "Kernel: sse2, as /set kernel says\n"
                          "> /model nothing\nError: no model nothing in /MODELS; /models lists them\n" END);
}

/* The first model may lie in a folder or in the root. */
static void the_first_model_may_lie_anywhere(void **state)
{
    static const char mac[] = "\0\5\x16\7";
    fresh(state);
    const struct memory_file files[] = {folder("/MODELS/x"),
                                        folder("/MODELS/.Trashes"),
                                        model("/MODELS/.Trashes/T.GGUF"),
                                        {"/MODELS/x/._B.GGUF", mac, sizeof mac},
                                        {"/MODELS/x/B.GGUF.part", mac, sizeof mac},
                                        model("/MODELS/x/B.GGUF"),
                                        model("/C.GGUF"),
                                        config("autostart = off"),
                                        {0}};
    session.keys = "/models\r";
    assert_string_equal(run(files), LOADED("/MODELS/x/B.GGUF") MODEL HINT
                        "> /models\n 1  x/B.GGUF                                26 KiB  Q8_0    loaded\n"
                        " 2  /C.GGUF                                 26 KiB  Q8_0    fits\n" END);
    const struct memory_file alone[] = {model("/C.GGUF"), config("autostart = off"), {0}};
    assert_string_equal(run(alone), LOADED("/C.GGUF") MODEL HINT END);
}

static void tab_completes_folders(void **state)
{
    fresh(state);
    const struct memory_file files[] = {TREE, config("autostart = off"), {0}};
    session.keys = "/model llama/m\t\r/model /r\t\r";
    const char *text = run(files);
    assert_non_null(
        strstr(text, "> /model llama/my \U0001F43B bear.gguf\n" LOADED_BELOW("/MODELS/llama/my \U0001F43B bear.gguf")));
    assert_non_null(strstr(text, "> /model /root.gguf\n" LOADED("/root.gguf")));
}

/* Part `number` of `count` of the sample; for each, memory that stays. */
static struct memory_file part(const char *path, uint32_t number, uint32_t count)
{
    static const struct change none[SAMPLE_CHANGES];
    size_t size;
    const uint8_t *bytes = sample_part(none, number - 1, count, &size);
    return (struct memory_file){path, bytes, size};
}

#define SPLIT(number) part("/MODELS/x/S-0000" #number "-of-00003.gguf", number, 3)

/* A split model is one entry of the size of all its parts, and any of its names loads it. */
static void a_split_model_is_one(void **state)
{
    static const char *const typed[] = {"S", "x/s", "S-00001-of-00003", "x/S-00003-of-00003.gguf"};
    fresh(state);
    struct memory_file files[] = {folder("/MODELS/x"),
                                  SPLIT(2),
                                  SPLIT(1),
                                  SPLIT(3),
                                  model("/MODELS/A.GGUF"),
                                  config("seed = 6\nautostart = off"),
                                  {0}};
    session.keys = "/models\r/model S\r\r/model x/\t\r";
    const char *loaded = "Loading /MODELS/x/S-00001-of-00003.gguf:\n[####################] 100 %\n" MODEL;
    char expected[1000];
    snprintf(expected, sizeof expected,
             "> /models\n 1  A.GGUF                                  26 KiB  Q8_0    loaded\n"
             " 2  x/S-00001-of-00003.gguf                 27 KiB  Q8_0    fits\n> /model S\n%s> \n" SEED_6
             "> /model x/S-00001-of-00003.gguf\n%s" END,
             loaded, loaded);
    assert_string_equal(strstr(run(files), "> "), expected);
    for (size_t i = 0; i < COUNT_OF(typed); i++) {
        char settings[100];
        snprintf(settings, sizeof settings, "autostart = off\nmodel = %s", typed[i]);
        fresh(state);
        files[5] = config(settings);
        assert_true(is_start(run(files), loaded));
    }
    for (uint32_t i = 1; i < 4; i++) {
        free((void *)(uintptr_t)files[i].data);
    }
}

/* What is left of one is said to be a part, once. */
static void the_rest_of_a_split_model_is_told(void **state)
{
    fresh(state);
    struct memory_file files[] = {folder("/MODELS/x"), SPLIT(2), SPLIT(3), {0}};
    session.keys = "/models\r";
    const char *first =
        "split.no is 1: this is part 2 of a model, which begins with part 1; copy all of its parts there";
    char expected[1000];
    snprintf(expected, sizeof expected,
             "Loading /MODELS/x/S-00002-of-00003.gguf:\n[....................]   0 %%\n"
             "Error: /MODELS/x/S-00002-of-00003.gguf: %s\n"
             "> /models\n 1  x/S-00002-of-00003.gguf                 19 KiB\n    cannot be used: %s\n" END,
             first, first);
    assert_string_equal(run(files), expected);
    free((void *)(uintptr_t)files[1].data);
    files[1] = SPLIT(1);
    session.keys = "/models\r";
    assert_non_null(strstr(
        run(files), "\nError: /MODELS/x/S-00002-of-00003.gguf: part 2 of 3 is missing; copy it there as "
                    "well\n> /models\n 1  x/S-00001-of-00003.gguf                 17 KiB  Q8_0\n    cannot be used: "
                    "/MODELS/x/S-00002-of-00003.gguf: part 2 of 3 is missing; copy it there as well\n"));
    free((void *)(uintptr_t)files[1].data);
    free((void *)(uintptr_t)files[2].data);
}

/* Of a model in parts, the list says which one is damaged. */
static void the_damaged_part_is_named(void **state)
{
    fresh(state);
    struct memory_file files[] = {folder("/MODELS/x"), SPLIT(1), SPLIT(2), SPLIT(3), {0}};
    files[3].size = 20;
    session.keys = "/models\r";
    assert_non_null(strstr(run(files),
                           "\n    cannot be used: /MODELS/x/S-00003-of-00003.gguf: the file ends too early, "
                           "at byte 20; copy it again\n"));
    for (uint32_t i = 1; i < 4; i++) {
        free((void *)(uintptr_t)files[i].data);
    }
}

/* What a walk leaves out is said. */
static void folders_that_lie_too_deep_are_told(void **state)
{
    fresh(state);
    const struct memory_file files[] = {folder("/MODELS/1"),         folder("/MODELS/1/2"),
                                        folder("/MODELS/1/2/3"),     folder("/MODELS/1/2/3/4"),
                                        folder("/MODELS/1/2/3/4/5"), model("/MODELS/1/2/3/4/A.GGUF"),
                                        config("autostart = off"),   {0}};
    session.keys = "/models\r";
    assert_string_equal(strstr(run(files), "> "),
                        "> /models\n 1  1/2/3/4/A.GGUF                          26 KiB  Q8_0    loaded\n"
                        "There is more in folders that lie too deep, have too long a name or are too many.\n" END);
}

/* A folder of thousands of other files: Escape is heard between its entries. */
static void escape_stops_the_search_of_a_large_folder(void **state)
{
    enum { OTHERS = 3000 };
    static char paths[OTHERS][24];
    static struct memory_file files[OTHERS + 3];
    fresh(state);
    for (uint32_t i = 0; i < OTHERS; i++) {
        snprintf(paths[i], sizeof paths[i], "/MODELS/P%04u.JPG", i);
        files[i] = (struct memory_file){paths[i], "x", 1};
    }
    files[OTHERS] = model("/MODELS/A.GGUF");
    files[OTHERS + 1] = config("autostart = off");
    session.step = 10000;
    session.keys = "/models\r";
    session.keys_ahead = "\x1b";
    session.ahead_after = "> /models\n";
    session.look = 3;
    const char *text = strstr(run(files), "> /models");
    assert_string_equal(text, "> /models\nError: /MODELS cannot be listed: stopped by a key\n" END);
    assert_true(session.lists < 2 * OTHERS); /* the first search for a model took one of them */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_of_all_folders_are_listed),
        cmocka_unit_test(the_list_fits_80_columns),
        cmocka_unit_test(any_name_of_a_model_loads_it),
        cmocka_unit_test(a_model_in_a_folder_is_loaded_again),
        cmocka_unit_test(the_first_model_may_lie_anywhere),
        cmocka_unit_test(tab_completes_folders),
        cmocka_unit_test(a_split_model_is_one),
        cmocka_unit_test(the_rest_of_a_split_model_is_told),
        cmocka_unit_test(the_damaged_part_is_named),
        cmocka_unit_test(folders_that_lie_too_deep_are_told),
        cmocka_unit_test(escape_stops_the_search_of_a_large_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
