/* core/infer/story.c: the tokens of a chat's turns, and the text between them. */
#include "unit.h"

#include "story_machine.h"
#include "text/chat.h"

/* ---- Chats ---- */

static void a_chat_is_written_as_its_texts_say(void **state)
{
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "a", "</s>b", "");
    struct story turn = machine_story("b</s>", 1);
    turn.chat = &chat;
    turn.go_on = true;
    struct story_result result = machine_tell(&turn);
    /* "</s>" is a token in the suffix and four unknown letters in what the user says */
    const int32_t first[] = {BOS, SPACE, AB, UNK, UNK, UNK, UNK, EOS, SPACE, B};
    assert_int_equal(result.prompt_tokens, COUNT_OF(first));
    assert_memory_equal(machine.engine.text, first, sizeof first);
    assert_int_equal(result.end == STORY_COMPLETE ? 0 : 1, result.generated);
    const uint32_t before = machine.engine.text_count;
    machine_tell(&turn); /* the answer is closed, once, and the next turn follows without another BOS */
    const int32_t second[] = {EOS, SPACE, AB, UNK, UNK, UNK, UNK, EOS, SPACE, B};
    assert_memory_equal(machine.engine.text + before, second, sizeof second);
    turn.go_on = false;
    machine_tell(&turn);
    assert_memory_equal(machine.engine.text, first, sizeof first);
    machine_close();
}

/* A system message of the template stands before the first turn alone. */
static void a_chat_has_one_opening(void **state)
{
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "a", "b", "");
    strcpy(chat.opening, "c</s>");
    struct story turn = machine_story("c", 1);
    turn.chat = &chat;
    turn.go_on = true;
    machine_tell(&turn);
    const int32_t first[] = {BOS, SPACE, C, EOS, SPACE_A, C, B};
    assert_memory_equal(machine.engine.text, first, sizeof first);
    const uint32_t before = machine.engine.text_count;
    machine_tell(&turn);
    const int32_t second[] = {EOS, SPACE_A, C, B};
    assert_memory_equal(machine.engine.text + before, second, sizeof second);
    story_forget(&machine.engine);
    machine_tell(&turn);
    assert_memory_equal(machine.engine.text, first, sizeof first);
    machine_close();
}

/* One that stands within the first turn follows its prefix. */
static void an_opening_inside_the_first_turn(void **state)
{
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "a", "b", "");
    strcpy(chat.opening, "c</s>");
    chat.inside = true;
    struct story turn = machine_story("c", 1);
    turn.chat = &chat;
    turn.go_on = true;
    machine_tell(&turn);
    const int32_t first[] = {BOS, SPACE_A, C, EOS, SPACE, C, B};
    assert_memory_equal(machine.engine.text, first, sizeof first);
    const uint32_t before = machine.engine.text_count;
    machine_tell(&turn);
    const int32_t second[] = {EOS, SPACE_A, C, B};
    assert_memory_equal(machine.engine.text + before, second, sizeof second);
    machine_close();
}

/* After an answer that nothing ends, the next turn's text goes on without a dummy space. */
static void a_turn_that_follows_letters(void **state)
{
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "c", "b", "");
    chat.close = false;
    struct story turn = machine_story("", 1);
    turn.chat = &chat;
    turn.go_on = true;
    assert_int_equal(machine_tell(&turn).generated, 1);
    const uint32_t before = machine.engine.text_count;
    machine_tell(&turn);
    const int32_t second[] = {C, B};
    assert_memory_equal(machine.engine.text + before, second, sizeof second);
    machine_close();
}

/* Control tokens reach neither into nor out of the user's text. */
static void no_token_is_made_across_the_edges(void **state)
{
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "a</", "s>", "");
    struct story turn = machine_story("s><", 1);
    turn.chat = &chat;
    machine_tell(&turn);
    for (uint32_t i = 1; i < 9; i++)
        assert_int_not_equal(machine.engine.text[i], EOS);
    chat_from_texts(&chat, "<s>", "</s><unk>", "");
    turn.prompt_bytes = 0;
    machine_tell(&turn);
    const int32_t ids[] = {BOS, BOS, EOS, UNK}; /* one from the tokenizer, one because it is written there */
    assert_memory_equal(machine.engine.text, ids, sizeof ids);
    machine_close();
}

/* The stop text as a text: the answer ends before it, and it stands between answer and next turn. */
static void a_chat_with_a_stop_text(void **state)
{
    struct chat chat;
    char answer[MACHINE_OUT_MAX];
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "", "", "");
    struct story turn = machine_story(machine_long_prompt(), 40);
    turn.chat = &chat;
    assert_int_equal(machine_tell(&turn).generated, 40);
    strcpy(answer, machine.out);
    assert_null(strstr(answer, "\uFFFD\uFFFD\uFFFD\uFFFD"));
    for (size_t at = 3; at < 12; at++) {
        if (((uint8_t)answer[at] & 0xC0) == 0x80 || ((uint8_t)answer[at + 3] & 0xC0) == 0x80 ||
            strstr(answer, "\uFFFD") < answer + at + 6)
            continue;
        char stop[4] = {answer[at], answer[at + 1], answer[at + 2]};
        chat_from_texts(&chat, "", "", stop);
        turn.go_on = false;
        assert_int_equal(machine_tell(&turn).end, STORY_COMPLETE);
        assert_memory_equal(machine.out, answer, machine.length);
        assert_int_equal(machine.length, strstr(answer, stop) - answer);
        const uint32_t before = machine.engine.text_count;
        turn.go_on = true;
        turn.steps = 1;
        struct story_result result = machine_tell(&turn);
        assert_true(result.prompt_tokens > 0 && machine.engine.text_count > before);
        turn.steps = 40;
    }
    machine_close();
}

