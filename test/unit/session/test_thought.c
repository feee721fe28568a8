/* core/session/thought.c and the colours of wrap.c: where a text is dimmed, in every cut of it into calls. */
#include "unit.h"

#include "session/thought.h"

enum { OUT_MAX = 4096 };

static struct {
    char text[OUT_MAX]; /* "{4}" where colour 4 begins */
    size_t length;
} out;

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    assert_true(n > 0 && out.length + n < OUT_MAX);
    memcpy(out.text + out.length, utf8, n);
    out.text[out.length += n] = 0;
}

static void set_colour(struct platform *platform, enum platform_colour colour)
{
    char mark[8];
    put(platform, mark, (size_t)snprintf(mark, sizeof mark, "{%d}", (int)colour));
}

static const struct {
    const char *text, *shown; /* with lines of 30 columns */
} cases[] = {
    {"", ""},
    {"a < b <thin> <<", "a < b <thin> <<"},
    {"<think>", "{4}<think>{0}"},
    {"<think>ab</think>c", "{4}<think>ab</think>{0}c"},
    {"a <think> b </think> c", "a {4}<think> b </think>{0} c"},
    {"<<think>a<</think>b", "<{4}<think>a<</think>{0}b"},
    {"<think>a <think> b</think>c </think>", "{4}<think>a <think> b</think>{0}c\n</think>"},
    {"<think>\n\nbbb ccc ddd eee fff ggg</think>\n\nh", "{4}<think>\n\nbbb ccc ddd eee fff\nggg</think>{0}\n\nh"},
    {"aaa bbb ccc ddd eee fff <think>ggg hhh", "aaa bbb ccc ddd eee fff\n{4}<think>ggg hhh{0}"},
    {"a </think>", "a </think>"},
    {"<think>a <thi", "{4}<think>a <thi{0}"},
    {"a<thi", "a<thi"},
    {"<think>a </thi", "{4}<think>a </thi{0}"},
    {"<think>\x10\x14</think>\x11", "{4}<think></think>{0}"}, /* no text can change the colour */
    {"<think>a</think> <think>b</think>", "{4}<think>a</think>{0}\n{4}<think>b</think>{0}"},
    {"\xC3\xB6<think>\xC3\xB6</think>\xC3\xB6", "\xC3\xB6{4}<think>\xC3\xB6</think>{0}\xC3\xB6"},
};

static struct platform platform = {.put = put, .set_colour = set_colour, .columns = 31};
static struct config config;
static struct output output;

static void say(const char *text, size_t n, size_t piece)
{
    struct thought thought;
    memset(&out, 0, sizeof out);
    output_text_begin(&output);
    thought_begin(&thought, &output);
    for (size_t i = 0; i < n; i += piece) {
        thought_put(&thought, text + i, n - i < piece ? n - i : piece);
    }
    thought_end(&thought);
    output_text_end(&output);
}

static int begin(void **state)
{
    (void)state;
    config = config_default();
    output_begin(&output, &platform, &config);
    return 0;
}

static void thinking_is_dimmed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        for (size_t piece = 1; piece <= strlen(cases[i].text) + 1; piece++) {
            say(cases[i].text, strlen(cases[i].text), piece);
            if (strcmp(out.text, cases[i].shown) != 0) {
                fail_test("%s in pieces of %zu:\n%s\n", cases[i].text, piece, out.text);
            }
        }
    }
}

/* Where lines are never broken, all passes at once. */
static void without_lines(void **state)
{
    (void)state;
    config.wrap = WRAP_OFF;
    say("a <think> b </think> c", 22, 1);
    assert_string_equal(out.text, "a {4}<think> b </think>{0} c");
    config.wrap = WRAP_AUTO;
}

static void without_colours(void **state)
{
    (void)state;
    config.colour = SETTING_OFF;
    output_use_colour(&output);
    say("a <think>b</think>", 18, 1);
    assert_string_equal(out.text, "a <think>b</think>");
    config.colour = SETTING_ON;
    output_use_colour(&output);
}

/* A line of something else in between keeps its own colour. */
static void a_pause(void **state)
{
    struct thought thought;
    (void)state;
    memset(&out, 0, sizeof out);
    output_text_begin(&output);
    thought_begin(&thought, &output);
    thought_put(&thought, "<think>a", 8);
    thought_pause(&thought);
    output_text_end(&output);
    output_say(&output, COLOUR_NOTE, "note\n");
    output_text_begin(&output);
    thought_resume(&thought);
    thought_put(&thought, "b</think>c", 10);
    thought_end(&thought);
    output_text_end(&output);
    assert_string_equal(out.text, "{4}<think>a{0}{1}note\n{0}{4}b</think>{0}c");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(thinking_is_dimmed),
        cmocka_unit_test(without_lines),
        cmocka_unit_test(without_colours),
        cmocka_unit_test(a_pause),
    };
    return cmocka_run_group_tests(tests, begin, NULL);
}
