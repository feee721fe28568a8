/*
 * The pre-tokenizers that tokenizer.ggml.pre names: the rules by which a byte-level BPE vocabulary splits text into
 * words. Many names share few rules; text/words.h implements them. Names, rules and flags are those of llama.cpp
 * (src/llama-vocab.cpp).
 */
#ifndef BOOTLLAMA_GGUF_PRE_H
#define BOOTLLAMA_GGUF_PRE_H

#include <stdint.h>

enum gguf_pre_rule {
    GGUF_PRE_DEFAULT,
    GGUF_PRE_GPT2,
    GGUF_PRE_SMOLLM,
    GGUF_PRE_LLAMA3,
    GGUF_PRE_QWEN2,
    GGUF_PRE_MINICPM5,
    GGUF_PRE_TEKKEN,
    GGUF_PRE_DEEPSEEK_LLM,
    GGUF_PRE_DEEPSEEK_CODER,
    GGUF_PRE_RULES,
};

enum gguf_pre_flags {
    GGUF_PRE_IGNORE_MERGES = 1, /* a word that is a piece becomes that token without merging */
    GGUF_PRE_ADD_BOS = 2,       /* if tokenizer.ggml.add_bos_token is absent */
    GGUF_PRE_NO_BOS = 4,        /* no BOS token if tokenizer.ggml.bos_token_id is absent */
};

struct gguf_pre {
    char name[18];
    uint8_t rule;  /* enum gguf_pre_rule */
    uint8_t flags; /* enum gguf_pre_flags */
};

/* Returns the pre-tokenizer of that name, or NULL if it is unknown. */
const struct gguf_pre *gguf_find_pre(const char *name);

#endif
