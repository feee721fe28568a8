/* core/infer/turns.c: which tokens a conversation is, against a fresh conversation of the turns that are left. */
#include "unit.h"

#include "infer/turns.h"
#include "text/encode.h"
#include "vocabulary.h"

enum { PLENTY = 4096, TURNS_MAX = 40, SAID_MAX = 24, ANSWER_MAX = 40, ROUNDS = 500 };

static struct vocabulary vocabulary;

/* An engine without a model: all that turns.c uses, each array as long as it says. */
static void open_engine(struct engine *engine, uint32_t context, uint32_t turns_max, uint32_t said_max)
{
    memset(engine, 0, sizeof *engine);
    engine->tokenizer = vocabulary.tokenizer;
    engine->context = context;
    engine->text = malloc(context * sizeof *engine->text);
    engine->spare = malloc(context * sizeof *engine->spare);
    engine->turns = malloc(turns_max * sizeof *engine->turns);
    engine->turns_max = turns_max;
    engine->said = malloc(said_max);
    engine->said_max = said_max;
    engine->turn = malloc(ENGINE_TURN_MAX);
    engine->scratch = malloc(encode_scratch(GGUF_TOKENIZER_SENTENCEPIECE, ENGINE_TURN_MAX));
}

static void close_engine(struct engine *engine)
{
    free(engine->text);
    free(engine->spare);
    free(engine->turns);
    free(engine->said);
    free(engine->turn);
    free(engine->scratch);
}

/* ---- Any conversation ---- */

/* What should be left of it. */
static struct {
    struct {
        char said[SAID_MAX];
        int32_t answer[ANSWER_MAX];
        uint32_t answer_count;
    } turn[TURNS_MAX];
    uint32_t count;
} left;

static void forget_oldest(uint32_t count)
{
    assert_true(count <= left.count);
    left.count -= count;
    memmove(left.turn, left.turn + count, left.count * sizeof *left.turn);
}

static void check_against_a_fresh_one(const struct engine *engine, const struct chat *chat, const int32_t *cache)
{
    static struct engine fresh;
    struct error error;
    uint32_t dropped;
    open_engine(&fresh, PLENTY, TURNS_MAX, PLENTY);
    for (uint32_t i = 0; i < left.count; i++) {
        assert_int_equal(turns_add(&fresh, chat, left.turn[i].said, strlen(left.turn[i].said), &dropped, &error), 0);
        assert_int_equal(dropped, 0);
        memcpy(fresh.text + fresh.text_count, left.turn[i].answer, left.turn[i].answer_count * sizeof(int32_t));
        fresh.text_count += left.turn[i].answer_count;
    }
    assert_int_equal(engine->turn_count, left.count);
    assert_int_equal(engine->text_count, fresh.text_count);
    assert_memory_equal(engine->text, fresh.text, fresh.text_count * sizeof(int32_t));
    assert_true(engine->filled <= engine->text_count);
    assert_memory_equal(engine->text, cache, engine->filled * sizeof(int32_t));
    close_engine(&fresh);
}

static void choose_chat(struct chat *chat)
{
    static const char *const openings[] = {"", "<s>ab", "abc abc</s>"}, *const prefixes[] = {"a", " b<x>", "</s>c"},
                             *const ends[] = {"", "c", "</s>\n"};
    chat_from_texts(chat, prefixes[rand() % 3], rand() % 2 ? "b" : "", ends[rand() % 3]);
    strcpy(chat->opening, openings[rand() % 3]);
    chat->inside = rand() % 2;
    chat->strip = rand() % 2;
    chat->close = rand() % 2;
}

static void say_something(char said[SAID_MAX])
{
    static const char letters[] = "abc <>xy\n";
    size_t n = (size_t)rand() % SAID_MAX;
    for (size_t i = 0; i < n; i++) {
        said[i] = letters[(size_t)rand() % (sizeof letters - 1)];
    }
    said[n] = 0;
}

/* Returns false if the turn does not fit, which changes nothing. */
static bool add(struct engine *engine, const struct chat *chat, const int32_t *cache)
{
    struct error error;
    uint32_t dropped = 0;
    say_something(left.turn[left.count].said);
    left.turn[left.count].answer_count = 0;
    const char *said = left.turn[left.count].said;
    if (turns_add(engine, chat, said, strlen(said), &dropped, &error) != 0) {
        assert_non_null(strstr(error.text, "this turn is too long for the context of "));
        assert_int_equal(dropped, 0);
        check_against_a_fresh_one(engine, chat, cache);
        return false;
    }
    left.count++;
    forget_oldest(dropped);
    assert_true(engine->text_count < engine->context);
    assert_true(dropped == 0 || left.count == 1 || engine->context - engine->text_count >= engine->context / 8 * 3);
    return true;
}

