/* The key-value pairs of a GGUF file. */
#ifndef BOOTLLAMA_GGUF_KEYS_H
#define BOOTLLAMA_GGUF_KEYS_H

#include "gguf/input.h"

/* Reads `count` key-value pairs and checks them. Fills in->alignment and all of *in->gguf except tensors and
   parameters. Returns 0, or -1 with the error filled. */
int gguf_read_keys(struct gguf_input *in, uint64_t count);

#endif
