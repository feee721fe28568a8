/* The command line of the host program. */
#ifndef BOOTLLAMA_HOST_OPTIONS_H
#define BOOTLLAMA_HOST_OPTIONS_H

#include "kernel/kernel.h"
#include "session/config.h"

enum { EXIT_INTERRUPTED = 130, EXIT_USAGE = 2 };

struct options {
    const char *model;                       /* path */
    const struct kernel *kernel;             /* NULL = the one that wins a race (infer/race.h) */
    const char *score_tokens, *score_logits; /* paths; NULL, or all three of --score are given */
    uint32_t score_context;
    const char *explain; /* text; NULL = no explanation */
    bool ids, bench, json;
    bool only_model; /* only the model and --processors: a session if there is a terminal */
    struct config config;
};

/* Parses argv. Exits with the usage or an error message if the arguments call for it. Strings point into argv. */
struct options options_parse(int argc, char **argv);

#endif
