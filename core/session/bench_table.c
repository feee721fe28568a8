#include "session/bench_table.h"

#include "base/format.h"
#include "base/number.h"
#include "infer/story.h"
#include "session/figure.h"

enum { TOKENS = 128, LIMIT_US = 10000000, PERIOD_US = 100000, BAR_CELLS = 32 };

struct timing {
    uint64_t microseconds;
    uint32_t tokens; /* 0 = not measured */
};

/* Runs the greedy story for TOKENS tokens or ten seconds at most. Returns false if stopped. */
static bool time_kernel(struct output *output, struct models *models, struct timing *timing)
{
    struct engine *engine = &models->engine;
    struct platform *platform = models->platform;
    const struct sampler_settings greedy = {.repeat_penalty = 1.0f};
    const uint32_t most = engine->context < TOKENS ? engine->context : TOKENS;
    int32_t token = engine->tokenizer.bos != GGUF_NO_TOKEN ? engine->tokenizer.bos : 0;
    char text[OUTPUT_TICKER_MAX];
    engine_rewind(engine, 0);
    sampler_begin(&engine->sampler, &greedy);
    compute_ask(&engine->compute, models_stop(models));
    team_begin(&models->team, engine->model.kernel);
    uint64_t start = platform->microseconds(platform), shown_at = start - PERIOD_US;
    while (timing->tokens < most && timing->microseconds < LIMIT_US && token >= 0) {
        compute_begin(&engine->compute);
        float *logits = transformer_run(&engine->transformer, &token, 1, timing->tokens, true);
        token = logits != NULL ? sampler_next(&engine->sampler, logits) : SAMPLER_NOT_FINITE;
        compute_end(&engine->compute);
        if (logits == NULL) {
            break;
        }
        const uint64_t now = platform->microseconds(platform);
        timing->tokens++;
        timing->microseconds = now - start;
        if (now - shown_at >= PERIOD_US) {
            format(text, sizeof text, "Measuring %s: %3u %%; Esc stops", engine->model.kernel->name,
                   figure_share(timing->tokens, most, 100));
            output_ticker(output, text);
            shown_at = platform->microseconds(platform);
            start += shown_at - now; /* time spent on a slow console does not count */
        }
    }
    team_end(&models->team);
    return !engine->compute.stopped;
}

/* Draws the times as bars: shorter is better, and the slowest kernel's bar is full. */
static void draw_table(struct output *output, const struct models *models, const struct timing timings[KERNELS])
{
    uint64_t longest = 1, time[KERNELS];
    uint32_t fewest = TOKENS;
    char bar[BAR_CELLS + 1];
    for (uint32_t i = 0; i < KERNELS; i++) {
        time[i] = timings[i].tokens > 0 ? timings[i].microseconds / timings[i].tokens : 0;
        longest = time[i] > longest ? time[i] : longest;
        fewest = timings[i].tokens > 0 ? number_min(fewest, timings[i].tokens) : fewest;
    }
    output_say(output, COLOUR_TEXT, "Time for a token, %u in a row; * marks the kernel in use\n", fewest);
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (timings[i].tokens == 0) {
            if (kernel_usable(kernel_at(i), &models->cpu)) {
                output_say(output, COLOUR_TEXT, "  %-11s needs more memory than there is\n", kernel_at(i)->name);
            }
            continue;
        }
        const uint32_t cells = figure_share(time[i], longest, BAR_CELLS);
        const uint32_t speed = number_rate_tenths((uint64_t)timings[i].tokens * 1000000u, timings[i].microseconds);
        figure_bar(bar, BAR_CELLS, cells > 0 ? cells : 1, ' ');
        output_say(output, COLOUR_TEXT, "%c %-11s %8u us  %s %7u.%u tokens/s\n",
                   kernel_at(i) == models->kernel ? '*' : ' ', kernel_at(i)->name, (uint32_t)time[i], bar, speed / 10,
                   speed % 10);
    }
}

/* Each kernel has its own layout of weights, so the model is loaded for each; at the end, stopped or not, it is loaded
   again for the chosen one, unless the drive has gone. */
void bench_table(struct output *output, struct models *models)
{
    struct timing timings[KERNELS] = {{0}};
    bool going = models->loaded;
    if (!going) {
        output_error(output, "no model is loaded");
        return;
    }
    for (uint32_t i = 0; i < KERNELS && going; i++) {
        if (!kernel_usable(kernel_at(i), &models->cpu)) {
            continue;
        }
        const bool loaded = models->engine.model.kernel == kernel_at(i);
        if (loaded || models_fits(models, kernel_at(i))) {
            going = (loaded || models_reopen(models, kernel_at(i)) == 0) && time_kernel(output, models, &timings[i]);
        }
    }
    if (!models->gone && (!models->loaded || models->engine.model.kernel != models->kernel)) {
        models_reopen(models, models->kernel);
    }
    output_ticker(output, "");
    if (going) {
        draw_table(output, models, timings);
    } else {
        output_say(output, COLOUR_NOTE, "Stopped.\n");
    }
    engine_rewind(&models->engine, 0);
}
