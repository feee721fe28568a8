/* Sessions and their settings: where they are read from, how they are shown, and lines and tables of any width. */
#include "console_script.h"

#include "session/column.h"

/* ---- The file ---- */

#define NO_STORY "autostart = off\nseed = 5\n"

static void names_that_are_meant_are_read(void **state)
{
    static const char *const names[] = {"/BOOTLLAM.CFG.txt",    "/bootllama.cfg", "/Bootllama.cfg.txt", "/BOOTLLAM.TXT",
                                        "/BOOTLLAM - Copy.CFG", "/bootllam.conf", "/bootllam.ini"};
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        fresh(state);
        const struct memory_file files[] = {
            model("/MODELS/A.GGUF"), {"/README.TXT", "x", 1}, {names[i], NO_STORY, strlen(NO_STORY)}, {0}};
        assert_string_equal(run(files), LOADED("/MODELS/A.GGUF") MODEL HINT END);
        const struct memory_file wrong[] = {
            model("/MODELS/A.GGUF"), {names[i], NO_STORY "x", strlen(NO_STORY "x")}, {0}};
        char expected[600];
        session.keys = "/set countdown 3\r";
        snprintf(expected, sizeof expected,
                 "Error: %s, line 3: write a setting as key = value\n%s"
                 "> /set countdown 3\nError: countdown takes effect only at start: write it into %s\n" END,
                 names[i], LOADED("/MODELS/A.GGUF") MODEL HINT, names[i]);
        assert_string_equal(run(wrong), expected);
    }
}

static void other_names_are_not(void **state)
{
    fresh(state);
    const struct memory_file files[] = {model("/MODELS/A.GGUF"),
                                        {"/BOOTLLAM.BAK", "x", 1},
                                        {"/MODELS/BOOTLLAM.CFG", "x", 1},
                                        {"/BOOTLLAMA.CFG", NULL, 0}, /* a folder */
                                        {"/BOOT.CFG", "x", 1},
                                        {"/X.CFG", "x", 1},
                                        config(NO_STORY),
                                        {0}};
    assert_string_equal(run(files), LOADED("/MODELS/A.GGUF") MODEL HINT END);
}

static void one_file_counts_and_the_others_are_named(void **state)
{
    fresh(state);
    const struct memory_file files[] = {
        model("/MODELS/A.GGUF"), {"/bootllama.cfg", "x", 1}, config(NO_STORY), {"/BOOTLLAM.CFG.txt", "x", 1}, {0}};
    assert_string_equal(run(files), "Error: /BOOTLLAM.CFG is used; /bootllama.cfg is ignored: keep one of them\n"
                                    "Error: /BOOTLLAM.CFG is used; /BOOTLLAM.CFG.txt is ignored: keep one of "
                                    "them\n" LOADED("/MODELS/A.GGUF") MODEL HINT END);
    const struct memory_file two[] = {
        model("/MODELS/A.GGUF"), {"/bootllama.cfg", NO_STORY, strlen(NO_STORY)}, {"/BOOTLLAM.CFG.txt", "x", 1}, {0}};
    assert_string_equal(run(two),
                        "Error: /bootllama.cfg is used; /BOOTLLAM.CFG.txt is ignored: keep one of them\n" LOADED(
                            "/MODELS/A.GGUF") MODEL HINT END);
}

static void comments_behind_values(void **state)
{
    fresh(state);
    assert_string_equal(run_with("countdown = 0 # at once\nsteps = 4 ; short\nprompt = abc # the hero\nmodel = a # it\n"
                                 "temperature = 0,8\n",
                                 ""),
                        "Error: /BOOTLLAM.CFG, line 5: temperature must be a number from 0 to 100, with a point, not a "
                        "comma\n" LOADED("/MODELS/A.GGUF") MODEL
                        "\nabc\n\n[4 tokens, 0.0 tokens/s, length reached]\n" HINT END);
}

/* ---- What is shown can be typed back ---- */

