/* core/session/config.c, config_file.c: every key at its limits, every message, how values and lines are read. */
#include "unit.h"

#include "base/error.h"
#include "session/config_file.h"

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
    config_file_parse(&config, exact, n, collect, reports);
    free(exact);
    return config;
}

static struct config parse(const char *text)
{
    return parse_bytes(text, strlen(text));
}

static void defaults(void **state)
{
    const struct sampler_settings sampling = sampler_defaults();
    struct config config = parse("");
    const struct sampler_settings *got = &config.sampling;

    (void)state;
    assert_string_equal(reports, "");
    assert_true(got->temperature == sampling.temperature && got->top_p == sampling.top_p &&
                got->min_p == sampling.min_p);
    assert_true(got->repeat_penalty == sampling.repeat_penalty && got->top_k == sampling.top_k);
    assert_int_equal(got->seed, sampling.seed);
    assert_int_equal(config.seed_random, false);
    assert_int_equal(config.steps, 0);
    assert_string_equal(config.model, "");
    assert_string_equal(config.prompt, "");
    assert_int_equal(config.countdown, 3);
    assert_int_equal(config.autostart, SETTING_ON);
    assert_int_equal(config.stories, 1);
    assert_int_equal(config.after, AFTER_PROMPT);
    assert_int_equal(config.serial_port, 1);
    assert_int_equal(config.serial_speed, 115200);
    assert_int_equal(config.wrap, WRAP_AUTO);
    assert_int_equal(config.colour, SETTING_ON);
    assert_int_equal(config.processors, ENGINE_PROCESSORS_AUTO);
    assert_int_equal(config.context, 4096);
}

/* image/BOOTLLAM.CFG names every key once, commented out, with the value that holds without it. */
static void the_file_that_ships(void **state)
{
    FILE *file = fopen("image/BOOTLLAM.CFG", "r");
    char line[100], text[4000] = "", value[64];
    struct config config = config_default(), shipped;
    uint32_t keys = 0;

    (void)state;
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char key[32];
        if (sscanf(line, "#%31[a-z_] =", key) == 1 && line[1 + strlen(key) + 1] == '=') {
            struct error error;
            assert_true(config_find(key, strlen(key), &error) >= 0);
            assert_null(strstr(text, line + 1));
            strcat(text, line + 1);
            keys++;
        } else {
            assert_true(line[0] == '#' || line[0] == '\n');
        }
    }
    fclose(file);
    assert_int_equal(keys, CONFIG_KEYS);
    memset(&config, 0, sizeof config); /* so that every value comes from the file */
    shipped = config;
    reports[0] = '\0';
    config_file_parse(&shipped, text, strlen(text), collect, reports);
    assert_string_equal(reports, "");
    config = config_default();
    for (uint32_t i = 0; i < CONFIG_KEYS; i++) {
        char standard[64];
        config_value(&shipped, i, value, sizeof value);
        config_value(&config, i, standard, sizeof standard);
        assert_string_equal(value, standard);
    }
}

