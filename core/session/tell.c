/* Stories and turns of a chat, and the line of figures under them. */
#include "session/console.h"

#include "base/error.h"
#include "base/format.h"
#include "base/text.h"

void tell_draw_seed(struct console *console)
{
    if (console->config.seed_random) { /* short enough to be copied by hand */
        console->config.sampling.seed = (uint32_t)console->platform->clock_seed(console->platform);
    }
}

/* The configuration goes before the file: who writes a template knows that the file has none, or a wrong one. A stop
   text alone takes the place of the file's. */
void tell_prepare(struct console *console)
{
    const struct config *config = &console->config;
    char text[3][CHAT_TEXT_MAX];
    const char *const typed[3] = {config->chat_prefix, config->chat_suffix, config->chat_stop};
    struct chat *chat = &console->configured_chat;
    for (uint32_t i = 0; i < 3; i++) { /* config.c has let nothing else through */
        chat_unescape(text[i], sizeof text[i], typed[i], text_length(typed[i]));
    }
    console->chat = console->loaded && console->engine.has_chat ? &console->engine.chat : NULL;
    if (text[0][0] != 0 || text[1][0] != 0) {
        chat_from_texts(chat, text[0], text[1], text[2]);
        console->chat = chat;
    } else if (console->chat != NULL && text[2][0] != 0) {
        *chat = *console->chat;
        format(chat->stop, sizeof chat->stop, "%s", text[2]);
        console->chat = chat;
    }
    console->mark = 0;
}

/* One line under every story; why it ended only where it did not end by itself. */
static void say_figures(struct console *console, const struct story_result *result)
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
        format(first, sizeof first, ", first after %s", time_text(result->first_token).text);
    }
    if (console->config.seed_random) {
        format(seed, sizeof seed, ", seed %llu", (unsigned long long)console->last_seed);
    }
    say(console, COLOUR_NOTE, "[%u tokens, %u.%u tokens/s%s%s%s]\n", result->tokens, speed / 10, speed % 10, first,
        seed, endings[result->end]);
}

/* Tells console->last_prompt with console->last_seed. */
static bool tell_last(struct console *console)
{
    struct platform *platform = console->platform;
    struct story story = {
        .prompt = console->last_prompt,
        .prompt_bytes = text_length(console->last_prompt),
        .sampling = console->config.sampling,
        .steps = console->config.steps,
        .go_on = console->chat != NULL,
        .chat = console->chat,
        .wrap = &console->wrap,
        .keys = &console->keys,
    };
    struct error error;
    story.sampling.seed = console->last_seed;
    platform->put(platform, "\n", 1);
    wrap_begin(&console->wrap, platform, console_width(console));
    team_begin(&console->team, console->engine.model.kernel);
    const struct story_result result = story_tell(&console->engine, &story, &error);
    team_end(&console->team);
    wrap_end(&console->wrap);
    if (result.end == STORY_FAILED) {
        if (result.generated > 0) {
            platform->put(platform, "\n", 1);
        }
        say_error(console, error.text);
        return false;
    }
    platform->put(platform, "\n\n", 2);
    say_figures(console, &result);
    if (console->chat != NULL && result.end == STORY_CONTEXT_FULL) {
        say(console, COLOUR_NOTE, "The conversation fills the context of %u tokens: /new begins another one.\n",
            console->engine.context);
    }
    return result.end != STORY_STOPPED;
}

/* The seed counts up whatever comes of it, so that what follows does not depend on a key pressed in time. */
bool tell(struct console *console, const char *prompt)
{
    console->last_seed = console->config.sampling.seed;
    console->config.sampling.seed += console->last_seed == 0 ? 2 : 1; /* 0 and 1 are the same to the sampler */
    console->told = true;
    console->mark = console->engine.text_count;
    format(console->last_prompt, sizeof console->last_prompt, "%s", prompt);
    return tell_last(console);
}

void tell_again(struct console *console)
{
    if (!console->loaded || !console->told) {
        say_error(console, "nothing has been told yet");
        return;
    }
    if (console->chat != NULL) { /* back to before the turn */
        story_rewind(&console->engine, console->mark);
    }
    tell_last(console);
}
