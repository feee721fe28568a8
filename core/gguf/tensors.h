/* The tensor descriptions of a GGUF file. */
#ifndef BOOTLLAMA_GGUF_TENSORS_H
#define BOOTLLAMA_GGUF_TENSORS_H

#include "gguf/input.h"

/* Reads the `count` tensor descriptions that follow the keys. Fills the tensors and parameters of *in->gguf. Returns 0,
   or -1 with the error filled. */
int gguf_read_tensors(struct gguf_input *in, uint64_t count);

#endif
