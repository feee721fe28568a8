/* What the parts of a header are read through: numbers and names of the file, and how it is refused. */
#ifndef BOOTLLAMA_GGUF_INPUT_H
#define BOOTLLAMA_GGUF_INPUT_H

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

/* Bytes of a value by its type; 0 for strings and arrays. Hidden, so that position-independent code finds it without a
   table of addresses to relocate. */
extern const uint8_t gguf_value_bytes[GGUF_VALUE_TYPES] __attribute__((visibility("hidden")));

/* The head of an array. */
struct gguf_array {
    uint32_t type;
    uint64_t count;
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
int gguf_skip_string(struct gguf_input *in);

/* Reads an array's head: its elements are single values or strings, and there are not more than bytes left. */
int gguf_get_array(struct gguf_input *in, const char *name, struct gguf_array *array);

/* Fails with "PATH: NAME MESSAGE". */
int gguf_refuse(struct gguf_input *in, const char *name, const char *pattern, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether what is left of the file can hold `count` entries of `bytes_each`, below 64, at least. */
bool gguf_fits(const struct gguf_input *in, uint64_t count, uint32_t bytes_each);

#endif
