/* The key-value pairs of a GGUF file. */
#ifndef BOOTLLAMA_GGUF_KEYS_H
#define BOOTLLAMA_GGUF_KEYS_H

#include "gguf/split.h"

/* Reads `count` key-value pairs of a file, or of the first part of a split one, and checks them. Fills *split,
   in->alignment and all of *in->gguf except tensors, parameters and bytes. Returns 0, or -1 with the error filled. */
int gguf_read_keys(struct gguf_input *in, uint64_t count, struct gguf_split *split);

#endif
