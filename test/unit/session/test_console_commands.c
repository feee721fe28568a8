/* Sessions of commands: each one, wrong ones, completion, and anything at all. */
#include "console_script.h"

static void settings_are_shown_and_set(void **state)
{
    fresh(state);
    assert_string_equal(answer("/set seed 7\r\r"), "> /set seed 7\nseed = 7\n> \n" SEED_7);
    assert_string_equal(answer("/SET Seed=7\r\r"), "> /SET Seed=7\nseed = 7\n> \n" SEED_7);
    assert_string_equal(answer("/set  temperature  =  0.25 \r"), "> /set  temperature  =  0.25 \ntemperature = 0.25\n");
    assert_string_equal(answer("/set temperature 200\r"),
                        "> /set temperature 200\nError: temperature must be a number from 0 to 100\n");
    assert_string_equal(
        answer("/set tempersture 1\r"),
        "> /set tempersture 1\nError: there is no setting \"tempersture\"; did you mean temperature?\n");
    assert_string_equal(answer("/set steps\r"),
                        "> /set steps\nsteps          = 0              a whole number from 0 to 1000000\n");
    assert_string_equal(answer("/set prompt \" x y\"\r/set prompt\r"),
                        "> /set prompt \" x y\"\nprompt = \" x y\"\n"
                        "> /set prompt\nprompt         = \" x y\"         a text of at most 4095 bytes\n");
    assert_string_equal(answer("/set prompt b\r\r"),
                        "> /set prompt b\nprompt = b\n> \n\nb\n\n[3 tokens, 0.0 tokens/s]\n");
    assert_string_equal(answer("/set countdown 5\r/set countdown\r"),
                        "> /set countdown 5\nError: countdown takes effect only at start: write it into /BOOTLLAM.CFG\n"
                        "> /set countdown\ncountdown      = 3              a whole number from 0 to 3600, at start\n");
    assert_string_equal(
        answer("/set prompt 0123456789 0123456789 0123456789 0123456789\r/set prompt\r") + 111,
        "> /set prompt\nprompt         = 0123456789 0123456789 0123456789 0123456789  a text of at most 4095 bytes\n");
}

/* Blanks behind what was typed, as Tab leaves them behind a key, mean nothing. */
static void blanks_at_the_end_mean_nothing(void **state)
{
    fresh(state);
    assert_string_equal(answer("/set prompt b\r/set promp\t\r"),
                        "> /set prompt b\nprompt = b\n> /set prompt\n"
                        "prompt         = b              a text of at most 4095 bytes\n");
    assert_string_equal(answer("/save  \r/again \r/kernel scalar \r") + 10,
                        "Error: nothing can be saved: bootllama reads its disk and never writes to it\n"
                        "> /again \nError: there is nothing to repeat yet\n"
                        "> /kernel scalar \n" LOADED("/MODELS/A.GGUF") "Kernel: scalar, as /set kernel says\n");
    assert_string_equal(answer("/set prompt b\r/set prompt = \r"),
                        "> /set prompt b\nprompt = b\n> /set prompt = \nprompt = \"\"\n");
}

static void all_settings_are_listed(void **state)
{
    fresh(state);
    assert_string_equal(answer("/set\r"),
                        "> /set\n"
                        "prompt         = \"\"             a text of at most 4095 bytes\n"
                        "model          = \"\"             a text of at most 255 bytes\n"
                        "steps          = 0              a whole number from 0 to 1000000\n"
                        "temperature    = 0.8            a number from 0 to 100\n"
                        "top_p          = 0.9            a number from 0 to 1\n"
                        "top_k          = 0              a whole number from 0 to 1000000\n"
                        "min_p          = 0              a number from 0 to 1\n"
                        "repeat_penalty = 1              a number above 0, at most 100\n"
                        "seed           = 5              random or a whole number below 2^64\n"
                        "autostart      = off            off or on, at start\n"
                        "countdown      = 3              a whole number from 0 to 3600, at start\n"
                        "stories        = 1              a whole number from 0 to 1000000, at start\n"
                        "after          = prompt         prompt, reboot or off, at start\n"
                        "serial         = com1 115200    off, or com1 to com4 and a speed: com1 115200\n"
                        "wrap           = auto           auto, off or a whole number from 20 to 500\n"
                        "colour         = on             off or on\n"
                        "chat_system    = \"\"             a text of at most 1023 bytes\n"
                        "chat_prefix    = \"\"             a text of at most 255 bytes\n"
                        "chat_suffix    = \"\"             a text of at most 255 bytes\n"
                        "chat_stop      = \"\"             a text of at most 63 bytes\n"
                        "processors     = auto           auto or a whole number from 1 to 64\n"
                        "kernel         = auto           auto, scalar, sse2emu, sse2, avx2, avxvnni or avx512vnni\n"
                        "context        = 4096           a whole number from 64 to 16777216\n");
}

