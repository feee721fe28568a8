/*
 * build/host/bootllama: the core as a program of an operating system. On a terminal it is the session of the boot disk.
 * Else the story goes to standard output and nothing else does; exit status 0 = told, 1 = a file or model is at fault,
 * 2 = wrong usage, 130 = interrupted.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "bench.h"
#include "host_platform.h"
#include "infer/engine.h"
#include "infer/story.h"
#include "infer/team.h"
#include "options.h"
#include "processors.h"
#include "score.h"
#include "session/keys.h"
#include "terminal.h"
#include "pc/x87.h"

static const struct kernel *choose_kernel(const char *name, const struct cpu_features *cpu)
{
    if (strcmp(name, "auto") == 0) {
        return kernel_best(cpu);
    }
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (strcmp(name, kernel_at(i)->name) == 0) {
            if (!kernel_usable(kernel_at(i), cpu)) {
                fprintf(stderr, "bootllama: this processor (%s) cannot run the kernel %s\n", cpu->name, name);
                exit(1);
            }
            return kernel_at(i);
        }
    }
    usage_error("--kernel takes auto, scalar, sse2, avx2, avxvnni or avx512vnni");
}

/* Whether anything written to standard output did not arrive; then says so. */
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

static int tell(struct engine *engine, struct team *team, const struct options *options)
{
    static struct keys keys;
    const struct story story = {
        .prompt = options->config.prompt,
        .prompt_bytes = strlen(options->config.prompt),
        .sampling = options->config.sampling,
        .steps = options->config.steps,
        .keys = &keys,
        .ids = options->ids,
    };
    struct error error;
    char seed[40] = "";
    keys_begin(&keys, engine->platform);
    team_begin(team);
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
    if (options->config.seed_random) { /* told, so that the story can be had again */
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
    const struct kernel *kernel = choose_kernel(options->kernel, cpu);
    if (options->bench) {
        const int failed = bench_run(&engine, platform, options->model, cpu);
        return output_is_lost() ? 1 : failed;
    }
    if (engine_open(&engine, platform, options->model, kernel, &quiet, &error) != 0) {
        fprintf(stderr, "bootllama: %s\n", error.text);
        return 1;
    }
    static struct team team;
    host_set_processors(options->config.processors);
    team_init(&team, platform);
    engine_share(&engine, &team, options->config.processors);
    int status;
    if (options->score_tokens != NULL) {
        team_begin(&team);
        status = score_run(&engine, options->score_tokens, options->score_context, options->score_logits);
        team_end(&team);
    } else {
        status = tell(&engine, &team, options);
    }
    engine_close(&engine);
    return status;
}

int main(int argc, char **argv)
{
    struct options options = parse_options(argc, argv);
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
