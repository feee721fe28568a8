/* core/config.c: every key at its limits, every message, and how lines are read. */
#include "unit.h"

#include "config.h"

static char reports[4000];

static void collect(void *context, const char *message)
{
    assert_ptr_equal(context, reports);
    strcat(strcat(reports, message), "\n");
}

static struct config parse_bytes(const char *text, size_t n)
{
    struct config config = config_default();
    char *exact = malloc(n > 0 ? n : 1);

    memcpy(exact, text, n);
    reports[0] = '\0';
    config_parse(&config, exact, n, collect, reports);
    free(exact);
    return config;
}

static struct config parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void defaults(void **state)
{
    const struct sampling sampling = sampling_default();
    struct config config = parse("");

    (void)state;
    assert_string_equal(reports, "");
    assert_memory_equal(&config.sampling, &sampling, sizeof sampling);
    assert_int_equal(config.steps, 0);
    assert_string_equal(config.model, "");
    assert_string_equal(config.prompt, "");
}

static void every_key(void **state)
{
    struct config config = parse("temperature = 0.5\ntop_p=0.25\nmin_p = 0.125\nrepeat_penalty = 1.5\ntop_k = 40\n"
                                 "seed = 18446744073709551615\nsteps = 300\nmodel = MY STORY.GGUF\nprompt = One day");

    (void)state;
    assert_string_equal(reports, "");
    assert_true(config.sampling.temperature == 0.5f && config.sampling.top_p == 0.25f);
    assert_true(config.sampling.min_p == 0.125f && config.sampling.repeat_penalty == 1.5f);
    assert_int_equal(config.sampling.top_k, 40);
    assert_int_equal(config.sampling.seed, UINT64_MAX);
    assert_int_equal(config.steps, 300);
    assert_string_equal(config.model, "MY STORY.GGUF");
    assert_string_equal(config.prompt, "One day");
}

static void limits(void **state)
{
    static const struct {
        const char *key, *good, *bad, *message;
    } cases[] = {
        {"temperature", "0 100 100.0 1e2", "-0.1 100.1 nan 1,5 x", "is a number from 0 to 100"},
        {"top_p", "0 1 0.9", "1.01 -1 90%", "is a number from 0 to 1"},
        {"min_p", "0 1 0.05", "1.01 -1", "is a number from 0 to 1"},
        {"repeat_penalty", "0.1 1 100", "0 -1 100.5 0.0", "is a number above 0, at most 100"},
        {"top_k", "0 1000000", "1000001 -1 1.5", "is a whole number from 0 to 1000000"},
        {"steps", "0 1000000", "1000001 -1 all", "is a whole number from 0 to 1000000"},
        {"seed", "0 18446744073709551615", "18446744073709551616 -1 random",
         "is a whole number from 0 to 18446744073709551615"},
    };
    char words[100], expected[200];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = config_default();
        struct error error;
        for (char *word = strtok(strcpy(words, cases[i].good), " "); word != NULL; word = strtok(NULL, " "))
            assert_int_equal(config_set(&config, cases[i].key, strlen(cases[i].key), word, strlen(word), &error), 0);
        struct config before = config;
        sprintf(expected, "%s %s", cases[i].key, cases[i].message);
        for (char *word = strtok(strcpy(words, cases[i].bad), " "); word != NULL; word = strtok(NULL, " ")) {
            assert_int_equal(config_set(&config, cases[i].key, strlen(cases[i].key), word, strlen(word), &error), -1);
            assert_string_equal(error.text, expected);
        }
        assert_int_equal(config_set(&config, cases[i].key, strlen(cases[i].key), "", 0, &error), -1);
        assert_memory_equal(&config, &before, sizeof config);
    }
}

static void lines(void **state)
{
    struct config config = parse("\xEF\xBB\xBF# comment = 1\r\n\r\n  ; steps = 5\r\n\t TOP_K\t =  7 \t\r\nSteps=9\r\n"
                                 "steps = 10\r\nprompt = a = b # c\r\n");

    (void)state;
    assert_string_equal(reports, "");
    assert_int_equal(config.sampling.top_k, 7);
    assert_int_equal(config.steps, 10);
    assert_string_equal(config.prompt, "a = b # c");
}