static void every_key(void **state)
{
    struct config config =
        parse("temperature = 0.5\ntop_p=0.25\nmin_p = 0.125\nrepeat_penalty = 1.5\ntop_k = 40\n"
              "seed = 18446744073709551615\nsteps = 300\nmodel = MY STORY.GGUF\nprompt = One day\ncountdown = 3600\n"
              "AUTOSTART = OFF\nstories = 0\nafter = Reboot\nserial = COM3 9600\nwrap = 72\ncolour = off\n"
              "chat_system = You are brief.\\nAlways.\n"
              "chat_prefix = <|user|>\\n\nchat_suffix = </s>\\n<|assistant|>\\n\nchat_stop = </s>\nprocessors = 64\n"
              "context = 16384\n");

    (void)state;
    assert_string_equal(reports, "");
    assert_true(config.sampling.temperature == 0.5f && config.sampling.top_p == 0.25f);
    assert_true(config.sampling.min_p == 0.125f && config.sampling.repeat_penalty == 1.5f);
    assert_int_equal(config.sampling.top_k, 40);
    assert_int_equal(config.sampling.seed, UINT64_MAX);
    assert_int_equal(config.steps, 300);
    assert_string_equal(config.model, "MY STORY.GGUF");
    assert_string_equal(config.prompt, "One day");
    assert_int_equal(config.countdown, 3600);
    assert_int_equal(config.autostart, SETTING_OFF);
    assert_int_equal(config.stories, 0);
    assert_int_equal(config.after, AFTER_REBOOT);
    assert_int_equal(config.serial_port, 3);
    assert_int_equal(config.serial_speed, 9600);
    assert_int_equal(config.wrap, 72);
    assert_int_equal(config.colour, SETTING_OFF);
    assert_string_equal(config.chat_system, "You are brief.\\nAlways.");
    assert_string_equal(config.chat_prefix, "<|user|>\\n");
    assert_string_equal(config.chat_suffix, "</s>\\n<|assistant|>\\n");
    assert_string_equal(config.chat_stop, "</s>");
    assert_int_equal(config.processors, 64);
    assert_int_equal(config.context, 16384);
}

static void words(void **state)
{
    static const struct {
        const char *line;
        uint64_t seed;
        uint32_t port, speed, after, wrap, processors;
        bool seed_random;
    } cases[] = {
        {"serial = off", 487, 0, 115200, AFTER_PROMPT, WRAP_AUTO, ENGINE_PROCESSORS_AUTO, false},
        {"serial = com4", 487, 4, 115200, AFTER_PROMPT, WRAP_AUTO, ENGINE_PROCESSORS_AUTO, false},
        {"serial = Com2 \t 300", 487, 2, 300, AFTER_PROMPT, WRAP_AUTO, ENGINE_PROCESSORS_AUTO, false},
        {"after = off", 487, 1, 115200, AFTER_OFF, WRAP_AUTO, ENGINE_PROCESSORS_AUTO, false},
        {"wrap = OFF", 487, 1, 115200, AFTER_PROMPT, WRAP_OFF, ENGINE_PROCESSORS_AUTO, false},
        {"wrap = auto\nprocessors = Auto", 487, 1, 115200, AFTER_PROMPT, WRAP_AUTO, ENGINE_PROCESSORS_AUTO, false},
        {"seed = RANDOM", 487, 1, 115200, AFTER_PROMPT, WRAP_AUTO, ENGINE_PROCESSORS_AUTO, true},
        {"seed = random\nseed = 3", 3, 1, 115200, AFTER_PROMPT, WRAP_AUTO, ENGINE_PROCESSORS_AUTO, false},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = parse(cases[i].line);
        assert_string_equal(reports, "");
        assert_int_equal(config.serial_port, cases[i].port);
        assert_int_equal(config.serial_speed, cases[i].speed);
        assert_int_equal(config.after, cases[i].after);
        assert_int_equal(config.wrap, cases[i].wrap);
        assert_int_equal(config.processors, cases[i].processors);
        assert_int_equal(config.sampling.seed, cases[i].seed);
        assert_int_equal(config.seed_random, cases[i].seed_random);
    }
}

