/* The session of the boot disk at a terminal of an operating system. */
#ifndef BOOTLLAMA_HOST_TERMINAL_H
#define BOOTLLAMA_HOST_TERMINAL_H

#include "options.h"

/*
 * Runs console_run on *platform, which host_platform has filled, at the terminal that is standard input and output: the
 * folder of options->model is its /MODELS, that file the model, Ctrl-D at the prompt leaves. The terminal's modes are
 * restored at the end, on signals too. Returns the exit status.
 */
int terminal_session(struct platform *platform, const struct options *options);

#endif
