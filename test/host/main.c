/*
 * build/host/bootllama: the core as a program of an operating system. The story goes to standard output and nothing else
 * does; exit status 0 = told, 1 = a file or model is at fault, 2 = wrong usage, 130 = interrupted.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "engine.h"
#include "host_platform.h"
#include "score.h"
#include "story.h"
#include "x87.h"

enum { EXIT_INTERRUPTED = 130, EXIT_USAGE = 2 };

static const char usage[] =
    "usage: bootllama MODEL.gguf [options]\n"
    "\n"
    "  --prompt TEXT          what the story begins with (default: nothing)\n"
    "  --steps N              tokens at most, prompt included (default 0: to the end of the context)\n"
    "  --temperature T        0 = always the most likely token (default 0.8)\n"
    "  --top-p P              draw from the tokens that make up this probability; 1 = off (default 0.9)\n"
    "  --top-k K              draw from the K most likely tokens; 0 = off (default)\n"
    "  --min-p P              draw from tokens of at least P times the highest probability; 0 = off (default)\n"
    "  --repeat-penalty R     divide the logits of recent tokens by R; 1 = off (default)\n"
    "  --seed N               start of the random numbers (default: the story told at power-on)\n"
    "  --kernel NAME          auto, scalar, sse2, avx2 or avx512vnni (default auto: the fastest there is)\n"
    "  --ids                  print token ids, one a line, instead of text\n"
    "  --score TOKENS.i32 --context N --logits OUT.f32\n"
    "                         run sequences of N token ids, each from an empty cache; write the logits of all "
    "positions\n"
    "  --bench                measure every kernel that this processor has\n"
    "  --help                 this text\n";

struct options {
    const char *model, *kernel;
    const char *score_tokens, *score_logits;
    uint32_t score_context;
    bool ids, bench;
    struct config config;
};

enum {
    OPTION_KERNEL = 256,
    OPTION_IDS,
    OPTION_SCORE,
    OPTION_CONTEXT,
    OPTION_LOGITS,
    OPTION_BENCH,
    OPTION_HELP,
    OPTION_SETTING
};

static const struct option long_options[] = {
    {"prompt", required_argument, NULL, OPTION_SETTING},
    {"steps", required_argument, NULL, OPTION_SETTING},
    {"temperature", required_argument, NULL, OPTION_SETTING},
    {"top-p", required_argument, NULL, OPTION_SETTING},
    {"top-k", required_argument, NULL, OPTION_SETTING},
    {"min-p", required_argument, NULL, OPTION_SETTING},
    {"repeat-penalty", required_argument, NULL, OPTION_SETTING},
    {"seed", required_argument, NULL, OPTION_SETTING},
    {"kernel", required_argument, NULL, OPTION_KERNEL},
    {"ids", no_argument, NULL, OPTION_IDS},
    {"score", required_argument, NULL, OPTION_SCORE},
    {"context", required_argument, NULL, OPTION_CONTEXT},
    {"logits", required_argument, NULL, OPTION_LOGITS},
    {"bench", no_argument, NULL, OPTION_BENCH},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

static void usage_error(const char *message)
{
    fprintf(stderr, "bootllama: %s\nTry --help.\n", message);
    exit(EXIT_USAGE);
}

/* Sets a setting by its option name: the configuration's key with '-' for '_'. */
static void set(struct options *options, const char *name, const char *value)
{
    char key[32];
    struct error error;
    snprintf(key, sizeof key, "%s", name);
    for (char *c = key; *c != 0; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    if (strcmp(key, "prompt") == 0) { /* taken as it is: no quotes to strip from an argument */
        if (strlen(value) >= sizeof options->config.prompt) {
            usage_error("--prompt is too long");
        }
        strcpy(options->config.prompt, value);
    } else if (config_set(&options->config, key, strlen(key), value, strlen(value), &error) != 0) {
        usage_error(error.text);
    }
}

static uint32_t parse_context(const char *text)
{
    uint64_t value;
    if (!parse_u64(text, strlen(text), &value) || value == 0 || value > 1 << 20) {
        usage_error("--context takes a number of tokens from 1 to 1048576");
    }
    return (uint32_t)value;
}

static struct options parse_options(int argc, char **argv)
{
    struct options options = {.kernel = "auto", .config = config_default()};
    int index, c;
    while ((c = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        switch (c) {
        case OPTION_SETTING:
            set(&options, long_options[index].name, optarg);
            break;
        case OPTION_KERNEL:
            options.kernel = optarg;
            break;
        case OPTION_IDS:
            options.ids = true;
            break;
        case OPTION_SCORE:
            options.score_tokens = optarg;
            break;
        case OPTION_CONTEXT:
            options.score_context = parse_context(optarg);
            break;
        case OPTION_LOGITS:
            options.score_logits = optarg;
            break;
        case OPTION_BENCH:
            options.bench = true;
            break;
        case OPTION_HELP:
            fputs(usage, stderr);
            exit(0);
        default:
            exit(EXIT_USAGE); /* getopt has said why */
        }
    }
    if (optind + 1 != argc) {
        usage_error(optind == argc ? "no model named" : "more than one model named");
    }
    options.model = argv[optind];
    const int given = (options.score_tokens != NULL) + (options.score_context != 0) + (options.score_logits != NULL);
    if (given != 0 && given != 3) {
        usage_error("--score, --context and --logits belong together");
    }
    return options;
}

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
    usage_error("--kernel takes auto, scalar, sse2, avx2 or avx512vnni");
    return NULL;
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

static int tell(struct engine *engine, const struct options *options)
{
    static struct keys keys;
    const struct story story = {
        .prompt = options->config.prompt,
        .prompt_bytes = strlen(options->config.prompt),
        .sampling = options->config.sampling,
        .steps = options->config.steps,
        .ids = options->ids,
        .keys = &keys,
    };
    struct error error;
    keys_begin(&keys, engine->platform);
    const struct story_result result = story_tell(engine, &story, &error);
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
    const uint32_t speed = story_speed_tenths(&result);
    fprintf(stderr, "[%u tokens, %u.%u tokens/s, %s]\n", result.tokens, speed / 10, speed % 10,
            engine->model.kernel->name);
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
    int status;
    if (options->score_tokens != NULL) {
        status = score_run(&engine, options->score_tokens, options->score_context, options->score_logits);
    } else {
        status = tell(&engine, options);
    }
    engine_close(&engine);
    return status;
}

int main(int argc, char **argv)
{
    const struct options options = parse_options(argc, argv);
    struct platform platform;
    struct cpu_features cpu;
    x87_single_precision();
    host_platform(&platform);
    cpu_detect(&cpu);
    return run(&platform, &options, &cpu);
}
