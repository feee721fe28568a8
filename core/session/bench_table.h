/* /bench: a table of the time that each kernel takes for a token. */
#ifndef BOOTLLAMA_BENCH_TABLE_H
#define BOOTLLAMA_BENCH_TABLE_H

#include "session/models.h"
#include "session/output.h"

/* Times the loaded model on every kernel that the processor can run, and draws the result; says for which one there is
   too little memory. Afterwards the chosen kernel is in use again and the context is empty. */
void bench_table(struct output *output, struct models *models);

#endif
