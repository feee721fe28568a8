/* Shared by the readers of a header's parts: reading numbers and names of the file, and rejecting it. */
#ifndef BOOTLLAMA_GGUF_INPUT_H
#define BOOTLLAMA_GGUF_INPUT_H

#include "base/error.h"
#include "gguf/gguf.h"

enum {
    GGUF_NAME_MAX = 64,   /* bytes of a tensor name (docs/gguf.md); no key that matters here is longer */
    GGUF_KEY_MAX = 65535, /* bytes of a key */
};

/* A key or tensor name of the file: text safe for messages, truncated if longer. */
struct gguf_name {
    char text[GGUF_NAME_MAX + 1];
    uint64_t length; /* bytes in the file */
};

struct gguf_input {
    struct gguf *gguf; /* the result */
    struct reader *reader;
    struct error *error;
    uint32_t alignment; /* of tensor data, from general.alignment */
};

enum { GGUF_ALIGNMENT = 32 }; /* of a file without that key */

/* Each returns 0, or -1 with the error filled. */
int gguf_get_u32(struct gguf_input *in, uint32_t *value);
int gguf_get_u64(struct gguf_input *in, uint64_t *value);
int gguf_get_name(struct gguf_input *in, struct gguf_name *name, uint64_t longest);

/* Fails with "PATH: NAME MESSAGE". */
int gguf_refuse(struct gguf_input *in, const char *name, const char *pattern, ...)
    __attribute__((format(printf, 3, 4)));

/* Whether the rest of the file can hold `count` entries of at least `bytes_each` bytes, below 64. */
bool gguf_fits(const struct gguf_input *in, uint64_t count, uint32_t bytes_each);

/* Bytes of a value of enum gguf_value_type; 0 for strings and arrays. type < GGUF_VALUE_TYPES. */
uint32_t gguf_value_bytes(uint32_t type);

/* Reads the type of the value of the key `name`, which is then below GGUF_VALUE_TYPES. */
int gguf_get_type(struct gguf_input *in, const char *name, uint32_t *type);

/* Reads a whole number of any type as the value of the key `name`: 0 to 2^32 - 1. */
int gguf_get_number(struct gguf_input *in, const char *name, uint32_t type, uint32_t *value);

/* Sets in->alignment to the value of general.alignment, if that is allowed. */
int gguf_take_alignment(struct gguf_input *in, uint32_t alignment);

struct gguf_array {
    uint32_t type; /* of its elements */
    uint64_t count;
};

/* Reads the head of the array that is the value of the key `name`, and checks that its elements are scalars or strings
   and no more than the file has bytes left. Returns 0, or -1 with the error filled. */
int gguf_get_array(struct gguf_input *in, const char *name, struct gguf_array *array);

/* Moves past the value of the key `name`. type < GGUF_VALUE_TYPES. Returns 0, or -1 with the error filled. */
int gguf_skip_value(struct gguf_input *in, const char *name, uint32_t type);

#endif
