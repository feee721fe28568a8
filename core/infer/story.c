#include "infer/story.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
#include "infer/turns.h"
#include "text/decoder.h"
#include "text/encode.h"

enum {
    TEXT_MAX = 4096, /* most bytes shown of one token's text */
    STOPPED = -2,    /* no token: the caller wants to stop */
};

struct teller {
    struct engine *engine;
    const struct story *story;
    struct error *error;
    struct decoder decoder;
    const char *stop; /* text, "" = none */
    size_t stop_bytes, held_bytes;
    int32_t stop_token; /* equal to the stop text, or GGUF_NO_TOKEN */
    uint32_t first;     /* token drawn */
    bool reading;       /* the text is read anew, from token read_from on */
    uint32_t read_from;
    uint32_t held_from[CHAT_STOP_MAX];   /* for each byte held back, the first token that begins there or later */
    char text[CHAT_STOP_MAX + TEXT_MAX]; /* a possible beginning of the stop text, then the token's own text */
};

/* ---- Text out ---- */

static void put(struct teller *teller, const char *text, size_t n)
{
    if (n > 0 && teller->story->sink.put != NULL) {
        teller->story->sink.put(teller->story->sink.context, text, n);
    }
}

/* The first place in teller->text[0..n) where the stop text stands or may begin; n if there is none. */
static size_t find_stop(const struct teller *teller, size_t n)
{
    for (size_t i = 0; i < n && teller->stop_bytes > 0; i++) {
        if (memcmp(teller->text + i, teller->stop, n - i < teller->stop_bytes ? n - i : teller->stop_bytes) == 0) {
            return i;
        }
    }
    return n;
}

/* Takes `added` bytes after the held-back text, the text of token number `index`, and passes on what cannot belong to
   the stop text. Returns true once the stop text is complete; it begins at token held_from[0]. */
static bool pass_on(struct teller *teller, size_t added, uint32_t index)
{
    const size_t n = teller->held_bytes + added, keep = find_stop(teller, n);
    put(teller, teller->text, keep);
    for (size_t i = keep; i < n && i - keep < CHAT_STOP_MAX; i++) {
        const bool is_new = i >= teller->held_bytes;
        teller->held_from[i - keep] = !is_new ? teller->held_from[i] : i == teller->held_bytes ? index : index + 1;
    }
    if (teller->stop_bytes > 0 && n - keep >= teller->stop_bytes) {
        return true;
    }
    teller->held_bytes = n - keep;
    memmove(teller->text, teller->text + keep, teller->held_bytes);
    return false;
}

/* Shows token number `index` of the text. Returns true if the stop text is complete. */
static bool show(struct teller *teller, uint32_t index)
{
    const int32_t id = teller->engine->text[index];
    char *text = teller->text + teller->held_bytes;
    const size_t n = teller->story->ids
                         ? format(text, TEXT_MAX, "%d\n", (int)id)
                         : decoder_push(&teller->decoder, &teller->engine->tokenizer, id, text, TEXT_MAX);
    return pass_on(teller, n, index);
}

/* Shows the text still held back at the end: it was not the stop text. */
static void show_end(struct teller *teller)
{
    put(teller, teller->text, teller->held_bytes);
    if (!teller->story->ids) {
        put(teller, teller->text, decoder_end(&teller->decoder, teller->text, TEXT_MAX));
    }
}

/* ---- The prompt ---- */

static bool ends_text(const struct teller *teller, int32_t id)
{
    const struct tokenizer *tokenizer = &teller->engine->tokenizer;
    return tokenizer_is_end(tokenizer, id) ||
           (id != GGUF_NO_TOKEN && (id == tokenizer->bos || id == teller->stop_token));
}