/* A stop text that is a token of its own ends the answer as the end-of-sequence token does, and stands in chat->end. */
static void a_chat_with_a_stop_token(void **state)
{
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "a", "b", "</s>");
    assert_string_equal(chat.end, "</s>");
    struct story turn = machine_story("", 2);
    turn.chat = &chat;
    turn.go_on = true;
    machine_tell(&turn);
    const uint32_t before = machine.engine.text_count;
    machine_tell(&turn);
    const int32_t ids[] = {EOS, SPACE, AB};
    assert_memory_equal(machine.engine.text + before, ids, sizeof ids);
    machine_close();
}

/* Ends by the model's own choice: it is there once before the next turn, whatever chat->end says. */
static void an_answer_that_the_model_ends(void **state)
{
    static const char *const ends[] = {"", "</s>", "</s>c"};
    static const char *const prompts[] = {"ab", "a b c", "cab", "b", "ac bb", "abc", "bca", "c c", "aab", "cba ab"};
    uint32_t ended = 0;
    (void)state;
    machine.ends_by_itself = true;
    machine_open(NULL, 1.0f);
    for (size_t i = 0; i < 3 * COUNT_OF(prompts); i++) {
        struct chat chat;
        chat_from_texts(&chat, "a", "b", "");
        strcpy(chat.end, ends[i % 3]);
        chat.close = chat.end[0] == 0;
        struct story turn = machine_story(prompts[i / 3], 20);
        turn.chat = &chat;
        const struct story_result result = machine_tell(&turn);
        if (result.end != STORY_COMPLETE)
            continue;
        ended++;
        const uint32_t before = machine.engine.text_count;
        assert_int_equal(result.tokens, before);
        turn.go_on = true;
        machine_tell(&turn);
        const int32_t next[] = {EOS, SPACE, i % 3 == 2 ? C : AB};
        assert_int_equal(machine.engine.text[before], EOS);
        assert_int_not_equal(machine.engine.text[before + 1], EOS);
        if (i % 3 == 2)
            assert_memory_equal(machine.engine.text + before, next, sizeof next);
    }
    assert_true(ended >= 3);
    machine_close();
}

/* Taken back to where a turn began, by /again, the text is that of before it, and the same turn follows. */
static void a_turn_told_again_is_the_same(void **state)
{
    static const char *const prompts[] = {"ab", "a b c", "cab", "b", "ac bb", "abc", "bca", "c c", "aab", "cba ab"};
    uint32_t ended = 0;
    (void)state;
    machine.ends_by_itself = true;
    machine_open(NULL, 1.0f);
    for (size_t i = 0; i < COUNT_OF(prompts); i++) {
        int32_t told[MACHINE_CONTEXT];
        struct chat chat;
        chat_from_texts(&chat, "a", "b", "");
        strcpy(chat.end, "cc");
        struct story turn = machine_story(prompts[i], 20);
        turn.chat = &chat;
        ended += machine_tell(&turn).end == STORY_COMPLETE;
        turn.go_on = true;
        const uint32_t before = machine.engine.text_count;
        machine_tell(&turn);
        const uint32_t after = machine.engine.text_count;
        memcpy(told, machine.engine.text, after * sizeof *told);
        story_rewind(&machine.engine, before);
        machine_tell(&turn);
        assert_int_equal(machine.engine.text_count, after);
        assert_memory_equal(machine.engine.text, told, after * sizeof *told);
    }
    assert_true(ended >= 1);
    machine_close();
}

static void white_space_around_a_turn_is_dropped(void **state)
{
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "a", "b", "");
    chat.strip = true;
    struct story turn = machine_story(" \t c c \n ", 1);
    turn.chat = &chat;
    machine_tell(&turn);
    const int32_t ids[] = {BOS, SPACE_A, C, SPACE, C, B};
    assert_memory_equal(machine.engine.text, ids, sizeof ids);
    machine_close();
}

static void the_template_of_the_file_counts(void **state)
{
    (void)state;
    machine_open("{{ bos_token }}{% for m in messages %}{{ '[INST] ' + m['content'].strip() + ' [/INST]' }}", 1.0f);
    assert_true(machine.engine.has_chat);
    assert_string_equal(machine.engine.chat.prefix, "[INST] ");
    assert_string_equal(machine.engine.chat.suffix, " [/INST]");
    assert_true(machine.engine.chat.strip);
    machine_close();
    machine_open("{{ something else }}", 1.0f);
    assert_false(machine.engine.has_chat);
    machine_close();
    machine_open(NULL, 1.0f);
    assert_false(machine.engine.has_chat);
    machine_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chat_is_written_as_its_texts_say),
        cmocka_unit_test(a_chat_has_one_opening),
        cmocka_unit_test(an_opening_inside_the_first_turn),
        cmocka_unit_test(a_turn_that_follows_letters),
        cmocka_unit_test(no_token_is_made_across_the_edges),
        cmocka_unit_test(a_chat_with_a_stop_text),
        cmocka_unit_test(a_chat_with_a_stop_token),
        cmocka_unit_test(an_answer_that_the_model_ends),
        cmocka_unit_test(a_turn_told_again_is_the_same),
        cmocka_unit_test(white_space_around_a_turn_is_dropped),
        cmocka_unit_test(the_template_of_the_file_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
