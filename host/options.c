#include "options.h"

#include "base/error.h"
#include "base/number.h"
#include "kernel/kernel.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] = /* %s: the kernels */
    "usage: bootllama MODEL.gguf [options]\n"
    "\n"
    "On a terminal and without options but --processors: the session that the boot disk has, with the models of that\n"
    "folder. Otherwise it tells one story:\n"
    "\n"
    "  --prompt TEXT          what the story begins with (default: nothing)\n"
    "  --steps N              tokens at most, prompt included (default 0: to the end of the context)\n"
    "  --temperature T        0 = always the most likely token (default 0.8)\n"
    "  --top-p P              draw from the tokens that make up this probability; 1 = off (default 0.9)\n"
    "  --top-k K              draw from the K most likely tokens; 0 = off (default)\n"
    "  --min-p P              draw from tokens of at least P times the highest probability; 0 = off (default)\n"
    "  --repeat-penalty R     divide the logits of recent tokens by R; 1 = off (default)\n"
    "  --seed N               seed of the random choice, or random (default: that of the story told at power-on)\n"
    "  --processors N         processors to use (default auto: as many as make it faster)\n"
    "  --kernel NAME          %s (default auto: the fastest here)\n"
    "  --ids                  print token ids, one a line, instead of text\n"
    "  --score TOKENS.i32 --context N --logits OUT.f32\n"
    "                         run sequences of N token ids, each from an empty cache; write the logits of all "
    "positions\n"
    "  --explain TEXT         what the model makes of a text: its tokens, each layer's norms and attention, and the\n"
    "                         likeliest next tokens; with --json for programs, with more numbers\n"
    "  --bench                measure what standard input asks for: host/bench.h; make bench makes tables of it\n"
    "  --kernels              list the kernels, slowest first, and whether this processor runs them\n"
    "  --help                 this text\n";

enum {
    OPTION_KERNEL = 256,
    OPTION_KERNELS,
    OPTION_IDS,
    OPTION_SCORE,
    OPTION_CONTEXT,
    OPTION_LOGITS,
    OPTION_BENCH,
    OPTION_EXPLAIN,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_SETTING,
    OPTION_PROCESSORS,
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
    {"processors", required_argument, NULL, OPTION_PROCESSORS},
    {"kernel", required_argument, NULL, OPTION_KERNEL},
    {"kernels", no_argument, NULL, OPTION_KERNELS},
    {"ids", no_argument, NULL, OPTION_IDS},
    {"score", required_argument, NULL, OPTION_SCORE},
    {"context", required_argument, NULL, OPTION_CONTEXT},
    {"logits", required_argument, NULL, OPTION_LOGITS},
    {"bench", no_argument, NULL, OPTION_BENCH},
    {"explain", required_argument, NULL, OPTION_EXPLAIN},
    {"json", no_argument, NULL, OPTION_JSON},
    {"help", no_argument, NULL, OPTION_HELP},
    {NULL, 0, NULL, 0},
};

_Noreturn static void usage_error(const char *message)
{
    fprintf(stderr, "bootllama: %s\nTry --help.\n", message);
    exit(EXIT_USAGE);
}

/* "auto, scalar, sse2 or avx2" of the whole table. Valid until the next call. */
static const char *kernel_names(void)
{
    static char names[200];
    size_t used = (size_t)snprintf(names, sizeof names, "auto");
    for (uint32_t i = 0; i < KERNELS && used < sizeof names; i++) {
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", i + 1 < KERNELS ? ", " : " or ",
                                 kernel_at(i)->name);
    }
    return names;
}

static const struct kernel *parse_kernel(const char *name)
{
    char message[300];
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (strcmp(name, kernel_at(i)->name) == 0) {
            return kernel_at(i);
        }
    }
    if (strcmp(name, "auto") != 0) {
        snprintf(message, sizeof message, "--kernel takes %s", kernel_names());
        usage_error(message);
    }
    return NULL;
}

/* Changes a setting by its option name: the configuration's key with '-' for '_'. */
static void set(struct options *options, const char *name, const char *value)
{
    char key[32];
    struct error error;
    snprintf(key, sizeof key, "%s", name);
    for (char *c = key; *c != 0; c++) {
        *c = *c == '-' ? '_' : *c;
    }
    if (strcmp(key, "prompt") == 0) { /* verbatim: the shell has already removed quotes */
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
    if (!number_parse_u64(text, strlen(text), &value) || value == 0 || value > 1 << 20) {
        usage_error("--context takes a number of tokens from 1 to 1048576");
    }
    return (uint32_t)value;
}

static void list_kernels(void)
{
    struct cpu_features cpu;
    cpu_detect(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) {
        printf("%s\t%s\n", kernel_at(i)->name, kernel_usable(kernel_at(i), &cpu) ? "yes" : "no");
    }
}

struct options options_parse(int argc, char **argv)
{
    struct options options = {.config = config_default(), .only_model = true};
    int index, c;
    while ((c = getopt_long(argc, argv, "", long_options, &index)) != -1) {
        options.only_model = options.only_model && c == OPTION_PROCESSORS;
        switch (c) {
        case OPTION_PROCESSORS:
        case OPTION_SETTING:
            set(&options, long_options[index].name, optarg);
            break;
        case OPTION_KERNEL:
            options.kernel = parse_kernel(optarg);
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
        case OPTION_EXPLAIN:
            options.explain = optarg;
            break;
        case OPTION_JSON:
            options.json = true;
            break;
        case OPTION_KERNELS:
            list_kernels();
            exit(0);
        case OPTION_HELP:
            fprintf(stderr, usage, kernel_names());
            exit(0);
        default:
            exit(EXIT_USAGE); /* getopt has reported why */
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
    if (options.json && options.explain == NULL) {
        usage_error("--json belongs to --explain");
    }
    return options;
}
