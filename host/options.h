/* The command line of the host program. */
#ifndef BOOTLLAMA_HOST_OPTIONS_H
#define BOOTLLAMA_HOST_OPTIONS_H

#include "session/config.h"

enum { EXIT_INTERRUPTED = 130, EXIT_USAGE = 2 };

struct options {
    const char *model, *kernel;
    const char *score_tokens, *score_logits; /* NULL, or all three are given */
    uint32_t score_context;
    bool ids, bench;
    bool only_model; /* no option that asks for one story */
    struct config config;
};

/* What --kernel takes, for a person. */
extern const char options_kernels[];

/* Ends the program with its usage, a list, or an error message where the
   arguments ask for it. Strings stay argv's. */
struct options parse_options(int argc, char **argv);

/* Says what is wrong with the arguments on standard error and ends the program. */
_Noreturn void usage_error(const char *message);

#endif