static void answer(struct engine *engine, const struct chat *chat)
{
    for (uint32_t n = (uint32_t)rand() % ANSWER_MAX; n > 0; n--) {
        const uint32_t before = engine->text_count;
        if (before == engine->context) {
            const uint32_t dropped = turns_make_room(engine, chat);
            forget_oldest(dropped);
            assert_true(dropped > 0 || engine->text_count == before);
            if (engine->text_count == engine->context) {
                assert_int_equal(turns_make_room(engine, chat), 0);
                return;
            }
        }
        const int32_t id = 259 + rand() % 12;
        left.turn[left.count - 1].answer[left.turn[left.count - 1].answer_count++] = id;
        engine->text[engine->text_count++] = id;
    }
}

static void any_conversation_is_that_of_the_turns_that_are_left(void **state)
{
    static struct engine engine;
    static int32_t cache[PLENTY];
    uint32_t forgotten = 0, refused = 0, undone = 0;
    (void)state;
    srand(1);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        struct chat chat;
        choose_chat(&chat);
        left.count = 0;
        open_engine(&engine, 20 + (uint32_t)rand() % 120, 1 + (uint32_t)rand() % 12, SAID_MAX + (uint32_t)rand() % 100);
        for (uint32_t turn = 0; turn < 12; turn++) {
            const uint32_t before = left.count;
            if (add(&engine, &chat, cache)) {
                forgotten += left.count <= before;
                check_against_a_fresh_one(&engine, &chat, cache);
                engine.filled = engine.text_count; /* as if the model had run */
                memcpy(cache, engine.text, engine.filled * sizeof *cache);
                answer(&engine, &chat);
                check_against_a_fresh_one(&engine, &chat, cache);
            } else {
                refused++;
            }
            if (rand() % 8 == 0) {
                turns_undo(&engine);
                left.count -= left.count > 0;
                undone++;
                check_against_a_fresh_one(&engine, &chat, cache);
            }
        }
        close_engine(&engine);
    }
    assert_true(forgotten > 200 && refused > 50 && undone > 200);
}

/* ---- Thinking ---- */

/* Pieces after those of small_vocabulary: the tags as tokens of one kind, and with something around them. */
enum { THINK = 295, END_THINK, LINES, END_AND_LINES, END_AND_LETTER };

static void load_thinking_vocabulary(int32_t type)
{
    static struct piece pieces[300];
    const struct piece added[] = {{"<think>", 0, type}, {"</think>", 0, type}, {"\n\n", -30, GGUF_TOKEN_NORMAL},
                                  {"nk>\n\n", -31, GGUF_TOKEN_NORMAL}, {"nk>a", -32, GGUF_TOKEN_NORMAL}};
    memcpy(pieces, small_vocabulary, small_vocabulary_count * sizeof *pieces);
    for (uint32_t i = small_vocabulary_count; i < THINK; i++) {
        pieces[i] = (struct piece){"-", 0, GGUF_TOKEN_UNUSED};
    }
    memcpy(pieces + THINK, added, sizeof added);
    vocabulary_free(&vocabulary);
    assert_int_equal(vocabulary_load(&vocabulary, pieces, THINK + COUNT_OF(added), true), 0);
}

#define BYTE_TOKEN(c) (3 + (c))
#define END_IN_BYTES \
    BYTE_TOKEN('<'), BYTE_TOKEN('/'), BYTE_TOKEN('t'), BYTE_TOKEN('h'), BYTE_TOKEN('i'), BYTE_TOKEN('n'), \
        BYTE_TOKEN('k'), BYTE_TOKEN('>')
#define END_CUT BYTE_TOKEN('<'), BYTE_TOKEN('/'), BYTE_TOKEN('t'), BYTE_TOKEN('h'), BYTE_TOKEN('i')
enum { LETTER_A = 260, LETTER_B = 261, LETTER_C = 262 };

