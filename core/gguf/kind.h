/* The kind of vocabulary that a file names, and its pre-tokenizer. */
#ifndef BOOTLLAMA_GGUF_KIND_H
#define BOOTLLAMA_GGUF_KIND_H

#include "gguf/input.h"

/* Each stores what the value of its key means in *in->gguf; for a BPE vocabulary's pre-tokenizer the value is "" if the
   key is absent. Returns 0, or -1 with the error filled if it is not supported. */
int gguf_take_tokenizer(struct gguf_input *in, const char *key, const char *text);
int gguf_take_pre(struct gguf_input *in, const char *key, const char *text);

#endif
