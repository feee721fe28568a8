/*
 * SentencePiece tokenizer as llama.cpp runs it for tokenizer.ggml.model = "llama" (src/llama-vocab.cpp, SPM):
 * a space is U+2581, text gets a dummy prefix space, characters are merged by best score, leftmost first,
 * what is in no piece falls back to byte tokens. tokenizer.c loads, encode.c and decoder.c do the rest.
 */
#ifndef BOOTLLAMA_TOKENIZER_H
#define BOOTLLAMA_TOKENIZER_H

#include "base/arena.h"
#include "base/error.h"
#include "base/utf8.h"
#include "gguf/gguf.h"

struct tokenizer {
    uint32_t vocabulary;
    const uint8_t *text;        /* all pieces end to end, as in the file; in the arena, as all below */
    const uint32_t *text_start; /* [vocabulary + 1] into text */
    const uint32_t *rank;       /* [vocabulary] the scores as integers >= 1 that compare alike, NaN the lowest */
    const uint8_t *type;        /* [vocabulary] enum gguf_token_type */
    const uint32_t *sorted;     /* [vocabulary] ids in the order of their pieces' bytes, equal pieces by id */
    uint32_t marked_longest; /* bytes of the longest piece that is found in a text as it is: of type GGUF_TOKEN_USER, or
                                   GGUF_TOKEN_CONTROL or GGUF_TOKEN_UNKNOWN up to TOKENIZER_USER_MAX bytes; 0 if none */
    int32_t byte_token[256]; /* what stands for a byte in no piece: "<0xXX>", else the byte itself as a piece,
                                   else `unknown` */
    int32_t bos, eos, unknown; /* or GGUF_NO_TOKEN */
    bool add_bos, add_space_prefix;
};

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

enum { TOKENIZER_TEXT_MAX = 16 << 20, TOKENIZER_USER_MAX = 256 }; /* bytes: of a text; of a user-defined piece */

/* Bytes of scratch memory that tokenizer_encode needs for n <= TOKENIZER_TEXT_MAX bytes of text: 43 (n + 1). */
size_t tokenizer_scratch(size_t n);

/*
 * Encodes n bytes of text into ids[0..capacity), BOS first where add_bos is set. `text` may hold any bytes; empty
 * text gives BOS alone (and no dummy prefix). User-defined pieces in the text become their tokens first, the longest
 * ones before shorter ones; control tokens written out as text stay text. A byte without a token is dropped.
 * scratch: tokenizer_scratch(n) bytes, aligned to 8, content free.
 * Returns the number of ids, or -1 if they exceed capacity or n TOKENIZER_TEXT_MAX. Time O(n log n) look-ups.
 */
int32_t tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t n, int32_t *ids, uint32_t capacity,
                         void *scratch);

/*
 * As tokenizer_encode, but control and unknown tokens written in the text become tokens too, as llama.cpp does it for a
 * chat's prompt; not in text[plain_start..plain_end), which the user has typed, nor where one reaches into it. BOS is
 * first only where `begin` and add_bos are set.
 */
int32_t tokenizer_encode_turn(const struct tokenizer *tokenizer, const char *text, size_t n, size_t plain_start,
                              size_t plain_end, bool begin, int32_t *ids, uint32_t capacity, void *scratch);

/* Streaming decoding: bytes of one token at a time in, whole UTF-8 sequences out. */
struct decoder {
    struct utf8_stream stream; /* the start of a sequence that is not complete */
    bool at_start;             /* the dummy prefix space is still to be dropped */
};

enum { DECODER_OUT_MAX = 3 * (GGUF_PIECE_MAX + 4) + 1 }; /* bytes that one decoder_push can write at most */

/* at_start: whether the text begins here, so that one leading space is dropped (where add_space_prefix is set). */
void decoder_begin(struct decoder *decoder, bool at_start);

/* Text of token `id`: control, unknown and unused tokens and ids out of range give nothing. Ill-formed bytes become
   U+FFFD by the Unicode standard's maximal-subpart practice (ch. 3.9). Writes at most `size` bytes (cut at a whole
   sequence), no NUL; returns the count. */
size_t decoder_push(struct decoder *decoder, const struct tokenizer *tokenizer, int32_t id, char *out, size_t size);

/* What is pending at the end of the text: U+FFFD or nothing. `size` >= 3. */
size_t decoder_end(struct decoder *decoder, char *out, size_t size);

#endif