static void the_help(void **state)
{
    fresh(state);
    const char *text = answer("/help\r");
    const char *start =
        "> /help\n" HINT "Esc or Ctrl-C stops a story, Up recalls earlier lines, Tab completes a command\n"
        "/again          tells the last story again, with the same seed\n";
    assert_true(is_start(text, start));
    static const char *const commands[] = {"/new",    "/set KEY VALUE", "/models",      "/model NAME",
                                           "/info",   "/bench",         "/kernel NAME", "/save",
                                           "/reboot", "/off",           "/exit",        "/help"};
    for (size_t i = 0; i < COUNT_OF(commands); i++) {
        char line[32];
        snprintf(line, sizeof line, "\n%-14s  ", commands[i]);
        assert_non_null(strstr(text, line));
    }
    for (const char *line = text; *line != 0; line += strcspn(line, "\n") + 1) {
        assert_true(strcspn(line, "\n") < 80);
    }
}

static void wrong_commands(void **state)
{
    fresh(state);
    assert_string_equal(answer("/hepl\r/Seed 5\r/nonsense at all\r/\r/x\xC3\x28\r"),
                        "> /hepl\nError: unknown command /hepl; did you mean /help?\n"
                        "> /Seed 5\nError: unknown command /Seed; did you mean /set seed?\n"
                        "> /nonsense at all\nError: unknown command /nonsense; /help lists all\n"
                        "> /\nError: unknown command /; /help lists all\n"
                        "> /x\xC3\x83(\nError: unknown command /x\xC3\x83(; /help lists all\n");
    assert_string_equal(answer("/save\r"),
                        "> /save\nError: nothing can be saved: bootllama reads its disk and never writes to it\n");
}

static void restart_and_off(void **state)
{
    fresh(state);
    assert_string_equal(answer("/REBOOT\r/off\r"),
                        "> /REBOOT\nError: this machine does not restart by itself; press its reset button\n"
                        "> /off\nError: this machine cannot switch itself off; use its power button\n");
    assert_int_equal(session.reboots, 1);
    assert_int_equal(session.offs, 1);
}

static void all_about_machine_and_model(void **state)
{
    fresh(state);
    const char *text = answer("/info\r");
    static const char *const parts[] = {
        "> /info\nbootllama " BOOTLLAMA_VERSION " on test\nCPU: ",
        "\nProcessors: 1\nMemory: 6 MiB free\nKernels: scalar",
        "\nKernel: ",
        "\n" MODEL "Kind: Q8_0, matrices: 1 F32, 2 F16, 11 Q8_0, 2 BF16\n"
        "Kept: matrices as int8 in groups of 32, 11 of 16 exactly; vectors as F32\n"
        "File: /MODELS/A.GGUF, GGUF version 3, architecture llama\n"
        "Shape: 2 layers, dim 32, hidden 64, 4 heads of 8, 2 KV heads\n"
        "RoPE: 8 of 8 dimensions, base 10000\nTokenizer: 12 tokens, BOS 1, EOS 2, unknown 0\nIn use: weights ",
        ", KV cache 6 KiB, tokenizer 1 KiB, buffers ",
        "\nSettings: steps 0, temperature 0.8, top_p 0.9, top_k 0, min_p 0, repeat_penalty 1, seed 5\n"};
    for (size_t i = 0; i < COUNT_OF(parts); i++) {
        text = strstr(text, parts[i]);
        assert_non_null(text);
    }
}

