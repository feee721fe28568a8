/*
 * build/host/bootllama: the core as a program of an operating system. On a terminal it runs the session of the boot
 * disk. Otherwise it writes the story, and nothing else, to standard output; exit status 0 = success, 1 = bad file or
 * model, 2 = wrong usage, 130 = interrupted.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "bench.h"
#include "explain.h"
#include "host_platform.h"
#include "infer/engine.h"
#include "infer/story.h"
#include "infer/team.h"
#include "options.h"
#include "processors.h"
#include "score.h"
#include "terminal.h"
#include "trip.h"
#include "pc/x87.h"

/* Whether anything written to standard output was lost; if so, reports it. */
static bool output_is_lost(void)
{
    if (fflush(stdout) != 0) {
        fprintf(stderr, "bootllama: standard output: %s\n", strerror(errno));
        return true;
    }
    if (ferror(stdout)) {
        fprintf(stderr, "bootllama: standard output: not all of it could be written\n");
        return true;
    }
    return false;
}

static void put(void *context, const char *utf8, size_t n)
{
    struct platform *platform = context;
    platform->put(platform, utf8, n);
}

static bool is_interrupted(void *context)
{
    struct platform *platform = context;
    return platform->get_key(platform) == KEY_CTRL_C;
}

static int tell_story(struct engine *engine, struct team *team, const struct options *options)
{
    const struct story story = {
        .prompt = options->config.prompt,
        .prompt_bytes = strlen(options->config.prompt),
        .sampling = options->config.sampling,
        .steps = options->config.steps,
        .ids = options->ids,
        .sink = {put, engine->platform},
        .stop = {is_interrupted, engine->platform},
    };
    struct error error;
    char seed[40] = "";
    team_begin(team, engine->model.kernel);
    const struct story_result result = story_tell(engine, &story, &error);
    team_end(team);
    if (result.end == STORY_FAILED) {
        fprintf(stderr, "bootllama: %s\n", error.text);
        return 1;
    }
    if (!options->ids) {
        putchar('\n');
    }
    if (output_is_lost()) {
        return 1;
    }
    if (options->config.seed_random) { /* shown so that the story can be repeated */
        snprintf(seed, sizeof seed, ", seed %llu", (unsigned long long)story.sampling.seed);
    }
    const uint32_t speed = story_speed_tenths(&result);
    fprintf(stderr, "[%u tokens, %u.%u tokens/s, %s%s]\n", result.tokens, speed / 10, speed % 10,
            engine->model.kernel->name, seed);
    return result.end == STORY_STOPPED ? EXIT_INTERRUPTED : 0;
}

static int run(struct platform *platform, const struct options *options, const struct cpu_features *cpu)
{
    static struct engine engine;
    struct error error;
    const struct load_progress quiet = {0};
    const struct kernel *kernel = options->kernel;
    if (kernel != NULL && !kernel_usable(kernel, cpu)) {
        fprintf(stderr, "bootllama: this processor (%s) cannot run the kernel %s\n", cpu->name, kernel->name);
        return 1;
    }
    const uint32_t context = options->bench                  ? GGUF_CONTEXT_MAX
                             : options->score_tokens != NULL ? options->score_context
                                                             : options->config.context;
    if (options->explain != NULL) {
        kernel = trip_kernel(kernel != NULL ? kernel : kernel_best(cpu));
    }
    if (engine_open(&engine, platform, options->model, kernel, context, &quiet, &error) != 0) {
        fprintf(stderr, "bootllama: %s\n", error.text);
        return 1;
    }
    if (options->explain != NULL) {
        const int failed = explain_run(&engine, options->explain, options->json);
        engine_close(&engine);
        return output_is_lost() ? 1 : failed;
    }
    const uint64_t load_us = bench_cpu_us();
    static struct team team;
    processors_set(options->config.processors);
    team_init(&team, platform);
    engine_share(&engine, &team, options->config.processors, (struct compute_stop){is_interrupted, platform});
    int status;
    if (options->bench) {
        status = bench_run(&engine, &team, load_us);
    } else if (options->score_tokens != NULL) {
        team_begin(&team, engine.model.kernel);
        status = score_run(&engine, options->score_tokens, options->score_context, options->score_logits);
        team_end(&team);
    } else {
        status = tell_story(&engine, &team, options);
    }
    engine_close(&engine);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = options_parse(argc, argv);
    struct platform platform;
    struct cpu_features cpu;
    x87_single_precision();
    host_platform(&platform);
    if (options.only_model && isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)) {
        return terminal_session(&platform, &options);
    }
    if (options.config.seed_random) { /* as short as in a session */
        options.config.sampling.seed = (uint32_t)platform.clock_seed(&platform);
    }
    cpu_detect(&cpu);
    return run(&platform, &options, &cpu);
}