/* Appends the tokens of a story's prompt to the text. */
static int encode_story(struct teller *teller)
{
    struct engine *engine = teller->engine;
    const struct story *story = teller->story;
    const uint32_t before = engine->text_count;
    const int32_t last = before > 0 ? engine->text[before - 1] : GGUF_NO_TOKEN;
    const int32_t count = encode_marked(&engine->tokenizer, story->prompt, story->prompt_bytes, 0, story->prompt_bytes,
                                        last, engine->text + before, engine->context - before, engine->scratch);
    if (count < 0) {
        return error_set(teller->error, "the prompt is longer than the model's context of %u tokens; shorten it",
                         engine->context);
    }
    if (count == 0 && before == 0) {
        return error_set(teller->error,
                         "this model cannot begin from nothing: it has no beginning-of-sequence token; type a prompt");
    }
    engine->text_count += (uint32_t)count;
    return 0;
}

/* Tells that turns are gone; what is read anew from now on is shown as well. */
static void report_dropped(struct teller *teller, uint32_t turns)
{
    const struct story_watch *watch = &teller->story->watch;
    if (turns > 0 && watch->dropped != NULL) {
        watch->dropped(watch->context, turns);
    }
    teller->reading = turns > 0;
    teller->read_from = teller->engine->filled;
}

/* Appends the prompt's tokens to the text. */
static int encode_prompt(struct teller *teller)
{
    struct engine *engine = teller->engine;
    const struct story *story = teller->story;
    uint32_t dropped = 0;
    if (!story->go_on) {
        engine_rewind(engine, 0);
    }
    const int status = story->chat == NULL ? encode_story(teller)
                                           : turns_add(engine, story->chat, story->prompt, story->prompt_bytes,
                                                       &dropped, teller->error);
    engine_rewind(engine, engine->text_count); /* at least one token is left to run */
    report_dropped(teller, dropped);
    return status;
}

/* Shows the prompt of a story, truncated to the allowed steps. */
static void show_prompt(struct teller *teller, uint32_t before)
{
    struct engine *engine = teller->engine;
    const uint32_t steps = teller->story->steps;
    decoder_begin(&teller->decoder, teller->story->chat != NULL || before == 0);
    if (teller->story->chat != NULL) {
        return;
    }
    if (steps != 0 && engine->text_count - before > steps) {
        engine_rewind(engine, before + steps);
    }
    for (uint32_t index = before; index < engine->text_count; index++) {
        show(teller, index);
    }
}

/* ---- Telling ---- */

static void report_reading(struct teller *teller)
{
    const struct story_watch *watch = &teller->story->watch;
    const struct engine *engine = teller->engine;
    if (teller->reading && watch->reading != NULL) {
        watch->reading(watch->context, engine->filled - teller->read_from, engine->text_count - teller->read_from);
    }
    teller->reading = teller->reading && engine->filled < engine->text_count;
}

/* Runs the pending tokens and draws the next one: its id, SAMPLER_NOT_FINITE, or STOPPED. */
static int32_t next_token(struct teller *teller)
{
    struct engine *engine = teller->engine;
    struct compute *compute = &engine->compute;
    int32_t id = STOPPED;
    do {
        const uint32_t left = engine->text_count - engine->filled;
        const uint32_t count = left < TRANSFORMER_BLOCK ? left : TRANSFORMER_BLOCK;
        compute_begin(compute);
        float *logits =
            transformer_run(&engine->transformer, engine->text + engine->filled, count, engine->filled, count == left);
        id = logits != NULL ? sampler_next(&engine->sampler, logits) : STOPPED;
        engine->filled += compute->stopped ? 0 : count;
        compute_end(compute);
        report_reading(teller);
    } while (id == STOPPED && !compute->stopped);
    return id;
}

/* Removes the tokens of the complete stop text from the text. */
static enum story_end drop_stop(struct teller *teller)
{
    teller->held_bytes = 0;
    engine_rewind(teller->engine, teller->held_from[0]);
    return STORY_COMPLETE;
}

/* Where the context is full, drops a chat's oldest turns. Returns whether there is room now. */
static bool make_room(struct teller *teller)
{
    struct engine *engine = teller->engine;
    const uint32_t before = engine->text_count;
    if (before < engine->context) {
        return true;
    }
    const uint32_t dropped = teller->story->chat != NULL ? turns_make_room(engine, teller->story->chat) : 0;
    const uint32_t shift = before - engine->text_count;
    teller->first -= shift;
    for (size_t i = 0; i < teller->held_bytes; i++) {
        teller->held_from[i] -= shift;
    }
    report_dropped(teller, dropped);
    return engine->text_count < engine->context;
}

