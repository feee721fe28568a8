/* Tokens whose text decides their type, whatever the file says. */
#ifndef BOOTLLAMA_CONTROL_H
#define BOOTLLAMA_CONTROL_H

#include "gguf/gguf.h"

/* Returns the type of the token text[0..n) if the file says `type`, enum gguf_token_type: llama.cpp treats tokens that
   end a turn or mark a fill-in gap as control tokens, and four of gpt-oss as user-defined ones
   (src/llama-vocab.cpp). */
uint8_t control_type(const uint8_t *text, size_t n, uint8_t type);

/* What a control token ends, besides the numbers of enum gguf_end. */
enum { CONTROL_ENDS_ALL = GGUF_ENDS, CONTROL_ENDS_NOTHING };

/* Returns the text of control token number `index` and what it ends; NULL past the last one. */
const char *control_text(uint32_t index, uint8_t *ends);

#endif
