/* Whole sessions from power-on: what is typed, and the exact transcript. */
#include "console_script.h"

/* ---- From power-on ---- */

static void the_banner(void **state)
{
    fresh(state);
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("seed = 5\n"), {0}};
    char kernel[16], reason[40], cpu[64];
    uint32_t memory, file_kib, used_kib;
    session.vendor = "Acme 1.0";
    session_run(&session, files);
    assert_ptr_equal(strchr(strchr(session.transcript, '%') + 1, '%'),
                     strrchr(session.transcript, '%')); /* 0 and 100 */
    const char *text = session_plain(session.transcript),
               *first = "bootllama " BOOTLLAMA_VERSION " on test (Acme 1.0)\n";
    assert_true(is_start(text, first));
    assert_int_equal(sscanf(text + strlen(first), "CPU: %63[^\n]\nProcessors: 1\nMemory: %u MiB", cpu, &memory), 2);
    assert_int_equal(memory, SESSION_MEMORY >> 20);
    const char *model_lines = strstr(text, " MiB free\n") + strlen(" MiB free\n"), *loaded = LOADED("/MODELS/A.GGUF");
    assert_true(is_start(model_lines, loaded));
    assert_int_equal(sscanf(model_lines + strlen(loaded), "Kernel: %15[a-z0-9], %39[^\n]\n", kernel, reason), 2);
    assert_string_equal(reason, /* the clock stands still: no race */
                        strcmp(kernel, "scalar") == 0 ? "this CPU has no SSE2" : "the widest that this CPU has");
    const char *after = strstr(model_lines, "\nModel: ") + 1;
    assert_true(is_start(after, MODEL));
    assert_int_equal(sscanf(after + strlen(MODEL), "Size: %u KiB in the file, %u KiB in memory, 1 processor computes\n",
                            &file_kib, &used_kib),
                     2);
    assert_int_equal(file_kib, (files[0].size + 1023) / 1024);
    assert_true(used_kib > 100 && used_kib < 400);
    assert_string_equal(strstr(model_lines, "computes\n") + strlen("computes\n"), SEED_5 HINT END);
}

static void a_story_is_told_then_enter_tells_the_next(void **state)
{
    fresh(state);
    assert_string_equal(run_with("seed = 5\n", "\r\r"),
                        LOADED("/MODELS/A.GGUF") MODEL SEED_5 HINT "> \n" SEED_6 "> \n" SEED_7 END);
}

static void the_countdown_counts_and_goes_away(void **state)
{
    fresh(state);
    const struct memory_file files[] = {model("/MODELS/A.GGUF"), config("seed = 5\ncountdown = 2\n"), {0}};
    const char *text = session_run(&session, files);
    const char *counts = "computes\nA story begins in 2 s; any key stops it\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b\b"
                         "1 s; any key stops it";
    assert_non_null(strstr(text, counts));
    assert_null(strstr(text, "0 s; any key"));
    const struct memory_file at_once[] = {model("/MODELS/A.GGUF"), config("seed = 5\ncountdown = 0\n"), {0}};
    session.length = 0;
    assert_null(strstr(session_run(&session, at_once), "any key"));
}

static void a_key_stops_the_countdown(void **state)
{
    static const struct {
        int key;
        const char *line;
    } cases[] = {{'\r', "x"}, {27, "x"}, {' ', "x"}, {3, "x"}, {'a', "ax"}, {'/', "/x"}};
    fresh(state);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char expected[512];
        session.countdown_key = cases[i].key;
        const char *text = run_with("seed = 5\nafter = off\n", "x\r");
        snprintf(expected, sizeof expected, "%s> %s\n", LOADED("/MODELS/A.GGUF") MODEL HINT, cases[i].line);
        assert_true(is_start(text, expected));
        assert_int_equal(session.offs, 0);
    }
}

static void stories_without_a_hand(void **state)
{
    fresh(state);
    assert_string_equal(run_with("seed = 5\nstories = 3\n", ""),
                        LOADED("/MODELS/A.GGUF") MODEL SEED_5 SEED_6 SEED_7 HINT END);
    assert_non_null(strstr(session.transcript, "The next story begins in 3 s; any key stops it"));
    assert_string_equal(run_with("autostart = off\nstories = 3\nafter = off", ""),
                        LOADED("/MODELS/A.GGUF") MODEL HINT END);
    assert_int_equal(session.offs, 0);
}

