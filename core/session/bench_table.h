/* /bench: how long every kernel takes for a token, as a table with bars. */
#ifndef BOOTLLAMA_BENCH_TABLE_H
#define BOOTLLAMA_BENCH_TABLE_H

#include "session/models.h"
#include "session/output.h"

/* Times every kernel that the processor can run with the model that is loaded, and draws the result. The chosen kernel
   computes again afterwards; the context is empty. */
void bench_table(struct output *output, struct models *models);

#endif
