/* What gguf.c, keys.c and tensors.c share: reading one GGUF header in three steps. */
#ifndef BOOTLLAMA_GGUF_PARTS_H
#define BOOTLLAMA_GGUF_PARTS_H

#include "base/error.h"
#include "gguf/gguf.h"

enum {
    GGUF_NAME_MAX = 64,   /* bytes of a tensor name (docs/gguf.md); no key that matters here is longer */
    GGUF_KEY_MAX = 65535, /* bytes of a key */
};

/* A key or tensor name of the file: text fit for messages, cut where it is longer. */
struct gguf_name {
    char text[GGUF_NAME_MAX + 1];
    uint64_t length; /* bytes in the file */
};

struct gguf_input {
    struct gguf *gguf; /* what is filled */
    struct reader *reader;
    struct error *error;
    uint32_t alignment; /* of tensor data, from general.alignment */
};

/* Each returns 0, or -1 with the error filled. */
int gguf_get_u32(struct gguf_input *in, uint32_t *value);
int gguf_get_u64(struct gguf_input *in, uint64_t *value);
int gguf_get_name(struct gguf_input *in, struct gguf_name *name, uint64_t longest);

/* Fails with "PATH: NAME MESSAGE". */
int gguf_refuse(struct gguf_input *in, const char *name, const char *pattern, ...)
    __attribute__((format(printf, 3, 4)));

/* Reads `count` key-value pairs, checks them and fills everything of *in->gguf but tensors and parameters. */
int gguf_read_keys(struct gguf_input *in, uint64_t count);

/* Reads `count` tensor descriptions and fills the tensors and parameters. */
int gguf_read_tensors(struct gguf_input *in, uint64_t count);

#endif