/* Whatever a value is, its text sets it again. */
static void values_as_text(void **state)
{
    static const char *const texts[] = {
        "temperature = 0.8",   "temperature = 100",
        "temperature = 99.99", "temperature = 7.00001",
        "top_p = 0.000001",    "top_p = 0.333333",
        "min_p = 0.05",        "repeat_penalty = 1.1",
        "seed = random",       "seed = 18446744073709551615",
        "serial = com2 9600",  "serial = off",
        "wrap = off",          "wrap = 500",
        "after = reboot",      "autostart = off",
        "processors = 12",     "processors = auto",
        "prompt = Once upon",  "chat_prefix = a\\nb",
        "stories = 0",         "min_p = 0",
        "min_p = 0.0001",      "min_p = 0.00009",
        "min_p = 0.000009876", "top_p = 0.000001235",
        "temperature = 0.7",   "temperature = 0.3",
        "prompt = \" x y\"",   "prompt = \"x \"",
        "prompt = \"\"",       "prompt = \"\"\"x\"\"\"",
        "prompt = \"x",        "model = \"\"",
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(texts); i++) {
        struct config config = parse(texts[i]);
        struct error error;
        char value[64], line[100];
        const size_t n = strcspn(texts[i], " ");
        const int index = config_find(texts[i], n, &error);
        assert_string_equal(reports, "");
        assert_true(index >= 0);
        config_value(&config, (uint32_t)index, value, sizeof value);
        snprintf(line, sizeof line, "%s = %s", config_key((uint32_t)index), value);
        assert_string_equal(line, texts[i]);
    }
    struct config config = parse("min_p = 0.00000099\ntop_p = 1e-30");
    assert_true(config.sampling.min_p == 0 && config.sampling.top_p == 0); /* nothing is kept that would show as 0 */
    config = parse("prompt = \xC3\xB6\xC3\xB6");
    char cut[4];
    config_value(&config, 0, cut, sizeof cut); /* a whole sequence or none */
    assert_string_equal(cut, "\xC3\xB6");
    config = parse("prompt = \" \xC3\xB6\"");
    config_value(&config, 0, cut, sizeof cut);
    assert_string_equal(cut, "\" \"");
    config_value(&config, 0, cut, 3);
    assert_string_equal(cut, "\"\"");
}

