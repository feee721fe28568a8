/*
 * The loaded vocabulary of a tokenizer, with lookup by piece: SentencePiece, tokenizer.ggml.model = "llama", or
 * byte-level BPE, "gpt2". encode.h turns text into tokens with it, decoder.h tokens into text.
 */
#ifndef BOOTLLAMA_TOKENIZER_H
#define BOOTLLAMA_TOKENIZER_H

#include "base/arena.h"
#include "base/error.h"
#include "gguf/gguf.h"

enum {
    TOKENIZER_USER_MAX = 256, /* bytes of a user-defined piece */
    TOKENIZER_BITMAP = 8,     /* 32-bit words, one bit for each value of a byte */
    TOKENIZER_ENDS_MAX = 32,
};

struct tokenizer {
    uint32_t vocabulary;
    enum gguf_tokenizer kind;
    /* All pieces end to end, as in the file; with BPE, the pieces that text merges into as the bytes that they stand
       for. In the arena, like all below. */
    const uint8_t *text;
    const uint32_t *text_start; /* [vocabulary + 1] into text */
    const uint8_t *type;        /* [vocabulary] enum gguf_token_type */
    uint32_t longest;           /* bytes of the longest piece */
    /* [slot_count] a hash table of pieces, slots in a row: the id + 1, and the hash's upper bits above it; 0 = free */
    const uint32_t *slots;
    uint32_t slot_count;
    const uint32_t
        *rank; /* SentencePiece: [vocabulary] the scores as integers >= 1 that compare alike, NaN the lowest */
    /* BPE: the merges that produce a piece form a linked list: the number of its first merge, and for each merge the
       next one's, NONE at the end. Lower numbers merge first. */
    const uint32_t *first_merge; /* [vocabulary] */
    const uint32_t *next_merge;  /* [merges] */
    const uint16_t *split;       /* [merges] bytes of the left part */
    uint32_t merges;
    struct gguf_pre pre; /* BPE */
    /* Marked pieces, which are found in a text verbatim: of type GGUF_TOKEN_USER, or GGUF_TOKEN_CONTROL or
       GGUF_TOKEN_UNKNOWN up to TOKENIZER_USER_MAX bytes. Bytes of the longest, 0 if none, and their first bytes. */
    uint32_t marked_longest;
    uint32_t marked_first[TOKENIZER_BITMAP];
    /* The token for a byte in no piece: "<0xXX>", else the byte itself as a piece, else `unknown`; with BPE only the
       byte itself. */
    int32_t byte_token[256];
    int32_t bos, eos, unknown; /* or GGUF_NO_TOKEN */
    bool add_bos, add_space_prefix;
    int32_t end[TOKENIZER_ENDS_MAX]; /* [end_count] the tokens that end what a model generates */
    uint32_t end_count;
};

/* Bytes that tokenizer_load takes from its arena for this file, including alignment (at most 4) if the arena's next
   byte is aligned to 4. */
uint64_t tokenizer_memory(const struct gguf *gguf);

/* Loads the vocabulary of *gguf through *reader into *arena, which must outlive *tokenizer. Returns 0, or -1 with
   *error filled. Time O(bytes of the file), however hostile it is. */
int tokenizer_load(struct tokenizer *tokenizer, const struct gguf *gguf, struct reader *reader, struct arena *arena,
                   struct error *error);

/* Returns the lowest id with exactly the piece bytes[0..n), unmarked ones first, or GGUF_NO_TOKEN. Pieces are as in
   `text`: U+2581 is not a space. */
int32_t tokenizer_find(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t n);

/* Whether the token is a control, unknown or user-defined one, which is not made of letters. */
bool tokenizer_is_marked(const struct tokenizer *tokenizer, int32_t id);

/* Whether the token ends what a model generates, as llama.cpp's llama_vocab_is_eog. */
bool tokenizer_is_end(const struct tokenizer *tokenizer, int32_t id);

/* Returns the bytes of the longest marked piece at the start of bytes[0..n) with a type in `types`, a set of 1 << enum
   gguf_token_type, and its *id; 0 if there is none. */
uint32_t tokenizer_find_marked(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t n, uint32_t types,
                               int32_t *id);

/* Returns the priority of merging two neighbours into the piece `id`, if the left one has `left` bytes: higher merges
   first; 0 = never. */
uint32_t tokenizer_merge_rank(const struct tokenizer *tokenizer, int32_t id, uint32_t left);

/* The byte that a piece of the form "<0xXX>" names, or -1. */
int tokenizer_byte_name(const uint8_t *piece, size_t n);

#endif
