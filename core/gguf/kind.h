/* The kind of vocabulary that a file names, and the way to cut its text. */
#ifndef BOOTLLAMA_GGUF_KIND_H
#define BOOTLLAMA_GGUF_KIND_H

#include "gguf/input.h"

/* Each takes what the key of that name says into *in->gguf: a BPE vocabulary's pre-tokenizer, "" if the key is absent.
   Returns 0, or -1 with the error filled if it is not supported. */
int gguf_take_tokenizer(struct gguf_input *in, const char *key, const char *text);
int gguf_take_pre(struct gguf_input *in, const char *key, const char *text);

#endif
