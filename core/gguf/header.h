/* Reading the header of a GGUF file. */
#ifndef BOOTLLAMA_GGUF_HEADER_H
#define BOOTLLAMA_GGUF_HEADER_H

#include "gguf/gguf.h"

/*
 * Reads the header of the file under *reader from its start, and those of the other parts if it is the first one of a
 * split model. Fills *gguf and leaves the reader at the start of the (first) file. Returns 0, or -1 with *error filled:
 * one line that names the file, the key or tensor, and what is wrong ("/MODELS/A.GGUF: blk.3.ffn_up.weight: ...").
 */
int gguf_read(struct gguf *gguf, struct reader *reader, struct error *error);

#endif
