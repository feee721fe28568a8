/* The known keys of a GGUF file as read, for the checks of the whole: keys come in any order. */
#ifndef BOOTLLAMA_GGUF_KEY_TABLE_H
#define BOOTLLAMA_GGUF_KEY_TABLE_H

#include "gguf/input.h"

enum key {
    KEY_ARCHITECTURE,
    KEY_MODEL_NAME,
    KEY_SIZE_LABEL,
    KEY_ALIGNMENT,
    KEY_FILE_TYPE,
    KEY_QUANTIZATION,
    KEY_SPLIT_NUMBER,
    KEY_SPLIT_COUNT,
    KEY_SPLIT_TENSORS,
    KEY_CONTEXT,
    KEY_DIM,
    KEY_HIDDEN,
    KEY_LAYERS,
    KEY_HEADS,
    KEY_KV_HEADS,
    KEY_KEY_LENGTH,
    KEY_VALUE_LENGTH,
    KEY_EPSILON,
    KEY_CAUSAL,
    KEY_EXPERTS,
    KEY_WINDOW,
    KEY_WINDOW_PERIOD,
    KEY_CAPPING,
    KEY_ROPE_SIZE,
    KEY_ROPE_BASE,
    KEY_ROPE_WINDOW_BASE,
    KEY_ROPE_SCALING,
    KEY_ROPE_FACTOR,
    KEY_ROPE_LINEAR,
    KEY_ROPE_ORIGINAL,
    KEY_ROPE_ATTENTION,
    KEY_TOKENIZER,
    KEY_PRE_TOKENIZER,
    KEY_TOKEN_PIECES,
    KEY_TOKEN_SCORES,
    KEY_TOKEN_TYPES,
    KEY_TOKEN_MERGES,
    KEY_BOS,
    KEY_EOS,
    KEY_UNKNOWN,
    KEY_END_TURN, /* enum gguf_end, in its order */
    KEY_END_MESSAGE,
    KEY_END_PADDING,
    KEY_END_REPOSITORY,
    KEY_END_FILE,
    KEY_ADD_BOS,
    KEY_ADD_SPACE,
    KEY_CHAT_TEMPLATE,
    KEY_CHECKSUM,
    KEYS,
};

/* Values of KEY_ROPE_SCALING; the first one is llama.cpp's where there is none. */
enum { SCALING_LINEAR, SCALING_NONE, SCALING_YARN, SCALINGS };

struct keys {
    struct gguf_input *in;
    bool seen[KEYS];
    uint32_t number[KEYS];    /* of numbers, flags and KEY_ROPE_SCALING the value; of arrays the count */
    float real[KEYS];         /* of floats */
    char pre[64];             /* KEY_PRE_TOKENIZER, truncated if longer */
    char name[GGUF_NAME_MAX]; /* of gguf_key_name */
};

/* The key's name in a file of that architecture, valid until the next call. */
const char *gguf_key_name(struct keys *keys, enum key key);

/* Reads `count` key-value pairs into *keys, of zeros but for `in`, and into *in->gguf what needs no more checks; skips
   unknown keys. Returns 0, or -1 with the error filled. */
int gguf_fill_keys(struct keys *keys, uint64_t count);

#endif
