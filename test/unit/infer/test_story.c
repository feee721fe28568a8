/* core/infer/story.c: stories, stop texts, keys and time, and going on after all of them. */
#include "unit.h"

#include "base/utf8.h"
#include "story_machine.h"
#include "text/decoder.h"

static void expect_text(const int32_t *ids, uint32_t count)
{
    assert_int_equal(machine.engine.text_count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(machine.engine.text[i], ids[i]);
}

static void a_story_is_told(void **state)
{
    (void)state;
    machine_open(NULL, 1.0f);
    struct story story = machine_story(machine_long_prompt(), 60);
    struct story_result result = machine_tell(&story);
    assert_int_equal(result.end, STORY_STEPS);
    assert_int_equal(result.tokens, 60);
    assert_int_equal(result.generated + result.prompt_tokens, 60);
    const uint64_t prompt_work = result.prompt_tokens * (machine.token_work - machine.once_work) + machine.once_work;
    const uint64_t first = prompt_work * 1000 / machine.token_work, rest = (result.generated - 1) * 1000;
    assert_true(result.first_token + 1 >= first && result.first_token <= first + 1);
    assert_true(result.microseconds - result.first_token + 1 >= rest && result.microseconds <= first + rest + 1);
    assert_true(story_speed_tenths(&result) == 10000 || story_speed_tenths(&result) == 10001);
    assert_true(strncmp(machine.out, story.prompt, story.prompt_bytes) == 0);
    story.steps = 3;
    result = machine_tell(&story);
    assert_int_equal(result.end, STORY_STEPS);
    assert_int_equal(result.tokens, 3);
    assert_int_equal(story_speed_tenths(&result), 0);
    story.steps = 0;
    result = machine_tell(&story);
    assert_true(result.end == STORY_COMPLETE || (result.end == STORY_CONTEXT_FULL && result.tokens == MACHINE_CONTEXT));
    machine_close();
}

/* In pieces, with pauses at every place, the text is the same. */
static void going_on_changes_nothing(void **state)
{
    int32_t whole[60];
    char text[MACHINE_OUT_MAX];
    (void)state;
    machine_open(NULL, 1.0f);
    const struct story story = machine_story(machine_long_prompt(), 60);
    const uint32_t prompt_tokens = machine_tell(&story).prompt_tokens;
    memcpy(whole, machine.engine.text, sizeof whole);
    strcpy(text, machine.out);
    for (uint32_t first = prompt_tokens; first < 60; first++) {
        struct story piece = machine_story(story.prompt, first);
        machine_tell(&piece);
        const size_t shown = machine.length;
        assert_memory_equal(text, machine.out, shown > 3 ? shown - 3 : 0); /* the last may be U+FFFD, half a sequence */
        piece = machine_story("", 60 - first);
        piece.go_on = true;
        assert_int_equal(machine_tell(&piece).tokens, 60);
        expect_text(whole, 60);
    }
    for (uint32_t back = 59; back > prompt_tokens; back -= 3) { /* taken back to any place, too */
        engine_rewind(&machine.engine, back);
        struct story again = machine_story("", 60 - back);
        again.go_on = true;
        machine_tell(&again);
        expect_text(whole, 60);
    }
    struct story more = machine_story(" c a", 10); /* and text in between */
    more.go_on = true;
    assert_int_equal(machine_tell(&more).tokens, 70);
    assert_int_equal(machine.engine.text[60], SPACE);
    assert_int_equal(machine.engine.text[61], C);
    assert_int_equal(machine.engine.text[62], SPACE_A);
    assert_true(strncmp(machine.out, " c a", 4) == 0);
    engine_rewind(&machine.engine, 0);
    more.prompt = "ab";
    more.prompt_bytes = 2;
    machine_tell(&more);
    assert_int_equal(machine.engine.text[0], BOS);
    assert_true(strncmp(machine.out, "ab", 2) == 0);
    machine_close();
}

/* Every part of a story, as the stop text: it is not shown, nor anything of it, and the text goes on as if it had not
   been. */
static void a_stop_text_ends_the_story(void **state)
{
    char text[MACHINE_OUT_MAX], stop[CHAT_STOP_MAX];
    int32_t whole[60];
    uint32_t within = 0;
    size_t length_at[60], shown = 0; /* bytes of text before each token */
    struct decoder decoder;
    (void)state;
    decoder_begin(&decoder, true);
    machine_open(NULL, 1.0f);
    struct story story = machine_story(machine_long_prompt(), 60);
    machine_tell(&story);
    memcpy(whole, machine.engine.text, sizeof whole);
    strcpy(text, machine.out);
    for (uint32_t i = 0; i < 60; i++) {
        length_at[i] = shown;
        shown += decoder_push(&decoder, &machine.engine.tokenizer, whole[i], stop, sizeof stop);
    }
    for (size_t from = story.prompt_bytes; text[from] != 0; from++) {
        for (size_t n = 1; n <= 12 && from + n < strlen(text); n++) {
            snprintf(stop, sizeof stop, "%.*s", (int)n, text + from);
            if (((uint8_t)stop[0] & 0xC0) == 0x80 || ((uint8_t)text[from + n] & 0xC0) == 0x80 || strstr(stop, "\uFFFD"))
                continue;
            story = machine_story(story.prompt, 60);
            story.stop_text = stop;
            const char *place = strstr(text + story.prompt_bytes, stop);
            const struct story_result result = machine_tell(&story);
            assert_int_equal(result.end, STORY_COMPLETE);
            assert_int_equal(machine.length, place - text);
            assert_memory_equal(machine.out, text, machine.length);
            assert_true(machine.engine.text_count == result.tokens && machine.engine.text_count < 60);
            assert_memory_equal(machine.engine.text, whole, machine.engine.text_count * sizeof whole[0]);
            assert_true(length_at[result.tokens] >= machine.length && length_at[result.tokens - 1] <= machine.length);
            struct story rest = machine_story("", 60 - machine.engine.text_count);
            rest.go_on = true;
            machine_tell(&rest);
            expect_text(whole, 60);
            within++;
        }
    }
    assert_true(within > 100);
    machine_close();
}

/* What looked like the beginning of the stop text is shown after all, at the end too. */
static void half_a_stop_text_is_shown(void **state)
{
    char text[MACHINE_OUT_MAX], stop[CHAT_STOP_MAX];
    (void)state;
    machine_open(NULL, 1.0f);
    struct story story = machine_story(machine_long_prompt(), 40);
    machine_tell(&story);
    strcpy(text, machine.out);
    for (size_t n = 1; n < 10; n++) {
        snprintf(stop, sizeof stop, "%s?", text + strlen(text) - n);
        if (((uint8_t)stop[0] & 0xC0) == 0x80)
            continue;
        story.stop_text = stop;
        assert_int_equal(machine_tell(&story).end, STORY_STEPS);
        assert_string_equal(machine.out, text);
    }
    story.stop_text = story.prompt; /* in the prompt it does not count */
    machine_tell(&story);
    assert_true(machine.length >= story.prompt_bytes);
    machine_close();
}

static void keep(void *context, const char *utf8, size_t n)
{
    char *text = context;
    assert_true(n > 0);
    for (size_t i = 0; i < n;) { /* whole characters */
        const int length = utf8_sequence((const uint8_t *)utf8 + i, n - i);
        assert_true(length > 0);
        i += (size_t)length;
    }
    strncat(text, utf8, n);
}

static void text_goes_to_the_sink_alone(void **state)
{
    char text[MACHINE_OUT_MAX] = "", kept[MACHINE_OUT_MAX] = "";
    (void)state;
    machine_open(NULL, 1.0f);
    struct story story = machine_story(machine_long_prompt(), 60);
    machine_tell(&story);
    strcpy(text, machine.out);
    story.sink = (struct story_sink){keep, kept};
    machine_tell(&story);
    assert_string_equal(kept, text);
    assert_int_equal(machine.length, 0);
    machine_close();
}

/* Whatever token ends what the model generates: it is neither shown nor kept. */
static void any_end_token_ends_the_text(void **state)
{
    int32_t whole[60];
    (void)state;
    machine_open(NULL, 1.0f);
    struct story story = machine_story(machine_long_prompt(), 60);
    const uint32_t prompt_tokens = machine_tell(&story).prompt_tokens;
    memcpy(whole, machine.engine.text, sizeof whole);
    struct tokenizer *tokenizer = &machine.engine.tokenizer;
    for (uint32_t at = prompt_tokens; at < 60; at++) {
        tokenizer->end[1] = whole[at];
        tokenizer->end_count = 2;
        const struct story_result result = machine_tell(&story);
        assert_int_equal(result.end, STORY_COMPLETE);
        assert_true(result.tokens <= at);
        assert_int_equal(whole[result.tokens], whole[at]);
        expect_text(whole, result.tokens);
    }
    machine_close();
}

static void a_full_context_is_told(void **state)
{
    struct chat chat;
    char many[MACHINE_CONTEXT + 2];
    (void)state;
    machine_open(NULL, 1.0f);
    memset(many, 'c', sizeof many);
    many[MACHINE_CONTEXT] = 0;
    struct story story = machine_story(many, 0);
    assert_int_equal(machine_tell(&story).end, STORY_FAILED);
    assert_string_equal(machine.error.text, "the prompt is longer than the model's context of 120 tokens; shorten it");
    many[MACHINE_CONTEXT - 2] = 0; /* BOS and the space make it full */
    story = machine_story(many, 0);
    struct story_result result = machine_tell(&story);
    assert_int_equal(result.end, STORY_CONTEXT_FULL);
    assert_int_equal(result.tokens, MACHINE_CONTEXT);
    assert_int_equal(result.generated, 0);
    assert_int_equal(machine.work, 0);
    assert_string_equal(machine.out, many);
    chat_from_texts(&chat, "a", "b", "");
    many[MACHINE_CONTEXT - 6] = 0;
    story = machine_story(many, 0);
    story.chat = &chat;
    story.go_on = true;
    assert_int_equal(machine_tell(&story).end, STORY_CONTEXT_FULL); /* a chat begins, since the text has no turns */
    assert_int_equal(machine.engine.turn_count, 1);
    many[MACHINE_CONTEXT - 6] = 'c';
    many[MACHINE_CONTEXT - 2] = 0;
    story.prompt_bytes = MACHINE_CONTEXT - 2;
    result = machine_tell(&story);
    assert_int_equal(result.end, STORY_FAILED);
    assert_false(result.taken);
    assert_string_equal(machine.error.text, "this turn is too long for the context of 120 tokens; shorten it");
    assert_int_equal(machine.engine.turn_count, 1);
    machine_close();
}

static void numbers_out_of_range_are_told(void **state)
{
    (void)state;
    machine_open(NULL, 3e38f);
    struct story story = machine_story("ab", 20);
    assert_int_equal(machine_tell(&story).end, STORY_FAILED);
    assert_string_equal(machine.error.text, "the model's numbers are out of range after 3 tokens; get an intact copy");
    machine_close();
}

/* ---- Keys and time ---- */

static void escape_stops_and_other_keys_wait(void **state)
{
    static const int typed[] = {'x', 27, 'y', '\r', 0};
    (void)state;
    machine_open(NULL, 1.0f);
    struct story story = machine_story(machine_long_prompt(), 60);
    machine.typed = typed;
    machine.typed_at = 4;
    struct story_result result = machine_tell(&story);
    assert_int_equal(result.end, STORY_STOPPED);
    assert_true(result.generated > 0 && result.tokens < 60);
    assert_int_equal(typeahead_next(&machine.typeahead), 'y');
    assert_int_equal(typeahead_next(&machine.typeahead), '\r');
    assert_int_equal(typeahead_next(&machine.typeahead), KEY_NONE);
    story = machine_story("", 60 - result.tokens); /* and it can go on */
    story.go_on = true;
    assert_int_equal(machine_tell(&story).tokens, 60);
    machine_close();
}

/* A stop key waits 20 ms at most, in the middle of a token where that takes longer, and neither keys nor clock are
   asked at every token of a fast machine. On the slowest one a tile takes longer than a millisecond. */
static void keys_are_looked_for_in_time(void **state)
{
    static const uint32_t times[] = {20, 300, 1000, 7000, 30000};
    (void)state;
    machine_open(NULL, 1.0f);
    const char *prompt = machine_long_prompt();
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct story story = machine_story(prompt, 60);
        machine.us_a_token = times[i];
        machine.longest_wait = 0;
        machine_tell(&story);
        assert_true(machine.longest_wait <= (times[i] > 10000 ? 30000 : 20000));
        if (times[i] <= 300) {
            assert_true(machine.polls <= 16 && machine.clock_reads <= 20);
        }
    }
    struct story story = machine_story(prompt, 60); /* and one that slows down as its context fills */
    machine.us_a_token = 1500;
    machine.percent_slower = 3;
    machine.longest_wait = 0;
    machine_tell(&story);
    assert_true(machine.us_a_token > 5000 && machine.longest_wait <= 50000);
    machine_close();
}