static void stories_for_ever_end_with_a_key(void **state)
{
    fresh(state);
    session.countdown_key = 27;
    session.countdown_rest = 60 * 50 + 10; /* 3 s each: in the fiftieth pause */
    const char *text = run_with("stories = 0\ncountdown = 3\nafter = reboot\n", "");
    uint32_t stories = 0;
    for (const char *at = text; (at = strstr(at, " tokens/s")) != NULL; at++) {
        stories++;
    }
    assert_int_equal(stories, 50);
    assert_int_equal(session.reboots, 0);
}

static void what_follows_the_stories(void **state)
{
    fresh(state);
    const char *off = run_with("seed = 5\nafter = off\n", "");
    assert_string_equal(off, LOADED("/MODELS/A.GGUF") MODEL SEED_5
                        "Error: this machine cannot switch itself off; use its power button\n" HINT END);
    assert_int_equal(session.offs, 1);
    run_with("seed = 5\nstories = 2\nafter = Reboot\n", "");
    assert_int_equal(session.reboots, 1);
    press_in_story("\x1b");
    assert_non_null(
        strstr(run_with("prompt = ab\ntemperature = 0\nafter = reboot\ncountdown = 0\n", ""), ", stopped]"));
    assert_int_equal(session.reboots, 1);
}

/* Typed during the last story: a key other than a stop key also shows that the user is there. */
static void any_key_keeps_the_machine_on(void **state)
{
    static const char *const keys[] = {"x", " ", "\r", "/save\r"};
    static const char *const settings[] = {"prompt = ab\ntemperature = 0\nafter = off\ncountdown = 0\n",
                                           "prompt = ab\ntemperature = 0\nafter = reboot\ncountdown = 0\n"};
    for (size_t i = 0; i < 2 * COUNT_OF(keys); i++) {
        fresh(state);
        press_in_story(keys[i / 2]);
        const char *text = strstr(run_with(settings[i % 2], "y\r"), HINT);
        assert_non_null(text);
        assert_int_equal(session.offs + session.reboots, 0);
        assert_true(is_start(text, i / 2 == 0 ? HINT "> xy\n" : i / 2 == 3 ? HINT "> /save\nError: " : HINT "> y\n"));
    }
}

/* ---- Stories ---- */

static void a_typed_prompt_is_continued(void **state)
{
    fresh(state);
    assert_string_equal(answer("abc\r"), "> abc\n\nabc\n\n[4 tokens, 0.0 tokens/s]\n");
    assert_string_equal(run_with("seed = 5\nsteps = 9", "abc\r"), LOADED("/MODELS/A.GGUF") MODEL SEED_5 HINT
                        "> abc\n\nabc" HALF "ab\xC3\xB6" HALF "\n\n[9 tokens, 0.0 tokens/s, length reached]\n" END);
}

static void the_configured_prompt_begins_every_story(void **state)
{
    fresh(state);
    const char *story = "\nba \n\n[16 tokens, 0.0 tokens/s, context full]\n";
    char expected[512];
    snprintf(expected, sizeof expected, "%s%s%s> \n%s%s", LOADED("/MODELS/A.GGUF") MODEL, story, HINT, story, END);
    assert_string_equal(run_with("prompt = \"ba \"\r\ntemperature = 0\r\n", "\r"), expected);
}

static void the_same_again(void **state)
{
    fresh(state);
    assert_string_equal(answer("/again\r\r\r/again\r/AGAIN\r\r"),
                        "> /again\nError: there is nothing to repeat yet\n> \n" SEED_5 "> \n" SEED_6 "> /again\n" SEED_6
                        "> /AGAIN\n" SEED_6 "> \n" SEED_7);
}

static void escape_stops_a_story(void **state)
{
    fresh(state);
    press_in_story("\x1b");
    session.look = 60;
    const char *text = run_with("prompt = ab\ntemperature = 0\ncountdown = 0\n", "");
    uint32_t tokens;
    assert_int_equal(sscanf(strstr(text, "\nab\n\n"), "\nab\n\n[%u tokens,", &tokens), 1);
    assert_non_null(strstr(text, " s, stopped]\n" HINT END));
    assert_true(tokens > 3 && tokens < 16);
}

/* Lines pasted while a story runs are executed after it. */
static void what_is_typed_ahead_waits(void **state)
{
    fresh(state);
    press_in_story("/save\r\r");
    assert_true(is_start(strstr(run_with("temperature = 0\ncountdown = 0\n", ""), HINT),
                         HINT "> /save\nError: nothing can be saved: bootllama reads its disk and never writes to "
                              "it\n> \n\n\n\n[16 tokens, "));
}