static void limits(void **state)
{
    static const struct {
        const char *key, *good, *bad, *message;
    } cases[] = {
        {"temperature", "0 100 100.0 1e2", "-0.1 100.1 nan x", "must be a number from 0 to 100"},
        {"top_p", "0 1 0.9", "1.01 -1 90%", "must be a number from 0 to 1"},
        {"min_p", "0 1 0.05", "1.01 -1", "must be a number from 0 to 1"},
        {"repeat_penalty", "0.1 1 100", "0 -1 100.5 0.0", "must be a number above 0, at most 100"},
        {"top_k", "0 1000000", "1000001 -1 1.5", "must be a whole number from 0 to 1000000"},
        {"steps", "0 1000000", "1000001 -1 all", "must be a whole number from 0 to 1000000"},
        {"seed", "0 18446744073709551615 random", "18446744073709551616 -1 randomly",
         "must be random or a whole number below 2^64"},
        {"autostart", "on off ON", "yes 1 0", "must be off or on"},
        {"countdown", "0 3600", "3601 -1 1.5 off", "must be a whole number from 0 to 3600"},
        {"stories", "0 1000000", "1000001 all", "must be a whole number from 0 to 1000000"},
        {"after", "prompt reboot off", "on 0 1 story", "must be prompt, reboot or off"},
        {"serial", "off com1 COM4", "on com0 com5 com 1 9600 com11 comm",
         "must be off, or com1 to com4 and a speed: com1 115200"},
        {"wrap", "auto off 20 500", "19 501 on 0 1", "must be auto, off or a whole number from 20 to 500"},
        {"colour", "on off", "red 1", "must be off or on"},
        {"processors", "auto 1 64", "0 65 all off", "must be auto or a whole number from 1 to 64"},
        {"kernel", "auto scalar AVX2 avx512vnni", "mmx 1 off avx",
         "must be auto, scalar, sse2emu, sse2, avx2, avxvnni or avx512vnni"},
        {"context", "64 4096 16777216", "0 63 16777217 all", "must be a whole number from 64 to 16777216"},
    };
    char list[100], expected[200];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct config config = config_default();
        struct error error;
        for (char *word = strtok(strcpy(list, cases[i].good), " "); word != NULL; word = strtok(NULL, " "))
            assert_int_equal(config_set(&config, cases[i].key, strlen(cases[i].key), word, strlen(word), &error), 0);
        struct config before = config;
        sprintf(expected, "%s %s", cases[i].key, cases[i].message);
        for (char *word = strtok(strcpy(list, cases[i].bad), " "); word != NULL; word = strtok(NULL, " ")) {
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
                                 "steps = 10\r\nprompt = a = b #c\r\nseed = 3 ; c\r\nserial = com2 9600 # c\r\n"
                                 "model = # c\r\n");

    (void)state;
    assert_string_equal(reports, "");
    assert_int_equal(config.sampling.top_k, 7);
    assert_int_equal(config.steps, 10);
    assert_string_equal(config.prompt, "a = b");
    assert_int_equal(config.sampling.seed, 3);
    assert_int_equal(config.serial_speed, 9600);
    assert_string_equal(config.model, "");
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
        {"prompt = Lily # the hero", "Lily"},
        {"prompt = Lily\t; the hero # of it", "Lily"},
        {"prompt = Lily#1; or 2", "Lily#1; or 2"},
        {"prompt = \"Lily # the hero\"", "Lily # the hero"},
        {"prompt = \"Lily \" # the \"hero\"", "Lily "},
        {"prompt = \"\" ; none", ""},
        {"prompt = \"a\"\" # b\"", "a\" # b"},
        {"prompt = \"\"\"\"", "\""},
        {"prompt = \"He said \"hi\"\"", "He said \"hi\""},
        {"prompt = \"Lily # the hero", "\"Lily"},
        {"prompt = \\ \\n", "\\ \\n"},
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
        {"\n\nsteps\n", "line 3: write a setting as key = value\n"},
        {"= 5", "line 1: there is no setting \"\"; /set lists them all\n"},
        {"temprature\x1B = 5", "line 1: there is no setting \"temprature?\"; did you mean temperature?\n"},
        {"xyzzy = 5", "line 1: there is no setting \"xyzzy\"; /set lists them all\n"},
        {"serial = com1 110", "line 1: serial must be off, or com1 to com4 and a speed: com1 115200\n"},
        {"serial = com1 9601", "line 1: serial must be off, or com1 to com4 and a speed: com1 115200\n"},
        {"serial = com1 9600 8N1", "line 1: serial must be off, or com1 to com4 and a speed: com1 115200\n"},
        {"serial = off 9600", "line 1: serial must be off, or com1 to com4 and a speed: com1 115200\n"},
        {"serial = com1 4294968", "line 1: serial must be off, or com1 to com4 and a speed: com1 115200\n"},
        {"serial = com1 0", "line 1: serial must be off, or com1 to com4 and a speed: com1 115200\n"},
        {"chat_stop = \\x", "line 1: in chat_stop only \\n (new line), \\t (tab), \\s (space) and \\\\ are known\n"},
        {"model = llama\\A.GGUF", "line 1: model has folders with / between them, not \\\n"},
        {"prompt = \xF6l", "line 1: prompt is not UTF-8; save the file as UTF-8\n"},
        {"prompt = \xC3", "line 1: prompt is not UTF-8; save the file as UTF-8\n"},
        {"prompt = a\x1B[2J", "line 1: prompt contains a control character\n"},
        {"prompt = a\x7F", "line 1: prompt contains a control character\n"},
        {"prompt = a\xC2\x85", "line 1: prompt contains a control character\n"},
        {"prompt = \"x\t\"", "line 1: prompt contains a tab; write spaces\n"},
        {"chat_stop = a\tb", "line 1: chat_stop contains a tab; write \\t\n"},
        {"temperature = 0,8", "line 1: temperature must be a number from 0 to 100, with a point, not a comma\n"},
        {"steps = 20;short", "line 1: steps must be a whole number from 0 to 1000000; a comment behind it begins with "
                             "a blank and # or ;\n"},
        {"steps = # 20", "line 1: steps must be a whole number from 0 to 1000000\n"},
        {"x\ntop_k = 3\ny", "line 1: write a setting as key = value\nline 3: write a setting as key = value\n"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        parse(cases[i].text);
        assert_string_equal(reports, cases[i].report);
    }
    assert_int_equal(parse(cases[COUNT_OF(cases) - 1].text).sampling.top_k, 3);
    parse_bytes("prompt = a\0b", 12);
    assert_string_equal(reports, "line 1: prompt contains a control character\n");
}