static void texts(void **state)
{
    static const struct {
        const char *line, *prompt;
    } cases[] = {
        {"prompt =", ""},
        {"prompt = \"\"", ""},
        {"prompt = \"  two spaces  \"", "  two spaces  "},
        {"prompt = \"", "\""},
        {"prompt = \"Hello,\" said Tom", "\"Hello,\" said Tom"},
        {"prompt = \"\"Hello,\" he said.\"", "\"Hello,\" he said."},
        {"prompt = \xC3\xB6\tx", "\xC3\xB6\tx"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = parse(cases[i].line);
        assert_string_equal(reports, "");
        assert_string_equal(config.prompt, cases[i].prompt);
    }
}

static void wrong_lines(void **state)
{
    static const struct {
        const char *text, *report;
    } cases[] = {
        {"\n\nsteps\n", "line 3: a setting is written key = value\n"},
        {"= 5", "line 1: there is no setting \"\"; there are temperature, top_p, min_p, repeat_penalty, top_k, seed, "
                "steps, model, prompt\n"},
        {"temprature\x1B = 5", "line 1: there is no setting \"temprature?\"; there are temperature, top_p, min_p, "
                               "repeat_penalty, top_k, seed, steps, model, prompt\n"},
        {"model = MODELS\\A.GGUF", "line 1: model is the name of a file in /MODELS, without a folder\n"},
        {"model = /A.GGUF", "line 1: model is the name of a file in /MODELS, without a folder\n"},
        {"prompt = \xF6l", "line 1: prompt is not UTF-8; save the file in that encoding\n"},
        {"prompt = \xC3", "line 1: prompt is not UTF-8; save the file in that encoding\n"},
        {"prompt = a\x1B[2J", "line 1: prompt holds a control character\n"},
        {"\xFF\xFEp", "line 1: the file is UTF-16; save it as UTF-8\n"},
        {"\xFE\xFF", "line 1: the file is UTF-16; save it as UTF-8\n"},
        {"x\ntop_k = 3\ny", "line 1: a setting is written key = value\nline 3: a setting is written key = value\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parse(cases[i].text);
        assert_string_equal(reports, cases[i].report);
    }
    assert_int_equal(parse(cases[COUNT_OF(cases) - 1].text).sampling.top_k, 3);
    parse_bytes("prompt = a\0b", 12);
    assert_string_equal(reports, "line 1: prompt holds a control character\n");
}

static void long_texts(void **state)
{
    char text[PROMPT_MAX + 20] = "prompt = ", name[PLATFORM_NAME_MAX + 20] = "model = ";

    (void)state;
    memset(text + 9, 'x', PROMPT_MAX - 1);
    assert_int_equal(strlen(parse(text).prompt), PROMPT_MAX - 1);
    assert_string_equal(reports, "");
    text[9 + PROMPT_MAX - 1] = 'x';
    assert_string_equal(parse(text).prompt, "");
    assert_string_equal(reports, "line 1: prompt has 4096 bytes; at most 4095 are allowed\n");
    memset(name + 8, 'x', PLATFORM_NAME_MAX);
    parse(name);
    assert_string_equal(reports, "line 1: model has 256 bytes; at most 255 are allowed\n");
}

static void many_wrong_lines(void **state)
{
    char text[100] = "";

    (void)state;
    for (int i = 0; i < 10; i++)
        strcat(text, "x\n");
    parse(text);
    assert_null(strstr(reports, "more"));
    assert_non_null(strstr(reports, "line 10: "));
    parse(strcat(text, "x\nx\nx\n"));
    assert_null(strstr(reports, "line 11: "));
    assert_non_null(strstr(reports, "\nand 3 more wrong lines\n"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),    cmocka_unit_test(every_key),  cmocka_unit_test(limits),
        cmocka_unit_test(lines),       cmocka_unit_test(texts),      cmocka_unit_test(wrong_lines),
        cmocka_unit_test(long_texts),  cmocka_unit_test(many_wrong_lines),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
