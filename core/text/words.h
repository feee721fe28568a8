/*
 * The pre-tokenizers of byte-level BPE: a text is split into words, and pieces are merged only within a word. llama.cpp
 * states them as a sequence of regular expressions, each splitting the remains of the ones before (src/llama-vocab.cpp,
 * src/unicode.cpp); here each expression is a scanner.
 */
#ifndef BOOTLLAMA_WORDS_H
#define BOOTLLAMA_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "gguf/pre.h"

typedef void words_take(void *context, const uint8_t *word, size_t n);

/* Passes the words of text[0..n) to `take` in order; none is empty, and together they are the text. The text is UTF-8
   as words_clean leaves it. Time O(n). */
void words_cut(enum gguf_pre_rule rule, const uint8_t *text, size_t n, words_take *take, void *context);

enum { WORDS_GROWTH = 3 }; /* most bytes that words_clean makes of one */

/* Copies text[0..n) to out [WORDS_GROWTH * n] as llama.cpp understands it, and returns the bytes written: a byte that
   does not begin a sequence of the right length becomes U+FFFD, overlong sequences become shortest ones, surrogates
   stay. */
size_t words_clean(const uint8_t *text, size_t n, uint8_t *out);

#endif