/* On a screen of any width a name and its value stay on one line. */
static void names_stay_with_their_values(void **state)
{
    static const char *const pairs[] = {"repeat_penalty 1", "temperature 0.8", "min_p 0", "KV cache 6 KiB", "EOS 2"};
    fresh(state);
    for (session.columns = 30; session.columns <= 100; session.columns++) {
        const char *text = strstr(run_with("autostart = off\n", "/info\r"), "> /info\n");
        assert_non_null(text);
        assert_null(strchr(text, '\x1F'));
        for (size_t i = 0; i < COUNT_OF(pairs); i++) {
            assert_non_null(strstr(text, pairs[i]));
        }
    }
}

static void kernels_are_changed_by_name(void **state)
{
    fresh(state);
    assert_string_equal(
        answer("/kernel scalar\r/kernel\r\r"),
        "> /kernel scalar\n" LOADED("/MODELS/A.GGUF") "Kernel: scalar, as /set kernel says\n"
                                                      "> /kernel\nKernel: scalar, as /set kernel says\n> \n" SEED_5);
    assert_string_equal(answer("/kernel sse2\r/set kernel\r/set kernel scalar\r/kernel\r"),
                        "> /kernel sse2\n" LOADED(
                            "/MODELS/A.GGUF") "Kernel: sse2, as /set kernel says\n"
                                              "> /set kernel\nkernel         = sse2           auto, scalar, sse2emu, "
                                              "sse2, avx2, avxvnni or "
                                              "avx512vnni\n"
                                              "> /set kernel scalar\n" LOADED(
                                                  "/MODELS/A.GGUF") "kernel = scalar\n"
                                                                    "> /kernel\nKernel: scalar, as /set kernel says\n");
    assert_string_equal(answer("/kernel scaler\r/kernel vax\r"),
                        "> /kernel scaler\nError: unknown kernel scaler; did you mean scalar?\n"
                        "> /kernel vax\nError: unknown kernel vax; /info lists them\n");
}

/* With a clock that runs, every kernel is as fast as the others: the last one wins, and /info has the figures. The
   scalar one takes no part. */
static void the_kernel_is_chosen_by_a_race(void **state)
{
    fresh(state);
    struct cpu_features cpu;
    char figures[300] = "\nKernels: ", expected[200];
    const char *winner = "", *second = "";
    cpu_detect(&cpu);
    session.step = 1000;
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (kernel_usable(kernel_at(i), &cpu)) {
            const bool races = kernel_at(i) != &kernel_scalar;
            second = winner;
            winner = races ? kernel_at(i)->name : "";
            snprintf(figures + strlen(figures), 60, races ? ", %s 1000.0 us" : "%s", kernel_at(i)->name);
        }
    }
    snprintf(expected, sizeof expected, "\nKernel: %s, 1.0 x %s here\nModel: ", winner, second);
    assert_non_null(strstr(run_with("autostart = off\n", "/info\r"), figures));
    assert_non_null(strstr(session_plain(session.transcript), expected));
}

static void the_bench(void **state)
{
    fresh(state);
    uint32_t microseconds, speed, tenth, stars = 0, lines = 0;
    session.step = 1000;
    const char *text = strstr(run_with("autostart = off\n", "/bench\r\r"),
                              "Time for a token, 16 in a row; * marks the kernel in use\n");
    assert_non_null(text);
    for (text = strchr(text, '\n') + 1; *text != '>'; text = strchr(text, '\n') + 1, lines++) {
        char mark, name[16], bar[40];
        assert_int_equal(
            sscanf(text, "%c %15s %u us %39s %u.%u tokens/s\n", &mark, name, &microseconds, bar, &speed, &tenth), 6);
        assert_true(microseconds >= 1000 && microseconds < 1500); /* by the fake clock: it is read after each token, and
                                                                     sometimes within one */
        assert_string_equal(bar, "################################");
        assert_true(speed == (10000000 / microseconds + 5) / 10 || speed == 10000000 / microseconds / 10);
        assert_true(strcspn(text, "\n") < 80);
        stars += mark == '*';
    }
    assert_int_equal(stars, 1);
    assert_true(lines >= 1);
    assert_non_null(strstr(session.transcript, "Measuring scalar:   6 %; Esc stops"));
}

