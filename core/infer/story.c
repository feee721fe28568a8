#include "infer/story.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/number.h"
#include "base/text.h"
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
    int32_t stop_token;                  /* equal to the stop text, or GGUF_NO_TOKEN */
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

/* ---- The text so far ---- */

/* At least the last token runs again: the next one is drawn from its logits. */
void story_rewind(struct engine *engine, uint32_t count)
{
    engine->text_count = count;
    if (engine->filled >= count) {
        engine->filled = count == 0 ? 0 : count - 1;
    }
}

void story_forget(struct engine *engine)
{
    story_rewind(engine, 0);
}

static bool ends_text(const struct teller *teller, int32_t id)
{
    const struct tokenizer *tokenizer = &teller->engine->tokenizer;
    return tokenizer_is_end(tokenizer, id) ||
           (id != GGUF_NO_TOKEN && (id == tokenizer->bos || id == teller->stop_token));
}

/* Ends an answer with the end-of-sequence token where chat->end does not. The model's own one is never kept, so an
   answer that was cut short is continued in the same way. */
static void close_answer(struct teller *teller)
{
    struct engine *engine = teller->engine;
    const int32_t id = engine->tokenizer.eos != GGUF_NO_TOKEN ? engine->tokenizer.eos : engine->tokenizer.bos;
    if (teller->story->chat->close && id != GGUF_NO_TOKEN && engine->text_count < engine->context) {
        engine->text[engine->text_count++] = id;
    }
}

/* ---- The prompt ---- */

static size_t append(char *out, size_t used, const char *text, size_t n)
{
    memcpy(out + used, text, n);
    return used + n;
}

/* The last token of the text so far, or GGUF_NO_TOKEN. */
static int32_t token_before(const struct engine *engine)
{
    return engine->text_count > 0 ? engine->text[engine->text_count - 1] : GGUF_NO_TOKEN;
}

/* Appends a text of the chat's. */
static size_t append_text(char *out, size_t used, const char *text)
{
    return append(out, used, text, text_length(text));
}

/* Appends the tokens of a chat's turn: the chat's opening or the end of the previous answer, prefix, the user's text,
   suffix. */
static int32_t encode_turn(struct teller *teller)
{
    struct engine *engine = teller->engine;
    const struct chat *chat = teller->story->chat;
    const char *user = teller->story->prompt;
    const bool first = engine->text_count == 0;
    size_t n = teller->story->prompt_bytes, used = 0;
    if (chat->strip) {
        chat_trim(&user, &n);
    }
    if (!first) {
        close_answer(teller);
    }
    used = append_text(engine->turn, used, !first ? chat->end : chat->inside ? "" : chat->opening);
    used = append_text(engine->turn, used, chat->prefix);
    used = append_text(engine->turn, used, first && chat->inside ? chat->opening : "");
    const size_t start = used, end = append(engine->turn, used, user, n);
    used = append_text(engine->turn, end, chat->suffix);
    return encode_marked(&engine->tokenizer, engine->turn, used, start, end, token_before(engine),
                         engine->text + engine->text_count, engine->context - engine->text_count, engine->scratch);
}

/* Appends the prompt's tokens to the text. */
static int encode_prompt(struct teller *teller)
{
    struct engine *engine = teller->engine;
    const struct story *story = teller->story;
    if (!story->go_on) {
        story_forget(engine);
    }
    const uint32_t before = engine->text_count;
    const int32_t count =
        story->chat != NULL
            ? encode_turn(teller)
            : encode_marked(&engine->tokenizer, story->prompt, story->prompt_bytes, 0, story->prompt_bytes,
                            token_before(engine), engine->text + before, engine->context - before, engine->scratch);
    if (count < 0 && before == 0) {
        return error_set(teller->error, "the prompt is longer than the model's context of %u tokens; shorten it",
                         engine->context);
    }
    if (count < 0) {
        return error_set(teller->error,
                         "the context of %u tokens holds %u already, too many for this turn; /new empties it",
                         engine->context, before);
    }
    if (count == 0 && before == 0) {
        return error_set(teller->error,
                         "this model cannot begin from nothing: it has no beginning-of-sequence token; type a prompt");
    }
    story_rewind(engine, engine->text_count + (uint32_t)count);
    return 0;
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
        story_rewind(engine, before + steps);
    }
    for (uint32_t index = before; index < engine->text_count; index++) {
        show(teller, index);
    }
}

/* ---- Telling ---- */

/* Runs the pending tokens and draws the next one: its id, SAMPLER_NOT_FINITE, or STOPPED. */
static int32_t next_token(struct engine *engine)
{
    struct compute *compute = &engine->compute;
    int32_t id = STOPPED;
    compute_begin(compute);
    while (id == STOPPED && !compute->stopped) {
        const uint32_t left = engine->text_count - engine->filled;
        const uint32_t count = left < TRANSFORMER_BLOCK ? left : TRANSFORMER_BLOCK;
        float *logits =
            transformer_run(&engine->transformer, engine->text + engine->filled, count, engine->filled, count == left);
        id = logits != NULL ? sampler_next(&engine->sampler, logits) : STOPPED;
        engine->filled += compute->stopped ? 0 : count;
    }
    compute_end(compute);
    return id;
}

/* Removes the tokens of the complete stop text from the text. */
static enum story_end drop_stop(struct teller *teller)
{
    teller->held_bytes = 0;
    story_rewind(teller->engine, teller->held_from[0]);
    return STORY_COMPLETE;
}

/* The loop over the tokens after the prompt; returns why it ended. Steps count from token number `limit_from`. */
static enum story_end generate(struct teller *teller, struct story_result *result, uint32_t limit_from, uint64_t start)
{
    struct engine *engine = teller->engine;
    const uint32_t steps = teller->story->steps;
    for (;;) {
        if (steps != 0 && engine->text_count - limit_from >= steps) {
            return STORY_STEPS;
        }
        if (engine->text_count >= engine->context) {
            return STORY_CONTEXT_FULL;
        }
        const int32_t id = next_token(engine);
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
    const uint32_t first = engine->text_count;
    result.prompt_tokens = first - engine->filled;
    result.end = generate(&teller, &result, story->chat != NULL ? first : before, start);
    show_end(&teller);
    result.microseconds = platform->microseconds(platform) - start;
    result.tokens = engine->text_count;
    result.generated = engine->text_count - first;
    return result;
}

uint32_t story_speed_tenths(const struct story_result *result)
{
    const uint32_t steps = result->generated - (result->generated > 0);
    return number_rate_tenths((uint64_t)steps * 1000000u, result->microseconds - result->first_token);
}
