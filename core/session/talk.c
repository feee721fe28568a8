#include "session/talk.h"

#include "base/error.h"
#include "base/format.h"
#include "base/text.h"
#include "infer/story.h"
#include "infer/turns.h"
#include "session/figure.h"

void talk_begin(struct talk *talk, struct output *output, struct settings *settings, struct models *models,
                struct typeahead *typeahead)
{
    talk->output = output;
    talk->settings = settings;
    talk->models = models;
    talk->typeahead = typeahead;
    talk->has_last = false;
}

/* Fills talk->chat with the texts around a turn. The configuration overrides the file: users who write a template know
   that the file has none, or a wrong one. A stop text alone replaces that of the file's template. Returns false if the
   model tells stories. */
static bool find_chat(struct talk *talk)
{
    const struct config *config = &talk->settings->config;
    const struct engine *engine = &talk->models->engine;
    char text[3][CHAT_TEXT_MAX];
    const char *const typed[3] = {config->chat_prefix, config->chat_suffix, config->chat_stop};
    for (uint32_t i = 0; i < 3; i++) { /* cannot fail: config.c has checked them */
        chat_unescape(text[i], sizeof text[i], typed[i], text_length(typed[i]));
    }
    if (text[0][0] != 0 || text[1][0] != 0) {
        chat_from_texts(&talk->chat, text[0], text[1], text[2]);
        return true;
    }
    if (!engine->has_chat) {
        return false;
    }
    talk->chat = engine->chat;
    if (text[2][0] != 0) {
        format(talk->chat.stop, sizeof talk->chat.stop, "%s", text[2]);
    }
    return true;
}

const struct chat *talk_chat(struct talk *talk)
{
    char system[CHAT_SYSTEM_MAX];
    const char *typed = talk->settings->config.chat_system;
    if (!talk->models->loaded || !find_chat(talk)) {
        return NULL;
    }
    if (typed[0] != 0) {
        chat_unescape(system, sizeof system, typed, text_length(typed));
        chat_set_system(&talk->chat, system);
    }
    return &talk->chat;
}

bool talk_is_unknown(struct talk *talk)
{
    return talk->models->loaded && talk->models->engine.gguf.template_bytes > 0 && talk_chat(talk) == NULL;
}

bool talk_has_turns(struct talk *talk)
{
    return talk_chat(talk) != NULL && talk->models->engine.text_count > 0;
}

/* The line under every story. It says why the story ended unless the model ended it. */
static void say_figures(struct talk *talk, const struct story_result *result)
{
    static const char *const endings[] = {
        [STORY_COMPLETE] = "",
        [STORY_STEPS] = ", length reached",
        [STORY_CONTEXT_FULL] = ", context full",
        [STORY_STOPPED] = ", stopped",
    };
    char first[40] = "", seed[40] = "";
    const uint32_t speed = story_speed_tenths(result);
    if (result->first_token > 0) {
        format(first, sizeof first, ", first after %s", figure_time(result->first_token).text);
    }
    if (talk->settings->config.seed_random) {
        format(seed, sizeof seed, ", seed %llu", (unsigned long long)talk->last_seed);
    }
    output_say(talk->output, COLOUR_NOTE, "[%u tokens, %u.%u tokens/s%s%s%s]\n", result->tokens, speed / 10, speed % 10,
               first, seed, endings[result->end]);
}

static void put(void *context, const char *utf8, size_t n)
{
    struct talk *talk = context;
    thought_put(&talk->thought, utf8, n);
    talk->mid_line = utf8[n - 1] != '\n';
}

/* ---- A full context ---- */

static void on_dropped(void *context, uint32_t turns)
{
    struct talk *talk = context;
    thought_pause(&talk->thought);
    output_text_end(talk->output);
    if (talk->mid_line) {
        talk->models->platform->put(talk->models->platform, "\n", 1);
        talk->mid_line = false;
    }
    if (turns == 1) {
        output_say(talk->output, COLOUR_NOTE, "The context of %u tokens is full: the oldest turn is forgotten.\n",
                   talk->models->engine.context);
    } else {
        output_say(talk->output, COLOUR_NOTE, "The context of %u tokens is full: the %u oldest turns are forgotten.\n",
                   talk->models->engine.context, turns);
    }
    output_text_begin(talk->output);
    thought_resume(&talk->thought);
    talk->shown_at = talk->models->platform->microseconds(talk->models->platform);
}

