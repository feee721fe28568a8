/* core/story.c with a small model of random weights: stories, stop texts, chats, keys, and going on with all of them. */
#include "unit.h"

#include "chat.h"
#include "cpu.h"
#include "memory_platform.h"
#include "sample_model.h"
#include "story.h"

enum { CONTEXT = 120, OUT_MAX = 4096, MEMORY_BYTES = 4 << 20, UNK = 0, BOS = 1, EOS = 2, SPACE = 3, A = 4, B = 5, AB = 6,
       SPACE_A = 7, C = 11 };

static struct {
    struct memory_platform memory; /* first: platform.state points here */
    char out[OUT_MAX];
    size_t length;
    uint32_t puts, polls, clock_reads, runs;
    uint64_t now, latest_poll, longest_wait;
    uint32_t us_a_run, percent_slower; /* from one run to the next */
    const int *typed; /* keys, ended by 0, that come from the poll `typed_at` on */
    uint32_t typed_at;
    int32_t exclusive;
} machine;

static struct engine engine;
static struct keys keys;
static struct error error;

static void put(struct platform *platform, const char *utf8, size_t n)
{
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    assert_true(n > 0 && machine.length + n < OUT_MAX);
    memcpy(machine.out + machine.length, utf8, n);
    machine.out[machine.length += n] = 0;
    machine.puts++;
}

static int get_key(struct platform *platform)
{
    (void)platform;
    assert_int_equal(machine.exclusive, 0);
    const uint64_t waited = machine.now - machine.latest_poll;
    machine.longest_wait = waited > machine.longest_wait ? waited : machine.longest_wait;
    machine.latest_poll = machine.now;
    machine.polls++;
    return machine.typed != NULL && machine.polls >= machine.typed_at && *machine.typed != 0 ? *machine.typed++ : KEY_NONE;
}

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    machine.clock_reads++;
    return machine.now;
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    machine.exclusive += on ? 1 : -1;
    assert_true(machine.exclusive == on);
    machine.runs += on;
    machine.now += on ? machine.us_a_run : 0;
    machine.us_a_run += on ? machine.us_a_run * machine.percent_slower / 100 : 0;
}

static uint64_t memory_free(struct platform *platform)
{
    (void)platform;
    return MEMORY_BYTES;
}

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    free(memory);
}

static bool ends_by_itself; /* the next model: else it never draws the unknown token, BOS or EOS */

/* Random weights of a size that makes the next token depend on all before it. */
static void fill(uint8_t *bytes, const struct gguf *gguf, float last_norm)
{
    srand(7);
    for (uint32_t i = 0; i < gguf->tensor_count; i++) {
        const struct gguf_tensor *tensor = &gguf->tensor[i];
        uint8_t *to = bytes + tensor->offset;
        for (uint64_t k = 0; tensor->type != TENSOR_ABSENT && k < tensor->size; k += 2) {
            const float one = 1.0f, weight = (float)(rand() % 2001 - 1000) / 500.0f;
            const uint16_t half = (uint16_t)(0x3000 | (rand() & 0x83FF)), brain = (uint16_t)(0x3E00 | (rand() & 0x807F));
            if (tensor->type == TENSOR_F32 && k % 4 == 0)
                memcpy(to + k, tensor->rows == 1 ? &one : &weight, 4);
            else if (tensor->type == TENSOR_F16 || (tensor->type == TENSOR_Q8_0 && k % 34 == 0))
                memcpy(to + k, tensor->type == TENSOR_F16 ? &half : &(uint16_t){0x2400}, 2);
            else if (tensor->type == TENSOR_BF16)
                memcpy(to + k, &brain, 2);
            else if (tensor->type == TENSOR_Q8_0)
                to[k] = (uint8_t)rand(), to[k + 1] = (uint8_t)rand();
        }
    }
    memset(bytes + gguf->tensor[TENSOR_OUTPUT].offset, 0, (ends_by_itself ? EOS : EOS + 1) * 34);
    for (uint32_t i = 0; i < gguf->dim; i++)
        memcpy(bytes + gguf->tensor[TENSOR_OUTPUT_NORM].offset + 4 * i, &last_norm, 4);
}

