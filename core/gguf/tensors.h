/* The tensor descriptions of a GGUF file. */
#ifndef BOOTLLAMA_GGUF_TENSORS_H
#define BOOTLLAMA_GGUF_TENSORS_H

#include "gguf/input.h"

/* Makes all tensors absent. Needs the hyper-parameters. */
void gguf_begin_tensors(struct gguf *gguf);

/* Reads the `count` tensor descriptions that follow the keys of the part at the reader's position. Fills these tensors
   of *in->gguf and adds to its parameters. Returns 0, or -1 with the error filled. */
int gguf_read_tensors(struct gguf_input *in, uint64_t count);

/* Checks that no tensor is missing. Returns 0, or -1 with the error filled. */
int gguf_check_tensors(struct gguf_input *in);

#endif
