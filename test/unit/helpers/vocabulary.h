/* A tokenizer from a table, loaded by tokenizer_load from a file in memory as a real one is. */
#ifndef BOOTLLAMA_TEST_VOCABULARY_H
#define BOOTLLAMA_TEST_VOCABULARY_H

#include "base/error.h"
#include "text/tokenizer.h"

struct piece {
    const char *text;
    float score;
    int32_t type; /* enum gguf_token_type */
};

struct vocabulary {
    struct tokenizer tokenizer;
    struct gguf gguf;
    struct error error;
    void *memory; /* of the arena */
};

/*
 * Loads count pieces: id 0 is the unknown token, 1 BOS and 2 EOS, as far as there are so many. The flags are set to add
 * BOS and the dummy space; change vocabulary->tokenizer for others. with_types: whether the file states types.
 * Returns what tokenizer_load returns; vocabulary_free gives the memory back in any case.
 */
int vocabulary_load(struct vocabulary *vocabulary, const struct piece *pieces, uint32_t count, bool with_types);
/* The same of a BPE vocabulary without BOS and EOS, from pieces in the alphabet of bytes, with `merges` "LEFT RIGHT".
   */
int vocabulary_load_bpe(struct vocabulary *vocabulary, const struct piece *pieces, uint32_t count,
                        const char *const *merges, uint32_t merge_count, const struct gguf_pre *pre);
void vocabulary_free(struct vocabulary *vocabulary);

/* All bytes, some letters and words, four user-defined pieces, and at last one of type GGUF_TOKEN_UNUSED. */
extern const struct piece small_vocabulary[];
extern const uint32_t small_vocabulary_count;

/* Loads a BPE vocabulary of all bytes, whose ids are the bytes, then of what BPE_MERGES make, in their order, then of a
   control token "<|c|>", a user-defined one, two spaces, and "zz", which no merge makes. */
int vocabulary_load_small_bpe(struct vocabulary *vocabulary, const struct gguf_pre *pre);
#define BPE_MERGES \
    "l l", "\xC4\xA0 a", "h e", "he ll", "a b", "b c", "a bc", "ab c", "\xC4\xA0 \xC4\xA0", "' ll", "1 2", "12 3"

#endif