static void escape_stops_the_bench(void **state)
{
    fresh(state);
    session.step = 1000;
    session.keys_ahead = "\x1b";
    session.ahead_after = "Measuring";
    assert_non_null(
        strstr(run_with("seed = 5\nautostart = off\n", "/bench\r\r"), "> /bench\nStopped.\n> \n\n\n\n[1 tokens"));
    struct cpu_features cpu;
    uint32_t loadings = 0;
    cpu_detect(&cpu);
    for (const char *at = session.transcript; (at = strstr(at, "Loading again: ")) != NULL; at++) {
        loadings++;
    }
    assert_int_equal(loadings, kernel_best(&cpu) == &kernel_scalar ? 0 : 2); /* for the first kernel, and back */
}

static void tab_completes(void **state)
{
    fresh(state);
    const struct memory_file files[] = {
        model("/MODELS/A.GGUF"), model("/MODELS/BEAR.GGUF"), config("seed = 5\nautostart = off\n"), {0}};
    session.keys = "/sa\t\r/set temp\t0.5\r/mod\t\t\x15/model b\t\r/kernel sca\t\r/re\t\x15/exit\r";
    const char *text = run(files);
    assert_non_null(strstr(text, "> /save\nError: nothing"));
    assert_non_null(strstr(text, "> /set temperature 0.5\ntemperature = 0.5\n"));
    assert_non_null(strstr(text, "> /model BEAR.GGUF\nLoading"));
    assert_non_null(strstr(text, "> /kernel scalar\nLoading"));
}

/* Candidates stand whole, words and all, each on one line. */
static void names_with_blanks_are_listed_whole(void **state)
{
    fresh(state);
    const struct memory_file files[] = {
        model("/MODELS/MY BEAR 1.GGUF"), model("/MODELS/MY BEAR 2.GGUF"), config("autostart = off\n"), {0}};
    session.keys = "/model m\t\t\x15/exit\r";
    assert_non_null(strstr(run(files), "\nMY BEAR 1.GGUF  MY BEAR 2.GGUF\n> "));
    session.columns = 30;
    session.keys = "/model m\t\t2\t\r";
    const char *text = run(files);
    assert_non_null(strstr(text, "\nMY BEAR 1.GGUF\nMY BEAR 2.GGUF\n> "));
    assert_non_null(strstr(text, "Loading /MODELS/MY BEAR\n2.GGUF"));
}

/* Tab asks for every candidate, twice where it lists them, and each time the folder is read through once. */
static void completion_reads_the_folder_once(void **state)
{
    enum { MODELS = 20 };
    static char paths[MODELS][24];
    struct memory_file files[MODELS + 2] = {{0}};
    fresh(state);
    for (uint32_t i = 0; i < MODELS; i++) {
        snprintf(paths[i], sizeof paths[i], "/MODELS/BEAR%02u.GGUF", i);
        files[i] = model(paths[i]);
    }
    files[MODELS] = config("autostart = off\n");
    session.keys = "/exit\r";
    run(files);
    const uint32_t without = session.lists;
    session.lists = 0;
    session.keys = "/model b\t\t\x15/exit\r";
    const char *text = run(files);
    assert_non_null(strstr(text, "BEAR00.GGUF  BEAR01.GGUF"));
    assert_non_null(strstr(text, "BEAR19.GGUF\n"));
    /* To the end, to the end again, and the list; the ends are that of the folder, and the root with its file. */
    assert_int_equal(session.lists - without, 3 * MODELS + 2 * (1 + 2));
}

/* Whatever is echoed is cut, but its line ends. */
static void what_is_too_long_to_say_is_cut(void **state)
{
    static char keys[3000] = "/kernel ";
    fresh(state);
    memset(keys + strlen(keys), 'x', 2000);
    strcat(keys, "\r");
    const char *text = answer(keys), *error = strstr(text, "\nError: unknown kernel xxx");
    assert_non_null(error);
    assert_int_equal(strlen(error), 1024); /* what is said at most, and the line end before it */
    assert_true(error[1023] == '\n');
}

