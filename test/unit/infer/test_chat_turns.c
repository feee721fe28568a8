/* core/infer/story.c: the tokens of a chat's turns, and the text between them. */
#include "unit.h"

#include "infer/turns.h"
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
    engine_rewind(&machine.engine, 0);
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
        engine_rewind(&machine.engine, before);
        machine_tell(&turn);
        assert_int_equal(machine.engine.text_count, after);
        assert_memory_equal(machine.engine.text, told, after * sizeof *told);
    }
    assert_true(ended >= 1);
    machine_close();
}

/* ---- A full context ---- */

static struct {
    uint32_t turns;    /* that were dropped */
    uint32_t at;       /* tokens of the text when the last were */
    uint32_t read, of; /* what was read anew, when last told */
} watched;

static void on_dropped(void *context, uint32_t turns)
{
    (void)context;
    assert_true(turns > 0);
    assert_int_equal(machine.exclusive, 0);
    watched.turns += turns;
    watched.at = machine.engine.text_count;
    watched.read = watched.of = 0;
}

static void on_reading(void *context, uint32_t done, uint32_t total)
{
    (void)context;
    assert_int_equal(machine.exclusive, 0);
    assert_true(done > watched.read && done <= total && (watched.of == 0 || watched.of == total));
    watched.read = done;
    watched.of = total;
}

static struct story watched_turn(const struct chat *chat, const char *said, uint32_t steps)
{
    struct story turn = machine_story(said, steps);
    turn.chat = chat;
    turn.go_on = true;
    turn.watch = (struct story_watch){on_dropped, on_reading, NULL};
    watched.turns = 0;
    return turn;
}

/* Writes the turns that are left, but for the last one, with their answers, to an empty engine. */
static void repeat_turns(const struct chat *chat, const char *const *said, uint32_t count)
{
    static int32_t text[MACHINE_CONTEXT];
    struct engine *engine = &machine.engine;
    struct engine_turn turns[40];
    uint32_t dropped;
    memcpy(text, engine->text, engine->text_count * sizeof *text);
    memcpy(turns, engine->turns, count * sizeof *turns);
    engine_rewind(engine, 0);
    for (uint32_t i = 0; i + 1 < count; i++) {
        assert_int_equal(turns_add(engine, chat, said[i], strlen(said[i]), &dropped, &machine.error), 0);
        for (uint32_t k = turns[i].answer; k < turns[i + 1].start; k++) {
            engine->text[engine->text_count++] = text[k];
        }
    }
}

/* The same random text comes as in a fresh conversation of the turns that are left: the model has seen nothing else. */
static void a_dropped_turn_leaves_no_trace(void **state)
{
    static const char *const said[] = {"ab", "a b c", "cab", "b",      "ac bb", "abc", "bca", "c c", "aab", "cba ab",
                                       "a",  "b b",   "cc",  "ab ab a", "ca",    "bb",  "ba",  "cb",  "acb", "b a"};
    static int32_t told[MACHINE_CONTEXT];
    uint32_t drops = 0;
    (void)state;
    machine_open(NULL, 1.0f);
    for (uint32_t kind = 0; kind < 2; kind++) {
        struct chat chat;
        chat_from_texts(&chat, "a", "b", "");
        strcpy(chat.opening, "c</s>");
        chat.inside = kind == 1;
        engine_rewind(&machine.engine, 0);
        for (uint32_t i = 0; i < COUNT_OF(said); i++) {
            struct story turn = watched_turn(&chat, said[i], 12);
            turn.sampling.temperature = 1;
            turn.sampling.seed = i + 1;
            const enum story_end end = machine_tell(&turn).end;
            if (watched.turns == 0) {
                continue;
            }
            const uint32_t count = machine.engine.turn_count, tokens = machine.engine.text_count;
            assert_true(count > 1 && watched.read > 0 && watched.read == watched.of);
            memcpy(told, machine.engine.text, tokens * sizeof *told);
            repeat_turns(&chat, said + i + 1 - count, count);
            assert_int_equal(machine_tell(&turn).end, end);
            assert_int_equal(machine.engine.text_count, tokens);
            assert_memory_equal(machine.engine.text, told, tokens * sizeof *told);
            drops++;
        }
    }
    assert_true(drops >= 4);
    machine_close();
}

/* An answer goes on as if its beginning had been typed. At last its turn alone fills the context. */
static void an_answer_goes_on_when_turns_are_dropped(void **state)
{
    static int32_t told[MACHINE_CONTEXT];
    struct chat chat;
    (void)state;
    machine_open(NULL, 1.0f);
    chat_from_texts(&chat, "a", "b", "");
    strcpy(chat.opening, "c</s>");
    const char *said = machine_long_prompt();
    engine_rewind(&machine.engine, 0);
    for (uint32_t i = 0; i < 4; i++) {
        struct story before = watched_turn(&chat, "ab", 10);
        machine_tell(&before);
    }
    struct story turn = watched_turn(&chat, said, 0);
    const struct story_result result = machine_tell(&turn);
    assert_int_equal(result.end, STORY_CONTEXT_FULL);
    assert_int_equal(result.tokens, MACHINE_CONTEXT);
    assert_int_equal(machine.engine.turn_count, 1);
    assert_int_equal(watched.turns, 4);
    assert_int_equal(result.generated, MACHINE_CONTEXT - machine.engine.turns[0].answer);
    memcpy(told, machine.engine.text, sizeof told);
    engine_rewind(&machine.engine, 0);
    memcpy(machine.engine.text, told, watched.at * sizeof *told);
    machine.engine.text_count = watched.at;
    struct story rest = machine_story("", 0);
    rest.go_on = true;
    machine_tell(&rest);
    assert_memory_equal(machine.engine.text, told, sizeof told);
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
        cmocka_unit_test(a_dropped_turn_leaves_no_trace),
        cmocka_unit_test(an_answer_goes_on_when_turns_are_dropped),
        cmocka_unit_test(white_space_around_a_turn_is_dropped),
        cmocka_unit_test(the_template_of_the_file_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
