/*
 * Reads llama2.c's tokenizer.bin into GGUF's form of a vocabulary.
 * Format: karpathy/llama2.c, tokenizer.py export(): int32 longest piece in bytes, then for each piece f32 score,
 * int32 length, bytes. It has spaces instead of SentencePiece's U+2581, and newlines around the pieces of ids 1 and 2.
 */
#ifndef BOOTLLAMA_VOCABULARY_H
#define BOOTLLAMA_VOCABULARY_H

#include <stdint.h>

#include "gguf/gguf.h"

enum { ID_UNKNOWN, ID_BOS, ID_EOS, SPECIAL_IDS }; /* llama2.c knows no others */

struct piece {
    const char *text; /* as in GGUF: U+2581 for a space, "<s>" and "</s>" bare; UTF-8 without NUL */
    uint32_t length;  /* bytes, 1..GGUF_PIECE_MAX */
};

struct vocabulary {
    uint32_t count;
    struct piece *pieces; /* [count], no two alike */
    float *scores;        /* [count], finite */
    int32_t *types;       /* [count] enum gguf_token_type */
};

/* Reads a tokenizer that holds exactly `count` pieces, at least SPECIAL_IDS, and ends with the last one. A bad file
   makes the program die() with its name and what is wrong with it. The memory is never freed. */
void vocabulary_read(struct vocabulary *vocabulary, const char *path, uint32_t count);

#endif