/* A long prompt can be stopped, in the middle of a block, too. */
static void a_long_prompt_can_be_stopped(void **state)
{
    static const int typed[] = {3, 0};
    char many[100];
    (void)state;
    machine_open(NULL, 1.0f);
    memset(many, 'c', sizeof many);
    many[90] = 0;
    struct story story = machine_story(many, 0);
    machine_tell(&story);
    const uint64_t work = machine.work;
    assert_true(work > 80 * machine.token_work * 3 / 4);
    machine.typed = typed;
    machine.typed_at = 3;
    machine.us_a_token = 30000;
    struct story_result result = machine_tell(&story);
    assert_int_equal(result.end, STORY_STOPPED);
    assert_int_equal(result.generated, 0);
    assert_int_equal(result.first_token, 0);
    assert_true(machine.work > 0 && machine.work < 16 * machine.token_work);
    machine_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_told),
        cmocka_unit_test(going_on_changes_nothing),
        cmocka_unit_test(a_stop_text_ends_the_story),
        cmocka_unit_test(half_a_stop_text_is_shown),
        cmocka_unit_test(text_goes_to_the_sink_alone),
        cmocka_unit_test(any_end_token_ends_the_text),
        cmocka_unit_test(a_full_context_is_told),
        cmocka_unit_test(numbers_out_of_range_are_told),
        cmocka_unit_test(escape_stops_and_other_keys_wait),
        cmocka_unit_test(keys_are_looked_for_in_time),
        cmocka_unit_test(a_long_prompt_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