static void values_are_typed_back(void **state)
{
    fresh(state);
    assert_string_equal(answer("/set prompt \"Lily # 1\"\r/set prompt Lily # 2\r/set prompt \"a\"\" # b\"\r"
                               "/set temperature 0.1234567\r/set steps 7 ; c\r"),
                        "> /set prompt \"Lily # 1\"\nprompt = \"Lily # 1\"\n> /set prompt Lily # 2\nprompt = Lily\n"
                        "> /set prompt \"a\"\" # b\"\nprompt = \"a\"\" # b\"\n"
                        "> /set temperature 0.1234567\ntemperature = 0.1234567\n> /set steps 7 ; c\nsteps = 7\n");
}

/* The longest text, of what takes the most room, shown whole and typed again as it was shown. */
static void the_longest_value_is_typed_back(void **state)
{
    static char keys[3 * CONFIG_VALUE_MAX], line[CONFIG_VALUE_MAX + 100];
    fresh(state);
    strcpy(line, "prompt = \"");
    memset(line + strlen(line), '"', 2 * (ENGINE_PROMPT_MAX - 1));
    strcat(line, "\"");
    snprintf(keys, sizeof keys, "/set %s\r/set prompt\r", line);
    session.columns = 0;
    const char *text = answer(keys), *said = strstr(text, "\n");
    assert_non_null(said);
    assert_true(is_start(said + 1, line));
    said += 1 + strlen(line);
    assert_true(is_start(said, "\n> /set prompt\nprompt         = \"\"\""));
    assert_string_equal(strrchr(said, '"'), "\"  a text of at most 4095 bytes\n");
    assert_int_equal(strlen(strstr(said, "= \"")),
                     2 + 2 * ENGINE_PROMPT_MAX + strlen("  a text of at most 4095 bytes\n"));
}

static void a_typed_prompt_may_be_too_long(void **state)
{
    static char keys[ENGINE_PROMPT_MAX + 10];
    fresh(state);
    memset(keys, 'a', ENGINE_PROMPT_MAX);
    strcat(keys, "\r\r");
    const char *error = "\nError: the prompt has 4096 bytes; at most 4095 are allowed\n> \n" SEED_5;
    assert_non_null(strstr(answer(keys), error));
}

/* ---- Columns ---- */

/* Columns before `mark` in the line of `text` that holds `key`. */
static uint32_t columns_before(const char *text, const char *key, const char *mark)
{
    static char line[4096];
    const char *start = strstr(text, key);
    assert_non_null(start);
    while (start > text && start[-1] != '\n') {
        start--;
    }
    snprintf(line, sizeof line, "%s", start);
    char *end = strstr(line, mark);
    assert_non_null(end);
    *end = 0;
    return column_count(line);
}

static void models_stand_in_columns(void **state)
{
    fresh(state);
    const struct memory_file files[] = {model("/MODELS/A.GGUF"),
                                        model("/MODELS/\xC3\x84pfel.GGUF"),
                                        model("/MODELS/\xE5\xB0\x8F\xE7\x86\x8A.GGUF"), /* two wide letters */
                                        model("/MODELS/e\xCC\x81t\xC3\xA9.GGUF"),       /* a combining accent */
                                        model("/MODELS/A NAME OF MORE THAN 36 COLUMNS IN ALL.GGUF"),
                                        config(NO_STORY),
                                        {0}};
    session.keys = "/models\r";
    const char *text = strstr(run(files), "> /models\n");
    const uint32_t column = columns_before(text, "A.GGUF ", " 26 KiB");
    assert_int_equal(column, strlen(" 1  ") + 36 + strlen("   "));
    assert_int_equal(columns_before(text, "pfel.GGUF", " 26 KiB"), column);
    assert_int_equal(columns_before(text, "\x86\x8A.GGUF", " 26 KiB"), column);
    assert_int_equal(columns_before(text, "t\xC3\xA9.GGUF", " 26 KiB"), column);
    assert_non_null(strstr(text, "IN ALL.GGUF\n                                            26 KiB  Q8_0    fits\n"));
}

