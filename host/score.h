/* Teacher forcing: the logits of every position of given sequences. */
#ifndef BOOTLLAMA_HOST_SCORE_H
#define BOOTLLAMA_HOST_SCORE_H

#include "infer/engine.h"

/*
 * tokens_path: int32 token ids, sequences of `context` each, all run from an empty cache. Writes to logits_path
 * float32 [sequences][context][vocabulary], native byte order. Returns the exit status; reports errors on standard
 * error.
 */
int score_run(struct engine *engine, const char *tokens_path, uint32_t context, const char *logits_path);

#endif
