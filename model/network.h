/*
 * A GGUF file as plain numbers, for converters of small networks of architecture llama.
 * Format: ggml docs/gguf.md, versions 2 and 3; tensors of F32 and Q8_0, as llama2c-to-gguf writes them. A bad file
 * makes the program die() with its name and what is wrong with it.
 */
#ifndef BOOTLLAMA_NETWORK_H
#define BOOTLLAMA_NETWORK_H

#include <stddef.h>
#include <stdint.h>

struct network_text {
    const char *bytes; /* U+2581 for a space, no NUL at its end */
    size_t length;
};

struct network {
    const char *path;          /* not owned */
    uint8_t *file;             /* the whole file; never freed */
    size_t size;               /* bytes */
    struct network_text *text; /* [vocabulary], into `file` */
    uint32_t vocabulary;
    size_t tensors, tensor_count; /* offset of the list of tensors, its entries */
    size_t data;                  /* offset of the tensors' data */
};

/* Reads the file and its header. */
void network_read(struct network *network, const char *path);

/* The value of an integer key such as "llama.block_count". */
uint32_t network_number(const struct network *network, const char *key);

/* Copies a matrix to out [rows][cols]. In the file it may have more rows, or more columns, of zeros: padding. */
void network_matrix(const struct network *network, const char *name, uint32_t rows, uint32_t cols, float *out);

#endif