static void long_texts(void **state)
{
    char text[ENGINE_PROMPT_MAX + 20] = "prompt = ", name[PLATFORM_NAME_MAX + 20] = "model = ";

    (void)state;
    memset(text + 9, 'x', ENGINE_PROMPT_MAX - 1);
    assert_int_equal(strlen(parse(text).prompt), ENGINE_PROMPT_MAX - 1);
    assert_string_equal(reports, "");
    text[9 + ENGINE_PROMPT_MAX - 1] = 'x';
    assert_string_equal(parse(text).prompt, "");
    assert_string_equal(reports, "line 1: prompt has 4096 bytes; at most 4095 are allowed\n");
    memset(name + 8, 'x', PLATFORM_NAME_MAX);
    parse(name);
    assert_string_equal(reports, "line 1: model has 256 bytes; at most 255 are allowed\n");
    assert_string_equal(
        parse("chat_stop = 012345678901234567890123456789012345678901234567890123456789012\n").chat_stop,
        "012345678901234567890123456789012345678901234567890123456789012");
    parse("chat_stop = 0123456789012345678901234567890123456789012345678901234567890123\n");
    assert_string_equal(reports, "line 1: chat_stop has 64 bytes; at most 63 are allowed\n");
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

/* ---- Texts of any editor ---- */

static struct config parse_utf16(const char *ascii, bool mark, bool big_endian)
{
    char text[2000];
    size_t n = 0;
    for (const char *c = ascii - mark; c < ascii || *c != 0; c++) {
        const uint16_t unit = c < ascii ? 0xFEFF : *c == '*' ? 0xD83D : *c == '+' ? 0xDE00 : (uint8_t)*c; /* U+1F600 */
        text[n++] = (char)(big_endian ? unit >> 8 : unit & 0xFF);
        text[n++] = (char)(big_endian ? unit & 0xFF : unit >> 8);
    }
    return parse_bytes(text, n);
}

static void utf16_is_read(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        struct config config = parse_utf16("# c\r\nsteps = 5\r\nprompt = a\xF6*+b* # c\r\nx\r\n", i % 2, i / 2);
        assert_string_equal(reports, "line 4: write a setting as key = value\n");
        assert_int_equal(config.steps, 5);
        assert_string_equal(config.prompt, "a\xC3\xB6\xF0\x9F\x98\x80"
                                           "b\xEF\xBF\xBD");
    }
    assert_int_equal(parse_bytes("\xFF\xFEs\0t\0e\0p\0s\0=\0007\0\x0D", 17).steps, 7); /* half a character */
    assert_int_equal(parse_bytes("\xFE\xFF", 2).steps, 0);
    assert_int_equal(parse_bytes("\xFF\xFE\x1A\0", 4).steps, 0);
    assert_string_equal(reports, "");
}

static void any_line_end_will_do(void **state)
{
    static const char *const ends[] = {"\n", "\r\n", "\r"};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ends); i++) {
        char text[200];
        const char *end = ends[i];
        snprintf(text, sizeof text, "# settings%scountdown = 0%s%sx%ssteps = 5%s", end, end, end, end, end);
        struct config config = parse(text);
        assert_string_equal(reports, "line 4: write a setting as key = value\n");
        assert_int_equal(config.countdown, 0);
        assert_int_equal(config.steps, 5);
    }
}