static void figures(void **state)
{
    fresh(state);
    uint32_t tokens, speed, tenth, first, first_tenth;
    session.step = 100; /* the clock is read a few times before the first token */
    const char *text = run_with("seed = 6\n", "");
    assert_int_equal(sscanf(strstr(text, "\n\n["), "\n\n[%u tokens, %u.%u tokens/s, first after %u us]\n", &tokens,
                            &speed, &tenth, &first),
                     4);
    assert_int_equal(tokens, 7);
    assert_true(speed > 2500 && speed <= 25000 && first > 0 && first % 100 == 0);
    session.step = 2500;
    text = run_with("seed = 6\n", "");
    assert_int_equal(sscanf(strstr(text, ", first"), ", first after %u.%u ms]\n", &first, &first_tenth), 2);
    assert_true(first < 20 && (first * 10 + first_tenth) % 25 == 0);
    session.step = 1700000;
    text = run_with("seed = 6\n", "");
    assert_int_equal(sscanf(strstr(text, ", first"), ", first after %u.%u s]\n", &first, &first_tenth), 2);
    assert_true(first < 10);
}

static void a_random_seed(void **state)
{
    fresh(state);
    assert_string_equal(run_with("seed = random\n", "\r/set seed\r/set seed 6\r\r/set seed RANDOM\r\r"),
                        LOADED("/MODELS/A.GGUF") MODEL
                        "\n\n\n[1 tokens, 0.0 tokens/s, seed 5]\n" HINT "> \n\n" HALF "ab\xC3\xB6" HALF
                        " a\n\n[7 tokens, 0.0 tokens/s, seed 6]\n"
                        "> /set seed\nseed           = random         random or a whole number below 2^64\n"
                        "> /set seed 6\nseed = 6\n> \n" SEED_6
                        "> /set seed RANDOM\nseed = random\n> \n\n\n\n[1 tokens, 0.0 tokens/s, seed 5]\n" END);
}

/* Seed 0 tells what seed 1 does. */
static void no_story_comes_twice(void **state)
{
    fresh(state);
    assert_non_null(strstr(answer("/set seed 0\r\r/set seed\r"), "/set seed\nseed           = 2              random"));
}

static void lines_break_at_the_screens_edge(void **state)
{
    fresh(state);
    const char *settings = "seed = 6\nprompt = aaa aaa aaa aaa\nsteps = 13\n";
    session.columns = 12;
    assert_non_null(strstr(run_with(settings, ""), "\naaa aaa aaa\naaa"));
    assert_non_null(strstr(session.transcript, "\nA story beg\b\b")); /* what counts down stays on its line */
    assert_null(strstr(session.transcript, "[####] 100 %"));
    session.columns = 80;
    assert_non_null(strstr(run_with(settings, ""), "\naaa aaa aaa aaa"));
    session.columns = 12;
    char text[200];
    snprintf(text, sizeof text, "%swrap = off\n", settings);
    assert_non_null(strstr(run_with(text, ""), "\naaa aaa aaa aaa"));
    session.columns = 80;
    assert_non_null(
        strstr(run_with("autostart = off\nwrap = 20\n", "/save\r"),
               "> /save\nError: nothing can\nbe saved: bootllama\nreads its disk and\nnever writes to it\n"));
}

static void colours(void **state)
{
    fresh(state);
    session.show_colours = true;
    run_with("seed = 5\n", "/nonsense\r");
    assert_non_null(strstr(session.transcript, "{2}bootllama " BOOTLLAMA_VERSION " on test\n{0}"));
    assert_non_null(strstr(session.transcript, "\n\n\n{1}[1 tokens, 0.0 tokens/s]\n{0}{1}Enter: "));
    assert_non_null(
        strstr(session.transcript, "{2}> {0}/nonsense\n{3}Error: unknown command /nonsense; /help lists all\n{0}"));
    session.length = 0;
    run_with("seed = 5\ncolour = off\n", "/nonsense\r");
    assert_null(strchr(session.transcript, '{'));
    run_with("autostart = off\n", "/set colour off\r/nonsense\r/set colour on\r/nonsense\r");
    assert_non_null(strstr(session.transcript, "colour = off\n{0}> /nonsense\nError: unknown") == NULL
                        ? strstr(session.transcript, "colour = off\n> /nonsense\nError: unknown")
                        : "");
    assert_non_null(strstr(session.transcript, "{1}colour = on\n{0}{2}> {0}/nonsense\n{3}Error: unknown"));
}

/* ---- Configuration ---- */