/* Shows progress only ten times a second, and erases it at the end. */
static void on_reading(void *context, uint32_t done, uint32_t total)
{
    struct talk *talk = context;
    const uint64_t now = talk->models->platform->microseconds(talk->models->platform);
    char text[OUTPUT_TICKER_MAX];
    if (done == total) {
        output_ticker(talk->output, "");
    } else if (now - talk->shown_at >= OUTPUT_TICKER_US) {
        format(text, sizeof text, "Reading the rest again: %u %%", figure_share(done, total, 100));
        output_ticker(talk->output, text);
        talk->shown_at = now;
    }
}

/* ---- Telling ---- */

/* Shows the text of story_tell and what interrupts it. */
static struct story_result tell(struct talk *talk, struct story *story, struct error *error)
{
    struct models *models = talk->models;
    story->sink = (struct story_sink){put, talk};
    story->watch = (struct story_watch){on_dropped, on_reading, talk};
    talk->mid_line = false;
    output_text_begin(talk->output);
    thought_begin(&talk->thought, talk->output);
    team_begin(&models->team, models->engine.model.kernel);
    const struct story_result result = story_tell(&models->engine, story, error);
    team_end(&models->team);
    thought_end(&talk->thought);
    output_text_end(talk->output);
    output_ticker(talk->output, ""); /* of reading that was stopped */
    return result;
}

/* Tells talk->last_prompt with talk->last_seed. */
static bool tell_last(struct talk *talk)
{
    struct models *models = talk->models;
    struct platform *platform = models->platform;
    struct story story = {
        .prompt = talk->last_prompt,
        .prompt_bytes = text_length(talk->last_prompt),
        .sampling = talk->settings->config.sampling,
        .steps = talk->settings->config.steps,
        .chat = talk_chat(talk),
        .stop = models_stop(models),
    };
    struct error error;
    story.go_on = story.chat != NULL;
    story.sampling.seed = talk->last_seed;
    platform->put(platform, "\n", 1);
    const struct story_result result = tell(talk, &story, &error);
    talk->last_taken = result.taken;
    if (result.end == STORY_FAILED) {
        if (result.generated > 0) {
            platform->put(platform, "\n", 1);
        }
        output_error(talk->output, error.text);
        return false;
    }
    platform->put(platform, "\n\n", 2);
    say_figures(talk, &result);
    if (story.chat != NULL && result.end == STORY_CONTEXT_FULL) {
        output_say(talk->output, COLOUR_NOTE,
                   "This turn fills the context of %u tokens: the next one begins without it.\n",
                   models->engine.context);
    }
    return result.end != STORY_STOPPED;
}

bool talk_tell(struct talk *talk, const char *prompt)
{
    const size_t n = text_length(prompt);
    if (n >= ENGINE_PROMPT_MAX) {
        output_say(talk->output, COLOUR_ERROR, "Error: the prompt has %u bytes; at most %u are allowed\n", (uint32_t)n,
                   (uint32_t)ENGINE_PROMPT_MAX - 1);
        return false;
    }
    talk->last_seed = settings_take_seed(talk->settings);
    talk->has_last = true;
    format(talk->last_prompt, sizeof talk->last_prompt, "%s", prompt);
    return tell_last(talk);
}

/* A chat goes back to before the turn. The conversation may be gone by now: a new model clears it. */
void talk_again(struct talk *talk)
{
    if (!talk->models->loaded || !talk->has_last) {
        output_error(talk->output, "there is nothing to repeat yet");
        return;
    }
    if (talk_chat(talk) != NULL && talk->last_taken) {
        turns_undo(&talk->models->engine);
    }
    tell_last(talk);
}

void talk_forget(struct talk *talk)
{
    engine_rewind(&talk->models->engine, 0);
}

void talk_begin_anew(struct talk *talk)
{
    talk_forget(talk);
    talk->has_last = false;
}
