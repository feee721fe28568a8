/*
 * The pre-tokenizers of byte-level BPE: a text is cut into words, and only within a word are pieces merged. llama.cpp
 * gives them as regular expressions, one after the other, each cutting what the ones before have left
 * (src/llama-vocab.cpp, src/unicode.cpp); here each expression is a scanner.
 */
#ifndef BOOTLLAMA_WORDS_H
#define BOOTLLAMA_WORDS_H

#include <stddef.h>
#include <stdint.h>

#include "gguf/pre.h"

typedef void words_take(void *context, const uint8_t *word, size_t n);

/* Hands the words of text[0..n) to `take`, in order, none of them empty; together they are the text. The text is UTF-8
   as words_clean leaves it. Time O(n). */
void words_cut(enum gguf_pre_rule rule, const uint8_t *text, size_t n, words_take *take, void *context);

enum { WORDS_GROWTH = 3 }; /* bytes that words_clean makes of one at most */

/* Copies text[0..n) to out [WORDS_GROWTH * n] as llama.cpp understands it, and returns the bytes written: each byte
   that begins no sequence of the right length becomes U+FFFD, sequences longer than need be become short, surrogates
   stay. */
size_t words_clean(const uint8_t *text, size_t n, uint8_t *out);

#endif
