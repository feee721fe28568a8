/*
 * Text to tokens, as in llama.cpp (src/llama-vocab.cpp). SentencePiece: a space is U+2581, text gets a dummy
 * prefix space, characters are merged by best score, leftmost first; characters without a piece fall back to byte
 * tokens. Byte-level BPE: the text is split into words (words.h), and within each the bytes are merged by rank,
 * leftmost first.
 */
#ifndef BOOTLLAMA_ENCODE_H
#define BOOTLLAMA_ENCODE_H

#include "text/tokenizer.h"

enum { ENCODE_TEXT_MAX = 16 << 20 }; /* bytes of a text */

/* Bytes of scratch memory that encode_text needs for n <= ENCODE_TEXT_MAX bytes of text: 43 (n + 1), for BPE 115 (n +
   1), because an ill-formed byte becomes the three bytes of U+FFFD. */
size_t encode_scratch(enum gguf_tokenizer kind, size_t n);

/*
 * Encodes n bytes of text into ids[0..capacity), BOS first where add_bos is set. `text` may hold any bytes; empty text
 * gives only BOS (and no dummy prefix). User-defined pieces in the text become their tokens first, the longest ones
 * before shorter ones; control tokens written out as text stay text. A byte without a token is dropped. scratch:
 * encode_scratch(n) bytes, aligned to 8, any contents. Returns the number of ids, or -1 if they exceed capacity or n
 * ENCODE_TEXT_MAX. Time O(n log n) look-ups.
 */
int32_t encode_text(const struct tokenizer *tokenizer, const char *text, size_t n, int32_t *ids, uint32_t capacity,
                    void *scratch);

/*
 * As encode_text, but control and unknown tokens written in the text become tokens too, as in llama.cpp for a chat's
 * prompt. The exception is the user's own text, text[plain_start..plain_end): no such token lies in it or reaches into
 * it. `before` is the token before the text, after which a SentencePiece text gets a dummy prefix space only if it is a
 * marked one; GGUF_NO_TOKEN: the text is the first, and BOS comes before it if add_bos is set.
 */
int32_t encode_marked(const struct tokenizer *tokenizer, const char *text, size_t n, size_t plain_start,
                      size_t plain_end, int32_t before, int32_t *ids, uint32_t capacity, void *scratch);

#endif
