/* The boot disk's session on a terminal of an operating system. */
#ifndef BOOTLLAMA_HOST_TERMINAL_H
#define BOOTLLAMA_HOST_TERMINAL_H

#include "options.h"

/*
 * Runs console_run on *platform, which host_platform has filled, on the terminal of standard input and output. The
 * folder of options->model is its /MODELS, that file is the model, and Ctrl-D at the prompt leaves. Restores the
 * terminal's modes at the end and on signals. Returns the exit status.
 */
int terminal_session(struct platform *platform, const struct options *options);

#endif