static void what_stands_behind_the_text_is_left_out(void **state)
{
    (void)state;
    assert_int_equal(parse("steps = 5\x1A").steps, 5);
    assert_string_equal(reports, "");
    assert_int_equal(parse("steps = 5\r\n\x1A\x1A").steps, 5);
    assert_string_equal(reports, "");
    assert_int_equal(parse_bytes("steps = 5\n\x1A\0\0\0\0\0\0\0\0\0\0\0\0", 23).steps, 5);
    assert_string_equal(reports, "");
    parse("prompt = a\x1A"
          "b");
    assert_string_equal(reports, "line 1: prompt contains a control character\n");
}

static void long_lines(void **state)
{
    static char text[CONFIG_FILE_MAX];
    (void)state;
    memset(text, '#', 30000);
    strcpy(text + 30000, "\nsteps = 5 ");
    assert_int_equal(parse(text).steps, 5);
    assert_string_equal(reports, "");
    memset(text + strlen(text), '#', 9000);
    parse(text);
    assert_string_equal(reports, "line 2: the line is longer than 8450 bytes\n");
}

/* ---- What is shown can be typed back ---- */

static void expect_round_trip(const struct config *config, uint32_t index)
{
    static char value[CONFIG_VALUE_MAX];
    struct config again = config_default();
    struct error error;
    config_value(config, index, value, sizeof value);
    assert_true(strlen(value) < sizeof value - 1 || value[sizeof value - 2] == '"');
    assert_int_equal(config_set(&again, config_key(index), strlen(config_key(index)), value, strlen(value), &error), 0);
    assert_true(config_same(config, &again, index));
}

/* Every text of up to six of the characters that mean something, and the longest ones. */
static void texts_come_back(void **state)
{
    static const char letters[] = "a\" #;\\";
    enum { PROMPT = 0, LENGTH_MAX = 6 };
    struct config config = config_default();
    (void)state;
    for (uint32_t length = 0, count = 1; length <= LENGTH_MAX; length++, count *= sizeof letters - 1) {
        for (uint32_t number = 0; number < count; number++) {
            for (uint32_t i = 0, rest = number; i < length; i++, rest /= sizeof letters - 1)
                config.prompt[i] = letters[rest % (sizeof letters - 1)];
            config.prompt[length] = 0;
            expect_round_trip(&config, PROMPT);
        }
    }
    for (size_t i = 0; i < sizeof letters - 1; i++) {
        memset(config.prompt, letters[i], ENGINE_PROMPT_MAX - 1);
        config.prompt[ENGINE_PROMPT_MAX - 1] = 0;
        expect_round_trip(&config, PROMPT);
    }
}

/* Whatever number is read, its value comes back to the bit. */
static void numbers_come_back(void **state)
{
    struct config config = config_default();
    struct error error;
    uint32_t random = 1, tried = 0;
    (void)state;
    for (uint32_t i = 0; i < 40000; i++) {
        char text[40];
        random = random * 1664525 + 1013904223;
        snprintf(text, sizeof text, "%u%se-%u", random >> (i % 32), i % 3 == 0 ? ".25" : "", i % 17);
        for (int key = 3; key <= 7; key++) {
            if (config_set(&config, config_key(key), strlen(config_key(key)), text, strlen(text), &error) == 0) {
                expect_round_trip(&config, key);
                tried++;
            }
        }
    }
    assert_true(tried > 30000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(the_file_that_ships),
        cmocka_unit_test(every_key),
        cmocka_unit_test(words),
        cmocka_unit_test(values_as_text),
        cmocka_unit_test(limits),
        cmocka_unit_test(lines),
        cmocka_unit_test(texts),
        cmocka_unit_test(wrong_lines),
        cmocka_unit_test(long_texts),
        cmocka_unit_test(many_wrong_lines),
        cmocka_unit_test(utf16_is_read),
        cmocka_unit_test(any_line_end_will_do),
        cmocka_unit_test(what_stands_behind_the_text_is_left_out),
        cmocka_unit_test(long_lines),
        cmocka_unit_test(texts_come_back),
        cmocka_unit_test(numbers_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
