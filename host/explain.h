/* bootllama --explain: one token's trip through the model, for people and, as JSON, for programs. */
#ifndef BOOTLLAMA_HOST_EXPLAIN_H
#define BOOTLLAMA_HOST_EXPLAIN_H

#include "infer/engine.h"

/* Explains what follows `text` on standard output; the engine as for trip_take. Returns the exit status; reports an
   error on standard error. */
int explain_run(struct engine *engine, const char *text, bool json);

#endif
