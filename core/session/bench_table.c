/* /bench: how long every kernel takes for a token, as a table with bars. */
#include "session/console.h"

#include "base/format.h"
#include "base/number.h"

enum { TOKENS = 128, LIMIT_US = 10000000, PERIOD_US = 100000, BAR_CELLS = 32 };

struct timing {
    uint64_t microseconds;
    uint32_t tokens; /* 0 = not measured */
};

/* Runs the likeliest story, as far as TOKENS tokens or ten seconds. Returns false where it was stopped. */
static bool time_kernel(struct console *console, struct timing *timing)
{
    struct engine *engine = &console->engine;
    struct platform *platform = console->platform;
    const struct sampling greedy = {.repeat_penalty = 1.0f};
    const uint32_t most = engine->context < TOKENS ? engine->context : TOKENS;
    int32_t token = engine->tokenizer.bos != GGUF_NO_TOKEN ? engine->tokenizer.bos : 0;
    char text[TICKER_MAX];
    bool stopped = false;
    story_forget(engine);
    sampler_begin(&engine->sampler, &greedy);
    team_begin(&console->team);
    uint64_t start = platform->microseconds(platform), shown_at = start - PERIOD_US;
    while (timing->tokens < most && timing->microseconds < LIMIT_US && !stopped && token >= 0) {
        platform->exclusive(platform, true);
        token = sampler_next(&engine->sampler, transformer_run(&engine->transformer, &token, 1, timing->tokens, true));
        platform->exclusive(platform, false);
        const uint64_t now = platform->microseconds(platform);
        timing->tokens++;
        timing->microseconds = now - start;
        if (now - shown_at >= PERIOD_US) {
            format(text, sizeof text, "Measuring %s: %3u %%; Esc stops", engine->model.kernel->name,
                   share_of(timing->tokens, most, 100));
            ticker_show(console, text);
            stopped = keys_stop_asked(&console->keys);
            shown_at = platform->microseconds(platform);
            start += shown_at - now; /* a slow console does not count */
        }
    }
    team_end(&console->team);
    return !stopped;
}

/* Bars of time: the shorter the better, and the slowest fills its cells. */
static void draw_table(struct console *console, const struct timing timings[KERNELS])
{
    uint64_t longest = 1, time[KERNELS];
    char bar[BAR_CELLS + 1];
    for (uint32_t i = 0; i < KERNELS; i++) {
        time[i] = timings[i].tokens > 0 ? timings[i].microseconds / timings[i].tokens : 0;
        longest = time[i] > longest ? time[i] : longest;
    }
    say(console, COLOUR_TEXT, "Time for a token, %u one by one; * computes stories here\n", timings[0].tokens);
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (timings[i].tokens == 0) {
            continue;
        }
        const uint32_t cells = share_of(time[i], longest, BAR_CELLS);
        const uint32_t speed = number_rate_tenths((uint64_t)timings[i].tokens * 1000000u, timings[i].microseconds);
        draw_bar(bar, BAR_CELLS, cells > 0 ? cells : 1, ' ');
        say(console, COLOUR_TEXT, "%c %-11s %8u us  %s %7u.%u tokens/s\n", kernel_at(i) == console->kernel ? '*' : ' ',
            kernel_at(i)->name, (uint32_t)time[i], bar, speed / 10, speed % 10);
    }
}

/* Each kernel needs weights in its own order, so the model is loaded for each; the chosen one comes back at the end,
   stopped or not. */
void bench_table(struct console *console)
{
    struct timing timings[KERNELS] = {{0}};
    bool going = console->loaded;
    if (!going) {
        say_error(console, "no model is loaded");
        return;
    }
    console->quiet_loading = true;
    for (uint32_t i = 0; i < KERNELS && going; i++) {
        if (!kernel_usable(kernel_at(i), &console->cpu)) {
            continue;
        }
        if (console->engine.model.kernel != kernel_at(i)) {
            models_close(console);
            going = models_open(console, kernel_at(i)) == 0;
        }
        going = going && time_kernel(console, &timings[i]);
    }
    if (!console->loaded || console->engine.model.kernel != console->kernel) {
        models_close(console);
        models_open(console, console->kernel);
    }
    console->quiet_loading = false;
    ticker_show(console, "");
    if (going) {
        draw_table(console, timings);
    } else {
        say(console, COLOUR_NOTE, "Stopped.\n");
    }
    story_forget(&console->engine);
    console->mark = 0;
}
