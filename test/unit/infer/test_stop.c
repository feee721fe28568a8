/* A stop anywhere in computing: answered at once, and the text goes on as if nothing had happened. */
#include "story_machine.h"

#include "unit.h"

enum { STEPS = 40, STOPS = 120, CTRL_C = 3 };

static const int ctrl_c[] = {CTRL_C, 0};

/* Tells a story that is stopped at the look number `at` of a machine that is too slow for a token a look. */
static struct story_result stopped_at(const struct story *story, uint32_t at)
{
    machine.us_a_token = 30000;
    machine.typed = ctrl_c;
    machine.typed_at = at;
    const struct story_result result = machine_tell(story);
    machine.typed = NULL;
    return result;
}

/* Whether computing was given up within a token. */
static bool is_within_a_token(const struct story_result *result)
{
    const uint64_t unwanted = (result->prompt_tokens - 1) * machine.once_work;
    return result->generated == 0 || (machine.work + unwanted) % machine.token_work != 0;
}

/* The story, its rest after a stop, and the whole told again. */
static void a_story_goes_on_after_a_stop(void **state)
{
    (void)state;
    static char whole[MACHINE_OUT_MAX], parts[2 * MACHINE_OUT_MAX];
    uint32_t within = 0, in_prompt = 0, at = 1;
    machine_open(NULL, 1.0f);
    const struct story story = machine_story("cacbbcacabcbccabcbac", STEPS), other = machine_story("cbacb", 2 * STEPS);
    assert_int_equal(machine_tell(&story).end, STORY_STEPS);
    strcpy(whole, machine.out);
    for (; at < STOPS; at++) {
        machine_tell(&other); /* so that the KV cache does not happen to hold what it should */
        const struct story_result result = stopped_at(&story, at);
        if (result.end != STORY_STOPPED) {
            break;
        }
        assert_int_equal(machine.polls, at + 1); /* none after the one that emptied the keyboard */
        within += is_within_a_token(&result);
        in_prompt += result.generated == 0;
        strcpy(parts, machine.out);
        struct story rest = machine_story("", STEPS - result.tokens);
        rest.go_on = true;
        assert_int_equal(machine_tell(&rest).tokens, STEPS);
        strcat(parts, machine.out);
        assert_string_equal(parts, whole);
        machine_tell(&story);
        assert_string_equal(machine.out, whole);
    }
    assert_true(at > STEPS && in_prompt > 5 && within > at / 2);
    machine_close();
}

/* The turn after an answer that was stopped is the same as after one that was cut by a limit at the same place. */
static void a_chat_goes_on_after_a_stop(void **state)
{
    (void)state;
    static const struct chat chat = {.prefix = "a", .suffix = "b", .end = "c"};
    static char after_stop[MACHINE_OUT_MAX];
    uint32_t compared = 0;
    machine_open(NULL, 1.0f);
    for (uint32_t at = 1; at < 60; at += 7) {
        struct story story = machine_story("ab", 30);
        story.chat = &chat;
        const struct story_result result = stopped_at(&story, at);
        struct story next = story;
        next.prompt = "ba";
        next.go_on = true;
        machine_tell(&next);
        strcpy(after_stop, machine.out);
        if (result.end != STORY_STOPPED || result.generated == 0) {
            continue;
        }
        story.steps = result.generated;
        assert_int_equal(machine_tell(&story).end, STORY_STEPS);
        machine_tell(&next);
        assert_string_equal(machine.out, after_stop);
        compared++;
    }
    assert_true(compared >= 5);
    machine_close();
}

/* On a machine on which a product takes 1.4 ms: that is minutes for a token of a model of 100 million weights. */
static void a_stop_is_answered_in_time(void **state)
{
    (void)state;
    machine_open(NULL, 1.0f);
    for (uint32_t at = 1; at < 60; at += 3) {
        const struct story story = machine_story(machine_long_prompt(), STEPS);
        machine.longest_wait = 0;
        const struct story_result result = stopped_at(&story, at);
        assert_int_equal(result.end, STORY_STOPPED);
        assert_true(machine.longest_wait <= 50000);
        assert_true(machine.now_ns / 1000 - machine.latest_poll <= 1000); /* and nothing is computed after it */
    }
    machine_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_goes_on_after_a_stop),
        cmocka_unit_test(a_chat_goes_on_after_a_stop),
        cmocka_unit_test(a_stop_is_answered_in_time),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
