/*
 * Text to tokens, as llama.cpp does it (src/llama-vocab.cpp). SentencePiece: a space is U+2581, text gets a dummy
 * prefix space, characters are merged by best score, leftmost first; what is in no piece falls back to byte tokens.
 * Byte-level BPE: the text is cut into words (words.h), and in each the bytes are merged by rank, leftmost first.
 */
#ifndef BOOTLLAMA_ENCODE_H
#define BOOTLLAMA_ENCODE_H

#include "text/tokenizer.h"

enum { ENCODE_TEXT_MAX = 16 << 20 }; /* bytes of a text */

/* Bytes of scratch memory that encode_text needs for n <= ENCODE_TEXT_MAX bytes of text: 43 (n + 1), of BPE 115 (n +
   1), since a byte that is no text becomes the three of U+FFFD. */
size_t encode_scratch(enum gguf_tokenizer kind, size_t n);

/*
 * Encodes n bytes of text into ids[0..capacity), BOS first where add_bos is set. `text` may hold any bytes; empty
 * text gives BOS alone (and no dummy prefix). User-defined pieces in the text become their tokens first, the longest
 * ones before shorter ones; control tokens written out as text stay text. A byte without a token is dropped.
 * scratch: encode_scratch(n) bytes, aligned to 8, content free.
 * Returns the number of ids, or -1 if they exceed capacity or n ENCODE_TEXT_MAX. Time O(n log n) look-ups.
 */
int32_t encode_text(const struct tokenizer *tokenizer, const char *text, size_t n, int32_t *ids, uint32_t capacity,
                    void *scratch);

/*
 * As encode_text, but control and unknown tokens written in the text become tokens too, as llama.cpp does it for a
 * chat's prompt; not in text[plain_start..plain_end), which the user has typed, nor where one reaches into it. BOS is
 * first only where `begin` and add_bos are set.
 */
int32_t encode_marked(const struct tokenizer *tokenizer, const char *text, size_t n, size_t plain_start,
                      size_t plain_end, bool begin, int32_t *ids, uint32_t capacity, void *scratch);

#endif
