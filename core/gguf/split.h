/* Models split into several files, as by llama.cpp's gguf-split: all keys in the first part, tensors in each. */
#ifndef BOOTLLAMA_GGUF_SPLIT_H
#define BOOTLLAMA_GGUF_SPLIT_H

#include "gguf/input.h"

/* What a part's keys say of the whole: split.no, split.count and split.tensors.count. */
struct gguf_split {
    uint32_t number;  /* of the part, from 0 */
    uint32_t count;   /* of parts; 0 or 1: the model is not split */
    uint32_t tensors; /* in all parts together */
    bool has_tensors; /* there is such a key */
};

/* Checks these keys of the first part against the file's name and what can be read. Returns 0, or -1 with the error
   filled. */
int gguf_check_split(struct gguf_input *in, const struct gguf_split *split);

/* Reads the keys of another part, number `number` from 0 of the model whose first part says *first. Sets in->alignment.
   Returns 0, or -1 with the error filled. */
int gguf_read_part_keys(struct gguf_input *in, uint64_t count, const struct gguf_split *first, uint32_t number);

#endif
