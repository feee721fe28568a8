/* core/session/command_line.c: words, quotes and escapes of every boot loader; and what a session makes of them. */
#include "console_script.h"

#include "session/command_line.h"

static char reports[2000], ignored[64];

static void collect(void *context, const char *message)
{
    assert_ptr_equal(context, reports);
    strcat(strcat(reports, message), "\n");
}

static struct config parse(const char *line)
{
    struct config config = config_default();
    char *exact = strdup(line);
    reports[0] = 0;
    memset(ignored, 'x', sizeof ignored);
    command_line_parse(&config, exact, ignored, sizeof ignored, collect, reports);
    free(exact);
    return config;
}

static void every_kind_of_value(void **state)
{
    (void)state;
    const struct config config = parse("  Seed=random temperature=0.5\tsteps=7 serial=\"com2 9600\" colour=off "
                                       "chat_stop=\"<end>\\n\" countdown=0\n");
    assert_string_equal(reports, "");
    assert_string_equal(ignored, "");
    assert_true(config.seed_random && config.sampling.temperature == 0.5f && config.steps == 7);
    assert_true(config.serial_port == 2 && config.serial_speed == 9600 && config.colour == SETTING_OFF);
    assert_string_equal(config.chat_stop, "<end>\\n");
    assert_int_equal(config.countdown, 0);
}

static void quotes(void **state)
{
    static const char *const cases[][2] = {
        {"prompt=cat", "cat"},
        {"prompt=\"The cat\"", "The cat"},
        {"\"prompt=The cat\"", "The cat"},
        {"prompt=\"The \"big\" cat\"", "The \"big\" cat"},
        {"prompt=The\" big \"cat", "The\" big \"cat"},
        {"prompt=\" # 1 ; a = b\"", " # 1 ; a = b"},
        {"prompt=\"\"", ""},
        {"prompt=", ""},
        {"prompt=\"The cat", "The cat"},
        {"prompt=\"", ""},
        {"\"prompt=The dog\\'s \\\"ball\\\"\"", "The dog's \"ball\""}, /* as GRUB writes them */
        {"prompt=\"C:\\\\ \\x\"", "C:\\ \\x"},
        {"prompt=cat\\", "cat\\"},
        {"prompt=a prompt=b", "b"},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const struct config config = parse(cases[i][0]);
        assert_string_equal(config.prompt, cases[i][1]);
        assert_string_equal(reports, "");
        assert_string_equal(ignored, "");
    }
}

static void other_words_are_ignored(void **state)
{
    (void)state;
    struct config config =
        parse("BOOT_IMAGE=/boot/bootllama.krn quiet steps=3 \"initrd=a b\" =x \"ro\" x\"a b\" promt=\"c d\" \"\"");
    assert_int_equal(config.steps, 3);
    assert_string_equal(ignored, " quiet =x ro x\"a b\" promt=c d ");
    parse("BOOT_IMAG=a BOOT_IMAGES=b initrd boot_image=c");
    assert_string_equal(ignored, " BOOT_IMAG=a BOOT_IMAGES=b initrd boot_image=c");
    config = parse("steps= top_p=2 quiet prompt=\x01 wrap=19");
    assert_string_equal(reports, "steps must be a whole number from 0 to 1000000\ntop_p must be a number from 0 to 1\n"
                                 "wrap must be auto, off or a whole number from 20 to 500\n");
    assert_string_equal(ignored, " quiet");
    assert_string_equal(config.prompt, "");
    parse("caf\xC3\xA9\x9b \"\x1b[2J\"");
    assert_string_equal(ignored, " caf\xC3\xA9? ?[2J");
}

static void long_words(void **state)
{
    static char line[2 * ENGINE_PROMPT_MAX];
    (void)state;
    strcpy(line, "prompt=");
    memset(line + 7, 'a', ENGINE_PROMPT_MAX - 1);
    assert_int_equal(strlen(parse(line).prompt), ENGINE_PROMPT_MAX - 1);
    memset(line + 7, 'a', ENGINE_PROMPT_MAX);
    assert_string_equal(parse(line).prompt, "");
    assert_string_equal(reports, "prompt has 4096 bytes; at most 4095 are allowed\n");
    memset(line, 'a', sizeof line - 1);
    strcpy(line + sizeof line - 9, " steps=2");
    memcpy(line, "prompt=", 7);
    assert_int_equal(parse(line).steps, 2);
    assert_string_equal(reports, "");
    assert_int_equal(strlen(ignored), sizeof ignored - 1);
}

static void a_session_takes_it_over_the_file(void **state)
{
    const struct memory_file files[] = {
        model("/MODELS/A.GGUF"), config("steps = 3\nseed = 5\nautostart = off\nprompt = b\n"), {0}};
    fresh(state);
    session.command_line = "BOOT_IMAGE=/krn prompt=\"a b\" steps=4 autostart=on countdown=0 top_k=x quiet";
    assert_string_equal(run(files),
                        "Ignored on the command line: quiet\n"
                        "Error: command line, top_k must be a whole number from 0 to 1000000\n" LOADED("/MODELS/A.GGUF")
                            MODEL "\na b\n\n[4 tokens, 0.0 tokens/s, length reached]\n" HINT END);
    session.command_line = "serial=\"com2 9600\"";
    run(files);
    assert_int_equal(session.serial_port, 2);
    assert_int_equal(session.serial_speed, 9600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value),
        cmocka_unit_test(quotes),
        cmocka_unit_test(other_words_are_ignored),
        cmocka_unit_test(long_words),
        cmocka_unit_test(a_session_takes_it_over_the_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