/* Escape while a model is loaded for the next kernel: the one from before comes back. */
static void the_bench_never_leaves_without_a_model(void **state)
{
    fresh(state);
    session.step = 200000;
    session.keys_ahead = "\x1b";
    session.ahead_after = "Loading again";
    const char *text = run_with("seed = 5\nautostart = off\n", "/bench\r\r");
    assert_non_null(strstr(text, "\n[1 tokens"));
    assert_null(strstr(strstr(text, "/bench"), "Loading /MODELS"));
}

static void a_long_line_is_not_completed(void **state)
{
    char keys[800] = "/set prompt ";
    fresh(state);
    memset(keys + strlen(keys), 'x', 600);
    strcat(keys, "\t\r");
    assert_non_null(strstr(answer(keys), "xxx\nprompt = xxx"));
}

static void lines_typed_before_come_back(void **state)
{
    fresh(state);
    assert_string_equal(answer("/save\r\f\r"),
                        "> /save\nError: nothing can be saved: bootllama reads its disk and never writes to it\n"
                        "> /save\nError: nothing can be saved: bootllama reads its disk and never writes to it\n");
}

/* Whatever is typed, at whatever moment, it ends and nothing is lost (session_run checks that). */
static void random_sessions(void **state)
{
    static const char *const pieces[] = {"/set ",
                                         "/set seed ",
                                         "/model ",
                                         "/models\r",
                                         "/kernel scalar\r",
                                         "/bench\r",
                                         "/info\r",
                                         "/again\r",
                                         "/new\r",
                                         "\r",
                                         "a b c",
                                         "\t",
                                         "\x1b",
                                         "\x03",
                                         "\b",
                                         "\f",
                                         "/set wrap 20\r",
                                         "/set chat_prefix b\r",
                                         "/set chat_prefix\r",
                                         "0",
                                         "7\r",
                                         "b\r",
                                         "/save",
                                         "\xE4",
                                         "\x15",
                                         "/set steps 5\r",
                                         "/help\r",
                                         " "};
    uint32_t random = 1;
    fresh(state);
    for (uint32_t round = 0; round < 40; round++) {
        static char keys[2000], ahead[200];
        keys[0] = ahead[0] = 0;
        for (uint32_t i = 0; i < 40; i++) {
            random = random * 1664525 + 1013904223;
            strcat(i < 32 ? keys : ahead, pieces[(random >> 16) % COUNT_OF(pieces)]);
        }
        fresh(state);
        session.step = random >> 16;
        session.columns = random % 3 == 0 ? 0 : 20 + random % 100;
        session.countdown_key = random % 5 == 0 ? 'x' : 0;
        session.keys_ahead = ahead;
        session.ahead_after = "";
        session.look = random >> 24;
        const struct memory_file files[] = {
            model("/MODELS/A.GGUF"), model("/MODELS/BEAR.GGUF"), config("stories = 2"), {0}};
        session.keys = strcat(keys, "\r");
        run(files);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_shown_and_set),
        cmocka_unit_test(blanks_at_the_end_mean_nothing),
        cmocka_unit_test(all_settings_are_listed),
        cmocka_unit_test(the_help),
        cmocka_unit_test(wrong_commands),
        cmocka_unit_test(restart_and_off),
        cmocka_unit_test(all_about_machine_and_model),
        cmocka_unit_test(names_stay_with_their_values),
        cmocka_unit_test(kernels_are_changed_by_name),
        cmocka_unit_test(the_kernel_is_chosen_by_a_race),
        cmocka_unit_test(the_bench),
        cmocka_unit_test(escape_stops_the_bench),
        cmocka_unit_test(tab_completes),
        cmocka_unit_test(names_with_blanks_are_listed_whole),
        cmocka_unit_test(completion_reads_the_folder_once),
        cmocka_unit_test(what_is_too_long_to_say_is_cut),
        cmocka_unit_test(the_bench_never_leaves_without_a_model),
        cmocka_unit_test(a_long_line_is_not_completed),
        cmocka_unit_test(lines_typed_before_come_back),
        cmocka_unit_test(random_sessions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