static void wrong_settings_are_told_and_the_rest_counts(void **state)
{
    fresh(state);
    assert_string_equal(run_with("seeds = 1\nseed = 5\ntop_p = 2\ncountdown\nwibble = 1\n", ""),
                        "Error: /BOOTLLAM.CFG, line 1: there is no setting \"seeds\"; did you mean seed?\n"
                        "Error: /BOOTLLAM.CFG, line 3: top_p must be a number from 0 to 1\n"
                        "Error: /BOOTLLAM.CFG, line 4: write a setting as key = value\n"
                        "Error: /BOOTLLAM.CFG, line 5: there is no setting \"wibble\"; /set lists them all\n" LOADED(
                            "/MODELS/A.GGUF") MODEL SEED_5 HINT END);
}

static void many_wrong_settings(void **state)
{
    char text[2000] = "autostart = off\n", name[PLATFORM_NAME_MAX];
    fresh(state);
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = 0;
    for (uint32_t i = 0; i < 12; i++) {
        strcat(text, i == 0 ? name : "serial = on the other side");
        strcat(text, "\n");
    }
    const char *shown = run_with(text, "");
    assert_true(is_start(shown, "Error: /BOOTLLAM.CFG, line 2: write a setting as key = value\n"));
    assert_non_null(
        strstr(shown, "Error: /BOOTLLAM.CFG, line 11: serial must be off, or com1 to com4 and a speed: com1 115200\n"
                      "Error: /BOOTLLAM.CFG, and 2 more wrong lines\n" LOADED("/MODELS/A.GGUF")));
}

static void too_long_a_configuration_is_left_out(void **state)
{
    fresh(state);
    static char text[CONFIG_FILE_MAX + 2];
    memset(text, '\n', sizeof text - 1);
    const struct memory_file files[] = {config(text), {0}};
    assert_string_equal(run(files), "Error: /BOOTLLAM.CFG is longer than 65536 bytes; it is ignored\n"
                                    "Error: no model in /MODELS; copy a .GGUF file there and press Enter\n" END);
}

static void an_unreadable_configuration_is_told(void **state)
{
    fresh(state);
    session.bad_from = 3;
    const struct memory_file files[] = {config("seed = 5\n"), {0}};
    assert_string_equal(run(files), "Error: /BOOTLLAM.CFG cannot be read: bad sector; it is ignored\n"
                                    "Error: no model in /MODELS; copy a .GGUF file there and press Enter\n" END);
}

static void the_serial_port_is_set_before_the_banner(void **state)
{
    fresh(state);
    run_with("serial = com2 9600\nautostart = off\n", "");
    assert_int_equal(session.serials, 1);
    assert_int_equal(session.serial_port, 2);
    assert_int_equal(session.serial_speed, 9600);
    run_with("autostart = off\nserial = COM1 115200\n", "");
    assert_int_equal(session.serials, 1); /* it is there already */
    session.no_serial = true;
    assert_non_null(
        strstr(run_with("autostart = off\nserial = com4\n", "/set serial\r/set serial com4 9600\r/set serial\r"),
               "> /set serial\nserial         = com1 115200    off, or com1 to com4 and a speed: com1 115200\n"
               "> /set serial com4 9600\nError: there is no COM4\n"
               "> /set serial\nserial         = com1 115200    off, or com1 to com4 and a speed: com1 115200\n" END));
    assert_true(strncmp(run_with("serial = com4\nautostart = off\n", ""),
                        "Error: /BOOTLLAM.CFG, serial: there is no COM4\n", 47) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_banner),
        cmocka_unit_test(a_story_is_told_then_enter_tells_the_next),
        cmocka_unit_test(the_countdown_counts_and_goes_away),
        cmocka_unit_test(a_key_stops_the_countdown),
        cmocka_unit_test(stories_without_a_hand),
        cmocka_unit_test(stories_for_ever_end_with_a_key),
        cmocka_unit_test(what_follows_the_stories),
        cmocka_unit_test(any_key_keeps_the_machine_on),
        cmocka_unit_test(a_typed_prompt_is_continued),
        cmocka_unit_test(the_configured_prompt_begins_every_story),
        cmocka_unit_test(the_same_again),
        cmocka_unit_test(escape_stops_a_story),
        cmocka_unit_test(what_is_typed_ahead_waits),
        cmocka_unit_test(figures),
        cmocka_unit_test(a_random_seed),
        cmocka_unit_test(no_story_comes_twice),
        cmocka_unit_test(lines_break_at_the_screens_edge),
        cmocka_unit_test(colours),
        cmocka_unit_test(wrong_settings_are_told_and_the_rest_counts),
        cmocka_unit_test(many_wrong_settings),
        cmocka_unit_test(too_long_a_configuration_is_left_out),
        cmocka_unit_test(an_unreadable_configuration_is_told),
        cmocka_unit_test(the_serial_port_is_set_before_the_banner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