/* Answers, and what the next turn leaves of them; -1 ends a list. */
static const struct {
    int32_t answer[20], kept[20];
    bool newlines;
} thoughts[] = {
    {{LETTER_A, -1}, {LETTER_A, -1}, true},
    {{THINK, LETTER_A, END_THINK, LINES, LETTER_B, -1}, {LETTER_B, -1}, true},
    {{THINK, LETTER_A, END_THINK, LINES, LETTER_B, -1}, {LINES, LETTER_B, -1}, false},
    {{LETTER_A, END_THINK, LINES, BYTE_TOKEN('\n'), LETTER_B, LINES, -1}, {LETTER_B, LINES, -1}, true},
    {{THINK, LETTER_A, END_IN_BYTES, LETTER_B, -1}, {LETTER_B, -1}, false},
    {{THINK, END_THINK, LETTER_A, END_THINK, LETTER_B, -1}, {LETTER_B, -1}, false},
    {{THINK, END_CUT, END_AND_LINES, LETTER_B, -1}, {LETTER_B, -1}, true},
    {{THINK, END_CUT, END_AND_LINES, LETTER_B, -1}, {THINK, END_CUT, END_AND_LINES, LETTER_B, -1}, false},
    {{THINK, END_CUT, END_AND_LETTER, LETTER_B, -1}, {THINK, END_CUT, END_AND_LETTER, LETTER_B, -1}, true},
    {{THINK, LETTER_A, -1}, {THINK, LETTER_A, -1}, true}, /* stopped while it thought */
    {{THINK, LETTER_A, END_THINK, -1}, {-1}, true},
    {{BYTE_TOKEN('<'), END_IN_BYTES, LETTER_C, -1}, {LETTER_C, -1}, true},
    {{-1}, {-1}, true},
};

static uint32_t count_of(const int32_t *ids)
{
    uint32_t n = 0;
    while (ids[n] >= 0) {
        n++;
    }
    return n;
}

static void check_thoughts(bool drop)
{
    static struct engine engine;
    struct chat chat;
    struct error error;
    uint32_t dropped;
    chat_from_texts(&chat, "a", "b", "");
    chat.drop_thinking = drop;
    for (size_t i = 0; i < COUNT_OF(thoughts); i++) {
        const int32_t *kept = drop ? thoughts[i].kept : thoughts[i].answer;
        chat.drop_newlines = thoughts[i].newlines;
        open_engine(&engine, 200, TURNS_MAX, PLENTY);
        for (uint32_t turn = 0; turn < 3; turn++) {
            assert_int_equal(turns_add(&engine, &chat, "c", 1, &dropped, &error), 0);
            const uint32_t start = engine.turns[turn].answer, n = count_of(thoughts[i].answer);
            assert_int_equal(engine.text_count, start);
            memcpy(engine.text + start, thoughts[i].answer, n * sizeof(int32_t));
            engine.filled = engine.text_count = start + n;
        }
        for (uint32_t turn = 0; turn < 2; turn++) {
            const struct engine_turn *turns = engine.turns;
            assert_int_equal(turns[turn + 1].start - turns[turn].answer, count_of(kept));
            assert_memory_equal(engine.text + turns[turn].answer, kept, count_of(kept) * sizeof(int32_t));
        }
        engine.filled = engine.text_count;
        assert_int_equal(turns_add(&engine, &chat, "c", 1, &dropped, &error), 0);
        const bool changed = count_of(kept) != count_of(thoughts[i].answer);
        assert_int_equal(engine.filled, changed ? engine.turns[2].answer : engine.turns[3].start);
        close_engine(&engine);
    }
}

static void thinking_goes_with_the_next_turn(void **state)
{
    static const int32_t types[] = {GGUF_TOKEN_USER, GGUF_TOKEN_CONTROL, GGUF_TOKEN_NORMAL};
    (void)state;
    for (size_t i = 0; i < COUNT_OF(types); i++) {
        load_thinking_vocabulary(types[i]);
        check_thoughts(true);
        check_thoughts(false);
    }
}

/* ---- Limits ---- */

/* A model that makes no tokens of it. */
static void a_turn_without_tokens(void **state)
{
    static struct engine engine;
    struct chat chat;
    struct error error;
    uint32_t dropped;
    (void)state;
    vocabulary.tokenizer.add_bos = false;
    chat_from_texts(&chat, "", "", "");
    open_engine(&engine, 64, 4, PLENTY);
    assert_int_equal(turns_add(&engine, &chat, "", 0, &dropped, &error), -1);
    assert_string_equal(error.text, "this model cannot begin from nothing: it has no beginning-of-sequence token; "
                                    "type a prompt");
    assert_int_equal(engine.turn_count, 0);
    turns_undo(&engine);
    assert_int_equal(turns_make_room(&engine, &chat), 0);
    close_engine(&engine);
    vocabulary.tokenizer.add_bos = true;
}

static int load(void **state)
{
    (void)state;
    return vocabulary_load(&vocabulary, small_vocabulary, small_vocabulary_count, true);
}

static int unload(void **state)
{
    (void)state;
    vocabulary_free(&vocabulary);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_conversation_is_that_of_the_turns_that_are_left),
        cmocka_unit_test(a_turn_without_tokens),
        cmocka_unit_test(thinking_goes_with_the_next_turn),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
