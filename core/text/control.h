/* Tokens whose text says what they are, whatever type the file gives them. */
#ifndef BOOTLLAMA_CONTROL_H
#define BOOTLLAMA_CONTROL_H

#include <stddef.h>
#include <stdint.h>

/* The type that a token of text[0..n) has where the file says `type`, enum gguf_token_type: llama.cpp takes tokens that
   end a turn or mark a gap to fill in for control tokens, and four of gpt-oss for user-defined ones
   (src/llama-vocab.cpp). */
uint8_t control_type(const uint8_t *text, size_t n, uint8_t type);

#endif
