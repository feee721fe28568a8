/* Tokens whose text decides their type, whatever the file says. */
#ifndef BOOTLLAMA_CONTROL_H
#define BOOTLLAMA_CONTROL_H

#include "text/tokenizer.h"

/* Returns the type of the token text[0..n) if the file says `type`, enum gguf_token_type: llama.cpp treats tokens that
   end a turn or mark a fill-in gap as control tokens, and four of gpt-oss as user-defined ones
   (src/llama-vocab.cpp). */
uint8_t control_type(const uint8_t *text, size_t n, uint8_t type);

/* Fills tokenizer->end with what llama.cpp takes for the end of generation: the end-of-sequence token, those that the
   file's keys name, and those known by their text. Pieces are loaded. */
void control_find_ends(struct tokenizer *tokenizer, const struct gguf *gguf);

#endif