static void settings_stand_in_columns(void **state)
{
    static const char *const values[] = {"abc", "\xC3\xA4\xC3\xB6", "\xE5\xB0\x8F\xE7\x86\x8A", "e\xCC\x81"};
    fresh(state);
    for (size_t i = 0; i < COUNT_OF(values); i++) {
        char settings[100];
        snprintf(settings, sizeof settings, NO_STORY "prompt = %s\n", values[i]);
        const char *text = strstr(run_with(settings, "/set\r"), "> /set\n");
        assert_int_equal(columns_before(text, "prompt ", "  a text"), strlen("prompt         = ") + 13);
    }
}

static void a_long_value_is_cut_between_characters(void **state)
{
    char settings[200] = NO_STORY "prompt = ";
    fresh(state);
    for (int i = 0; i < 20; i++) {
        strcat(settings, "\xE5\xB0\x8F"); /* two columns */
    }
    const char *text = strstr(run_with(settings, "/set\r"), "> /set\n");
    assert_int_equal(columns_before(text, "prompt ", "  a text"), strlen("prompt         = ") + 31);
    assert_non_null(strstr(text, "\xE5\xB0\x8F...  a text"));
}

/* The bar goes below the name where both do not fit, by columns. */
static void progress_counts_columns(void **state)
{
    static const struct {
        const char *path;
        bool below;
    } cases[] = {
        {"/MODELS/\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4\xC3\xA4.GGUF", false},
        {"/MODELS/"
         "\xE5\xB0\x8F\xE5\xB0\x8F\xE5\xB0\x8F\xE5\xB0\x8F\xE5\xB0\x8F\xE5\xB0\x8F\xE5\xB0\x8F\xE5\xB0\x8F.GGUF",
         true},
    };
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        fresh(state);
        session.columns = 76;
        const struct memory_file files[] = {model(cases[i].path), config(NO_STORY), {0}};
        const char *text = run(files);
        assert_int_equal(strstr(text, ".GGUF:\n[####") != NULL, cases[i].below);
        assert_int_equal(strstr(text, ".GGUF: [####") != NULL, !cases[i].below);
    }
}

static uint32_t longest_line(const char *text)
{
    uint32_t longest = 0;
    for (const char *line = text; *line != 0; line += strcspn(line, "\n") + 1) {
        const uint32_t n = (uint32_t)strcspn(line, "\n");
        longest = n > longest ? n : longest;
    }
    return longest;
}

static void wide_screens_wrap_where_people_can_read(void **state)
{
    static const struct {
        uint32_t columns;
        const char *wrap;
        uint32_t least, most;
    } cases[] = {{80, "auto", 60, 79},    {120, "auto", 100, 119}, {121, "auto", 100, 120},
                 {400, "auto", 100, 120}, {400, "300", 250, 299},  {400, "off", 300, 500}};
    char prompt[300] = "";
    for (int i = 0; i < 60; i++) {
        strcat(prompt, "abc ");
    }
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char settings[500];
        fresh(state);
        session.columns = cases[i].columns;
        snprintf(settings, sizeof settings, "autostart = off\nwrap = %s\n", cases[i].wrap);
        char keys[700];
        snprintf(keys, sizeof keys, "/set prompt %s%.80s\r", prompt, prompt);
        const char *text = strstr(run_with(settings, keys), "\nprompt = ") + 1;
        const uint32_t longest = longest_line(text);
        assert_true(longest >= cases[i].least && longest <= cases[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_are_meant_are_read),
        cmocka_unit_test(other_names_are_not),
        cmocka_unit_test(one_file_counts_and_the_others_are_named),
        cmocka_unit_test(comments_behind_values),
        cmocka_unit_test(values_are_typed_back),
        cmocka_unit_test(the_longest_value_is_typed_back),
        cmocka_unit_test(a_typed_prompt_may_be_too_long),
        cmocka_unit_test(models_stand_in_columns),
        cmocka_unit_test(settings_stand_in_columns),
        cmocka_unit_test(a_long_value_is_cut_between_characters),
        cmocka_unit_test(progress_counts_columns),
        cmocka_unit_test(wide_screens_wrap_where_people_can_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