/* The loop over the tokens after the prompt; returns why it ended. Steps count from `before` tokens before the first
   one drawn. */
static enum story_end generate(struct teller *teller, struct story_result *result, uint32_t before, uint64_t start)
{
    struct engine *engine = teller->engine;
    const uint32_t steps = teller->story->steps;
    for (;;) {
        if (steps != 0 && engine->text_count - teller->first + before >= steps) {
            return STORY_STEPS;
        }
        if (!make_room(teller)) {
            return STORY_CONTEXT_FULL;
        }
        const int32_t id = next_token(teller);
        if (id == STOPPED) {
            return STORY_STOPPED;
        }
        if (id == SAMPLER_NOT_FINITE) {
            error_set(teller->error, "the model's numbers are out of range after %u tokens; get an intact copy",
                      engine->text_count);
            return STORY_FAILED;
        }
        if (result->first_token == 0) {
            result->first_token = engine->platform->microseconds(engine->platform) - start;
        }
        if (ends_text(teller, id)) {
            return STORY_COMPLETE;
        }
        sampler_accept(&engine->sampler, id);
        engine->text[engine->text_count++] = id;
        if (show(teller, engine->text_count - 1)) {
            return drop_stop(teller);
        }
    }
}

static struct teller teller_of(struct engine *engine, const struct story *story, struct error *error)
{
    const char *stop = story->chat != NULL ? story->chat->stop : story->stop_text != NULL ? story->stop_text : "";
    const size_t n = text_length(stop);
    const int32_t id = n == 0 ? GGUF_NO_TOKEN : tokenizer_find(&engine->tokenizer, (const uint8_t *)stop, n);
    const uint8_t type = id == GGUF_NO_TOKEN ? GGUF_TOKEN_NORMAL : engine->tokenizer.type[id];
    return (struct teller){
        .engine = engine,
        .story = story,
        .error = error,
        .stop = stop,
        .stop_token = type == GGUF_TOKEN_CONTROL || type == GGUF_TOKEN_USER ? id : GGUF_NO_TOKEN,
    };
}

static void begin_sampling(struct engine *engine, const struct story *story)
{
    const uint32_t count = engine->text_count;
    sampler_begin(&engine->sampler, &story->sampling);
    for (uint32_t i = count < SAMPLER_PENALTY_WINDOW ? 0 : count - SAMPLER_PENALTY_WINDOW; i < count; i++) {
        sampler_accept(&engine->sampler, engine->text[i]);
    }
}

struct story_result story_tell(struct engine *engine, const struct story *story, struct error *error)
{
    struct platform *platform = engine->platform;
    struct teller teller = teller_of(engine, story, error);
    struct story_result result = {.end = STORY_FAILED};
    const uint64_t start = platform->microseconds(platform);
    const uint32_t before = story->go_on ? engine->text_count : 0;
    if (encode_prompt(&teller) != 0) {
        return result;
    }
    show_prompt(&teller, before);
    teller.stop_bytes = text_length(teller.stop);
    begin_sampling(engine, story);
    compute_ask(&engine->compute, story->stop);
    teller.first = engine->text_count;
    result.taken = true;
    result.prompt_tokens = teller.first - engine->filled;
    result.end = generate(&teller, &result, story->chat != NULL ? 0 : teller.first - before, start);
    show_end(&teller);
    result.microseconds = platform->microseconds(platform) - start;
    result.tokens = engine->text_count;
    result.generated = engine->text_count - teller.first;
    return result;
}

uint32_t story_speed_tenths(const struct story_result *result)
{
    const uint32_t steps = result->generated - (result->generated > 0);
    return number_rate_tenths((uint64_t)steps * 1000000u, result->microseconds - result->first_token);
}
