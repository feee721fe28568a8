/*
 * The vocabulary of a SentencePiece tokenizer, tokenizer.ggml.model = "llama": loaded, and looked up by piece.
 * encode.h makes tokens of text with it, decoder.h text of tokens.
 */
#ifndef BOOTLLAMA_TOKENIZER_H
#define BOOTLLAMA_TOKENIZER_H

#include "base/arena.h"
#include "base/error.h"
#include "gguf/gguf.h"

struct tokenizer {
    uint32_t vocabulary;
    const uint8_t *text;        /* all pieces end to end, as in the file; in the arena, as all below */
    const uint32_t *text_start; /* [vocabulary + 1] into text */
    const uint32_t *rank;       /* [vocabulary] the scores as integers >= 1 that compare alike, NaN the lowest */
    const uint8_t *type;        /* [vocabulary] enum gguf_token_type */
    const uint32_t *sorted;     /* [vocabulary] ids in the order of their pieces' bytes, equal pieces by id */
    /* Bytes of the longest piece that is found in a text as it is: of type GGUF_TOKEN_USER, or GGUF_TOKEN_CONTROL or
       GGUF_TOKEN_UNKNOWN up to TOKENIZER_USER_MAX bytes; 0 if none. */
    uint32_t marked_longest;
    /* What stands for a byte in no piece: "<0xXX>", else the byte itself as a piece, else `unknown`. */
    int32_t byte_token[256];
    int32_t bos, eos, unknown; /* or GGUF_NO_TOKEN */
    bool add_bos, add_space_prefix;
};

enum { TOKENIZER_USER_MAX = 256 }; /* bytes of a user-defined piece */

/* Bytes that tokenizer_load takes from its arena for this file, alignment (at most 4) included if the arena's next
   byte is aligned to 4. */
uint64_t tokenizer_memory(const struct gguf *gguf);

/* Loads the vocabulary of *gguf through *reader into *arena, which must outlive *tokenizer. Returns 0, or -1 with
   *error filled. */
int tokenizer_load(struct tokenizer *tokenizer, const struct gguf *gguf, struct reader *reader, struct arena *arena,
                   struct error *error);

/* The lowest id whose piece is exactly bytes[0..n), or GGUF_NO_TOKEN. Pieces are as in the file: U+2581 is no space. */
int32_t tokenizer_find(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t n);

/* The byte that a piece of the form "<0xXX>" names, or -1. */
int tokenizer_byte_name(const uint8_t *piece, size_t n);

#endif