/* Opens the sample model with changes of the caller and a context of CONTEXT. */
static void open_model(const char *chat_template, float last_norm)
{
    const struct change changes[SAMPLE_CHANGES] = {
        {KEY_NUMBER, "llama.context_length", U32, CONTEXT, NULL},
        {chat_template != NULL ? KEY_TEXT : NO_CHANGE, "tokenizer.chat_template", 0, 0, chat_template},
    };
    static struct gguf gguf;
    struct memory_file file = {"/MODELS/A.GGUF", NULL, 0};
    struct cpu_features cpu;
    struct reader reader;
    uint8_t window[1024];
    size_t size;
    cpu_detect(&cpu);
    uint8_t *bytes = sample_model(changes, &size);
    file.data = bytes;
    file.size = size;
    memset(&machine, 0, sizeof machine);
    memory_platform_init(&machine.memory, &file, 1);
    struct platform *platform = &machine.memory.platform;
    assert_int_equal(reader_open(&reader, platform, file.path, window, sizeof window, &error), 0);
    assert_int_equal(gguf_read(&gguf, &reader, &error), 0);
    reader_close(&reader);
    fill(bytes, &gguf, last_norm);
    platform->put = put;
    platform->get_key = get_key;
    platform->microseconds = microseconds;
    platform->memory_free = memory_free;
    platform->reserve = reserve;
    platform->release = release;
    platform->exclusive = exclusive;
    machine.us_a_run = 1000;
    memset(&engine, 0xEE, sizeof engine);
    assert_int_equal(engine_open(&engine, platform, file.path, kernel_best(&cpu), &(struct load_progress){0}, &error), 0);
    keys_begin(&keys, platform);
    free(bytes);
}

static struct story story_of(const char *prompt, uint32_t steps)
{
    struct story story = {.prompt = prompt, .prompt_bytes = strlen(prompt), .steps = steps, .keys = &keys,
                          .sampling = sampling_default()};
    story.sampling.temperature = 0;
    return story;
}

/* Tells it; the text is in machine.out. */
static struct story_result tell(const struct story *story)
{
    machine.length = 0;
    machine.out[0] = 0;
    machine.puts = machine.runs = machine.polls = machine.clock_reads = 0;
    machine.latest_poll = machine.now;
    return story_tell(&engine, story, &error);
}

