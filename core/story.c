#include "story.h"

enum { TEXT_MAX = 4096 }; /* bytes of one token's text that are shown at most */

enum { KEY_CTRL_C = 3, KEY_ESCAPE = 27, KEYS_A_CALL = 64 }; /* a keyboard gone mad must not hold the story */

struct teller {
    struct engine *engine;
    const struct story *story;
    struct decoder decoder;
    uint32_t prompt_count;
};

static void put(struct teller *teller, const char *text, size_t n)
{
    if (n > 0) {
        teller->engine->platform->put(teller->engine->platform, text, n);
    }
}

static void show(struct teller *teller, int32_t id)
{
    char text[TEXT_MAX];
    const size_t n = teller->story->ids
                         ? format(text, sizeof text, "%d\n", (int)id)
                         : decoder_push(&teller->decoder, &teller->engine->tokenizer, id, text, sizeof text);
    put(teller, text, n);
}

static void show_end(struct teller *teller)
{
    char text[4];
    if (!teller->story->ids) {
        put(teller, text, decoder_end(&teller->decoder, text, sizeof text));
    }
}

bool story_stop_asked(struct platform *platform)
{
    bool asked = false;
    int key;
    for (uint32_t keys = 0; keys < KEYS_A_CALL && (key = platform->get_key(platform)) != KEY_NONE; keys++) {
        asked = asked || key == KEY_ESCAPE || key == KEY_CTRL_C;
    }
    return asked;
}

static int encode_prompt(struct teller *teller, struct error *error)
{
    struct engine *engine = teller->engine;
    const struct story *story = teller->story;
    const int32_t count = tokenizer_encode(&engine->tokenizer, story->prompt, story->prompt_bytes, engine->prompt,
                                           engine->context, engine->prompt_scratch);
    if (count < 0) {
        return fail(error, "the prompt is longer than the model's context of %u tokens; shorten it", engine->context);
    }
    if (count == 0) {
        return fail(error, "the prompt has no token: the model has no beginning-of-sequence token; type a prompt");
    }
    teller->prompt_count = (uint32_t)count;
    return 0;
}

/* Runs the model at `position` and returns the token after it: of the prompt, or drawn; or SAMPLER_NOT_FINITE. */
static int32_t next_token(struct teller *teller, int32_t token, uint32_t position)
{
    struct engine *engine = teller->engine;
    struct platform *platform = engine->platform;
    const bool in_prompt = position + 1 < teller->prompt_count;
    platform->exclusive(platform, true);
    sampler_accept(&engine->sampler, token);
    float *logits = transformer_run(&engine->transformer, &token, 1, position, !in_prompt);
    const int32_t next = in_prompt ? engine->prompt[position + 1] : sampler_next(&engine->sampler, logits);
    platform->exclusive(platform, false);
    return next;
}

static bool ends_story(const struct teller *teller, int32_t id, uint32_t position)
{
    const struct tokenizer *tokenizer = &teller->engine->tokenizer;
    return position + 1 >= teller->prompt_count && (id == tokenizer->eos || id == tokenizer->bos);
}

/* The loop over positions; returns why it ended. *result counts the tokens. */
static enum story_end tell(struct teller *teller, struct story_result *result, uint64_t start, struct error *error)
{
    struct engine *engine = teller->engine;
    struct platform *platform = engine->platform;
    const uint32_t steps = teller->story->steps;
    int32_t token = engine->prompt[0];
    for (uint32_t position = 0;; position++) {
        show(teller, token);
        result->tokens = position + 1;
        if (steps != 0 && result->tokens >= steps) {
            return STORY_STEPS;
        }
        if (result->tokens >= engine->context) {
            return STORY_CONTEXT_FULL;
        }
        if (story_stop_asked(platform)) {
            return STORY_STOPPED;
        }
        token = next_token(teller, token, position);
        if (token == SAMPLER_NOT_FINITE) {
            fail(error, "the model's numbers are out of range after %u tokens; get a sound copy", result->tokens);
            return STORY_FAILED;
        }
        if (result->first_token == 0 && position + 1 >= teller->prompt_count) {
            result->first_token = platform->microseconds(platform) - start;
        }
        if (ends_story(teller, token, position)) {
            return STORY_COMPLETE;
        }
    }
}

struct story_result story_tell(struct engine *engine, const struct story *story, struct error *error)
{
    struct platform *platform = engine->platform;
    struct teller teller = {.engine = engine, .story = story};
    struct story_result result = {.end = STORY_FAILED};
    if (encode_prompt(&teller, error) != 0) {
        return result;
    }
    decoder_begin(&teller.decoder, true);
    sampler_begin(&engine->sampler, &story->sampling);
    const uint64_t start = platform->microseconds(platform);
    result.end = tell(&teller, &result, start, error);
    result.microseconds = platform->microseconds(platform) - start;
    show_end(&teller);
    return result;
}

uint32_t story_speed_tenths(const struct story_result *result)
{
    uint64_t elapsed = result->microseconds, steps = (uint64_t)(result->tokens - (result->tokens > 0)) * 10000000;
    while (elapsed > UINT32_MAX) { /* keeps the division in 32 bits of divisor */
        elapsed >>= 1;
        steps >>= 1;
    }
    return elapsed == 0 ? 0 : (uint32_t)(steps / elapsed);
}