static void expect_text(const int32_t *ids, uint32_t count)
{
    assert_int_equal(engine.text_count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(engine.text[i], ids[i]);
}

#define EXPECT_TEXT(...) \
    expect_text((const int32_t[]){__VA_ARGS__}, (uint32_t)(sizeof((const int32_t[]){__VA_ARGS__}) / sizeof(int32_t)))

/* What the model tells of its own accord: a prompt whose story goes on for long enough to be worth a test. */
static const char *long_prompt(void)
{
    static const char *const prompts[] = {"ab", "a b c", "cab", "b", "ac bb", "abc", "bca", "c c", "aab", "cba ab"};
    for (size_t i = 0; i < COUNT_OF(prompts); i++) {
        struct story story = story_of(prompts[i], 60);
        if (tell(&story).end == STORY_STEPS)
            return prompts[i];
    }
    fail_test("no prompt goes on\n");
    return NULL;
}

static void a_story_is_told(void **state)
{
    (void)state;
    open_model(NULL, 1.0f);
    struct story story = story_of(long_prompt(), 60);
    struct story_result result = tell(&story);
    assert_int_equal(result.end, STORY_STEPS);
    assert_int_equal(result.tokens, 60);
    assert_int_equal(result.generated + result.prompt_tokens, 60);
    assert_int_equal(result.first_token, 1000); /* the prompt is one block */
    assert_int_equal(result.prompt_microseconds, 1000);
    assert_int_equal(result.microseconds, result.generated * 1000);
    assert_int_equal(story_speed_tenths(&result), 10000);
    assert_true(strncmp(machine.out, story.prompt, story.prompt_bytes) == 0);
    story.steps = 3;
    result = tell(&story);
    assert_int_equal(result.end, STORY_STEPS);
    assert_int_equal(result.tokens, 3);
    assert_int_equal(story_speed_tenths(&result), 0);
    story.steps = 0;
    result = tell(&story);
    assert_true(result.end == STORY_COMPLETE || (result.end == STORY_CONTEXT_FULL && result.tokens == CONTEXT));
    engine_close(&engine);
}

/* In pieces, with pauses at every place, the text is the same. */
static void going_on_changes_nothing(void **state)
{
    int32_t whole[60];
    char text[OUT_MAX];
    (void)state;
    open_model(NULL, 1.0f);
    const struct story story = story_of(long_prompt(), 60);
    const uint32_t prompt_tokens = tell(&story).prompt_tokens;
    memcpy(whole, engine.text, sizeof whole);
    strcpy(text, machine.out);
    for (uint32_t first = prompt_tokens; first < 60; first++) {
        struct story piece = story_of(story.prompt, first);
        tell(&piece);
        const size_t shown = machine.length;
        assert_memory_equal(text, machine.out, shown > 3 ? shown - 3 : 0); /* half a sequence shows as U+FFFD at the end */
        piece = story_of("", 60 - first);
        piece.go_on = true;
        assert_int_equal(tell(&piece).tokens, 60);
        expect_text(whole, 60);
    }
    struct story more = story_of("c a", 10); /* and text in between */
    more.go_on = true;
    assert_int_equal(tell(&more).tokens, 70);
    assert_int_equal(engine.text[60], SPACE);
    assert_int_equal(engine.text[61], C);
    assert_int_equal(engine.text[62], SPACE_A);
    assert_true(strncmp(machine.out, " c a", 4) == 0);
    story_forget(&engine);
    more.prompt = "ab";
    more.prompt_bytes = 2;
    tell(&more);
    assert_int_equal(engine.text[0], BOS);
    assert_true(strncmp(machine.out, "ab", 2) == 0);
    engine_close(&engine);
}

/* Every part of a story, as the stop text: it is not shown, nor anything of it, and the text goes on as if it had not been. */
static void a_stop_text_ends_the_story(void **state)
{
    char text[OUT_MAX], stop[CHAT_STOP_MAX];
    int32_t whole[60];
    uint32_t within = 0;
    size_t length_at[60], shown = 0; /* bytes of text before each token */
    struct decoder decoder;
    (void)state;
    decoder_begin(&decoder, true);
    open_model(NULL, 1.0f);
    struct story story = story_of(long_prompt(), 60);
    tell(&story);
    memcpy(whole, engine.text, sizeof whole);
    strcpy(text, machine.out);
    for (uint32_t i = 0; i < 60; i++) {
        length_at[i] = shown;
        shown += decoder_push(&decoder, &engine.tokenizer, whole[i], stop, sizeof stop);
    }
    for (size_t from = story.prompt_bytes; text[from] != 0; from++) {
        for (size_t n = 1; n <= 12 && from + n < strlen(text); n++) {
            snprintf(stop, sizeof stop, "%.*s", (int)n, text + from);
            if (((uint8_t)stop[0] & 0xC0) == 0x80 || ((uint8_t)text[from + n] & 0xC0) == 0x80 || strstr(stop, "\uFFFD"))
                continue;
            story = story_of(story.prompt, 60);
            story.stop = stop;
            const char *place = strstr(text + story.prompt_bytes, stop);
            const struct story_result result = tell(&story);
            assert_int_equal(result.end, STORY_COMPLETE);
            assert_int_equal(machine.length, place - text);
            assert_memory_equal(machine.out, text, machine.length);
            assert_true(engine.text_count == result.tokens && engine.text_count < 60);
            assert_memory_equal(engine.text, whole, engine.text_count * sizeof whole[0]);
            assert_true(length_at[engine.text_count] >= machine.length && length_at[engine.text_count - 1] <= machine.length);
            struct story rest = story_of("", 60 - engine.text_count);
            rest.go_on = true;
            tell(&rest);
            expect_text(whole, 60);
            within++;
        }
    }
    assert_true(within > 100);
    engine_close(&engine);
}

/* What looked like the beginning of the stop text is shown after all, at the end too. */
static void half_a_stop_text_is_shown(void **state)
{
    char text[OUT_MAX], stop[CHAT_STOP_MAX];
    (void)state;
    open_model(NULL, 1.0f);
    struct story story = story_of(long_prompt(), 40);
    tell(&story);
    strcpy(text, machine.out);
    for (size_t n = 1; n < 10; n++) {
        snprintf(stop, sizeof stop, "%s?", text + strlen(text) - n);
        if (((uint8_t)stop[0] & 0xC0) == 0x80)
            continue;
        story.stop = stop;
        assert_int_equal(tell(&story).end, STORY_STEPS);
        assert_string_equal(machine.out, text);
    }
    story.stop = story.prompt; /* in the prompt it does not count */
    tell(&story);
    assert_true(machine.length >= story.prompt_bytes);
    engine_close(&engine);
}

static void text_goes_through_the_wrap(void **state)
{
    struct wrap wrap;
    (void)state;
    open_model(NULL, 1.0f);
    struct story story = story_of("ab ab ab ab ab ab ab ab", 17);
    wrap_begin(&wrap, &machine.memory.platform, 10);
    story.wrap = &wrap;
    tell(&story);
    assert_true(strncmp(machine.out, "ab ab ab\nab ab ab\nab", 20) == 0);
    engine_close(&engine);
}

/* ---- Chats ---- */

static void a_chat_is_written_as_its_texts_say(void **state)
{
    struct chat chat;
    (void)state;
    open_model(NULL, 1.0f);
    chat_from_texts(&chat, "a", "</s>b", "");
    struct story turn = story_of("b</s>", 1);
    turn.chat = &chat;
    turn.go_on = true;
    struct story_result result = tell(&turn);
    /* "</s>" is a token in the suffix and four unknown letters in what the user says */
    const int32_t first[] = {BOS, SPACE, AB, UNK, UNK, UNK, UNK, EOS, SPACE, B};
    assert_int_equal(result.prompt_tokens, COUNT_OF(first));
    assert_memory_equal(engine.text, first, sizeof first);
    assert_int_equal(result.end == STORY_COMPLETE ? 0 : 1, result.generated);
    const uint32_t before = engine.text_count;
    const bool closed = engine.text[before - 1] == EOS;
    tell(&turn); /* the answer is closed, once, and the next turn follows without another BOS */
    const int32_t second[] = {EOS, SPACE, AB, UNK, UNK, UNK, UNK, EOS, SPACE, B};
    assert_memory_equal(engine.text + before - closed, second, sizeof second);
    turn.go_on = false;
    tell(&turn);
    assert_memory_equal(engine.text, first, sizeof first);
    engine_close(&engine);
}

/* Control tokens reach neither into what the user says nor out of it. */
static void no_token_is_made_across_the_edges(void **state)
{
    struct chat chat;
    (void)state;
    open_model(NULL, 1.0f);
    chat_from_texts(&chat, "a</", "s>", "");
    struct story turn = story_of("s><", 1);
    turn.chat = &chat;
    tell(&turn);
    for (uint32_t i = 1; i < 9; i++)
        assert_int_not_equal(engine.text[i], EOS);
    chat_from_texts(&chat, "<s>", "</s><unk>", "");
    turn.prompt_bytes = 0;
    tell(&turn);
    const int32_t ids[] = {BOS, BOS, EOS, UNK}; /* one from the tokenizer, one because it is written there */
    assert_memory_equal(engine.text, ids, sizeof ids);
    engine_close(&engine);
}

/* The stop text as a text: the answer ends before it, and it stands between answer and next turn. */
static void a_chat_with_a_stop_text(void **state)
{
    struct chat chat;
    char answer[OUT_MAX];
    (void)state;
    open_model(NULL, 1.0f);
    chat_from_texts(&chat, "", "", "");
    struct story turn = story_of(long_prompt(), 40);
    turn.chat = &chat;
    assert_int_equal(tell(&turn).generated, 40);
    strcpy(answer, machine.out);
    assert_null(strstr(answer, "\uFFFD\uFFFD\uFFFD\uFFFD"));
    for (size_t at = 3; at < 12; at++) {
        if (((uint8_t)answer[at] & 0xC0) == 0x80 || ((uint8_t)answer[at + 3] & 0xC0) == 0x80 ||
            strstr(answer, "\uFFFD") < answer + at + 6)
            continue;
        char stop[4] = {answer[at], answer[at + 1], answer[at + 2]};
        chat_from_texts(&chat, "", "", stop);
        turn.go_on = false;
        assert_int_equal(tell(&turn).end, STORY_COMPLETE);
        assert_memory_equal(machine.out, answer, machine.length);
        assert_int_equal(machine.length, strstr(answer, stop) - answer);
        const uint32_t before = engine.text_count;
        turn.go_on = true;
        turn.steps = 1;
        struct story_result result = tell(&turn);
        assert_true(result.prompt_tokens > 0 && engine.text_count > before);
        turn.steps = 40;
    }
    engine_close(&engine);
}

/* A stop text that is a token of its own ends the answer as the end-of-sequence token does, and stands in chat->end. */
static void a_chat_with_a_stop_token(void **state)
{
    struct chat chat;
    (void)state;
    open_model(NULL, 1.0f);
    chat_from_texts(&chat, "a", "b", "</s>");
    assert_string_equal(chat.end, "</s>");
    struct story turn = story_of("", 2);
    turn.chat = &chat;
    turn.go_on = true;
    tell(&turn);
    const uint32_t before = engine.text_count - (engine.text[engine.text_count - 1] == EOS);
    tell(&turn);
    const int32_t ids[] = {EOS, SPACE, AB};
    assert_memory_equal(engine.text + before, ids, sizeof ids);
    engine_close(&engine);
}

/* Ends by the model's own choice: it is there once before the next turn, whatever chat->end says. */
static void an_answer_that_the_model_ends(void **state)
{
    static const char *const ends[] = {"", "</s>", "</s>c"};
    static const char *const prompts[] = {"ab", "a b c", "cab", "b", "ac bb", "abc", "bca", "c c", "aab", "cba ab"};
    uint32_t ended = 0;
    (void)state;
    ends_by_itself = true;
    open_model(NULL, 1.0f);
    ends_by_itself = false;
    for (size_t i = 0; i < 3 * COUNT_OF(prompts); i++) {
        struct chat chat;
        chat_from_texts(&chat, "a", "b", "");
        strcpy(chat.end, ends[i % 3]);
        struct story turn = story_of(prompts[i / 3], 20);
        turn.chat = &chat;
        const struct story_result result = tell(&turn);
        if (result.end != STORY_COMPLETE)
            continue;
        ended++;
        const uint32_t before = engine.text_count;
        assert_int_equal(engine.text[before - 1], EOS);
        assert_int_equal(result.tokens, before - 1);
        turn.go_on = true;
        tell(&turn);
        const int32_t next[] = {EOS, SPACE, i % 3 == 2 ? C : AB};
        assert_int_equal(engine.text[before - 1], EOS);
        assert_int_not_equal(engine.text[before], EOS);
        if (i % 3 == 2)
            assert_memory_equal(engine.text + before - 1, next, sizeof next);
    }
    assert_true(ended >= 3);
    engine_close(&engine);
}

static void white_space_around_a_turn_is_dropped(void **state)
{
    struct chat chat;
    (void)state;
    open_model(NULL, 1.0f);
    chat_from_texts(&chat, "a", "b", "");
    chat.strip = true;
    struct story turn = story_of(" \t c c \n ", 1);
    turn.chat = &chat;
    tell(&turn);
    const int32_t ids[] = {BOS, SPACE_A, C, SPACE, C, B};
    assert_memory_equal(engine.text, ids, sizeof ids);
    engine_close(&engine);
}

static void the_template_of_the_file_counts(void **state)
{
    (void)state;
    open_model("{{ bos_token }}{% for m in messages %}{{ '[INST] ' + m['content'].strip() + ' [/INST]' }}", 1.0f);
    assert_true(engine.has_chat);
    assert_string_equal(engine.chat.prefix, "[INST] ");
    assert_string_equal(engine.chat.suffix, " [/INST]");
    assert_true(engine.chat.strip);
    engine_close(&engine);
    open_model("{{ something else }}", 1.0f);
    assert_false(engine.has_chat);
    engine_close(&engine);
    open_model(NULL, 1.0f);
    assert_false(engine.has_chat);
    engine_close(&engine);
}

static void a_full_context_is_told(void **state)
{
    struct chat chat;
    char many[CONTEXT + 2];
    (void)state;
    open_model(NULL, 1.0f);
    memset(many, 'c', sizeof many);
    many[CONTEXT] = 0;
    struct story story = story_of(many, 0);
    assert_int_equal(tell(&story).end, STORY_FAILED);
    assert_string_equal(error.text, "the prompt is longer than the model's context of 120 tokens; shorten it");
    many[CONTEXT - 2] = 0; /* BOS and the space make it full */
    story = story_of(many, 0);
    struct story_result result = tell(&story);
    assert_int_equal(result.end, STORY_CONTEXT_FULL);
    assert_int_equal(result.tokens, CONTEXT);
    assert_int_equal(result.generated, 0);
    assert_int_equal(machine.runs, 0);
    assert_string_equal(machine.out, many);
    chat_from_texts(&chat, "a", "b", "");
    story = story_of("c", 0);
    story.chat = &chat;
    story.go_on = true;
    assert_int_equal(tell(&story).end, STORY_FAILED);
    assert_string_equal(error.text, "the context of 120 tokens holds 120 already and not these, too; /new empties it");
    story_forget(&engine);
    assert_int_not_equal(tell(&story).end, STORY_FAILED);
    engine_close(&engine);
}

static void numbers_out_of_range_are_told(void **state)
{
    (void)state;
    open_model(NULL, 3e38f);
    struct story story = story_of("ab", 20);
    assert_int_equal(tell(&story).end, STORY_FAILED);
    assert_string_equal(error.text, "the model's numbers are out of range after 3 tokens; get a sound copy");
    engine_close(&engine);
}

/* ---- Keys and time ---- */

static void escape_stops_and_other_keys_wait(void **state)
{
    static const int typed[] = {'x', 27, 'y', '\r', 0};
    (void)state;
    open_model(NULL, 1.0f);
    struct story story = story_of(long_prompt(), 60);
    machine.typed = typed;
    machine.typed_at = 4;
    struct story_result result = tell(&story);
    assert_int_equal(result.end, STORY_STOPPED);
    assert_true(result.generated > 0 && result.tokens < 60);
    assert_int_equal(keys_next(&keys), 'y');
    assert_int_equal(keys_next(&keys), '\r');
    assert_int_equal(keys_next(&keys), KEY_NONE);
    story = story_of("", 60 - result.tokens); /* and it can go on */
    story.go_on = true;
    assert_int_equal(tell(&story).tokens, 60);
    engine_close(&engine);
}

/* A stop key waits 50 ms at most, and neither keys nor clock are asked at every token of a fast machine. */
static void keys_are_looked_for_in_time(void **state)
{
    static const uint32_t times[] = {20, 300, 1000, 7000, 30000, 400000};
    (void)state;
    open_model(NULL, 1.0f);
    const char *prompt = long_prompt();
    for (size_t i = 0; i < COUNT_OF(times); i++) {
        struct story story = story_of(prompt, 60);
        machine.us_a_run = times[i];
        machine.longest_wait = 0;
        tell(&story);
        assert_true(machine.longest_wait <= (times[i] > 50000 ? times[i] : 50000));
        if (times[i] <= 300)
            assert_true(machine.polls <= 8 && machine.clock_reads <= 12);
    }
    struct story story = story_of(prompt, 60); /* and one that slows down as its context fills */
    machine.us_a_run = 1500;
    machine.percent_slower = 3;
    machine.longest_wait = 0;
    tell(&story);
    assert_true(machine.us_a_run > 5000 && machine.longest_wait <= 50000);
    engine_close(&engine);
}

/* A prompt of many blocks can be stopped between them. */
static void a_long_prompt_can_be_stopped(void **state)
{
    static const int typed[] = {3, 0};
    char many[100];
    (void)state;
    open_model(NULL, 1.0f);
    memset(many, 'c', sizeof many);
    many[90] = 0;
    struct story story = story_of(many, 0);
    tell(&story);
    assert_true(machine.runs >= 6); /* blocks of 16 */
    machine.typed = typed;
    machine.typed_at = 3;
    machine.us_a_run = 30000;
    struct story_result result = tell(&story);
    assert_int_equal(result.end, STORY_STOPPED);
    assert_int_equal(result.generated, 0);
    assert_int_equal(result.first_token, 0);
    assert_true(machine.runs < 6);
    engine_close(&engine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_story_is_told),
        cmocka_unit_test(going_on_changes_nothing),
        cmocka_unit_test(a_stop_text_ends_the_story),
        cmocka_unit_test(half_a_stop_text_is_shown),
        cmocka_unit_test(text_goes_through_the_wrap),
        cmocka_unit_test(a_chat_is_written_as_its_texts_say),
        cmocka_unit_test(no_token_is_made_across_the_edges),
        cmocka_unit_test(a_chat_with_a_stop_text),
        cmocka_unit_test(a_chat_with_a_stop_token),
        cmocka_unit_test(an_answer_that_the_model_ends),
        cmocka_unit_test(white_space_around_a_turn_is_dropped),
        cmocka_unit_test(the_template_of_the_file_counts),
        cmocka_unit_test(a_full_context_is_told),
        cmocka_unit_test(numbers_out_of_range_are_told),
        cmocka_unit_test(escape_stops_and_other_keys_wait),
        cmocka_unit_test(keys_are_looked_for_in_time),
        cmocka_unit_test(a_long_prompt_can_be_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
