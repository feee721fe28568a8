/*
 * Reads a model of llama2.c's training: a legacy checkpoint (export version 0).
 * Format: karpathy/llama2.c, export.py legacy_export() and run.c memory_map_weights(); a table is in README.md.
 * A bad file makes the program die() with its name and what is wrong with it.
 */
#ifndef BOOTLLAMA_CHECKPOINT_H
#define BOOTLLAMA_CHECKPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "gguf/gguf.h"

struct checkpoint_tensor { /* f32 [rows][cols], row after row */
    uint64_t offset;       /* bytes from the start of the file */
    uint32_t rows, cols;   /* rows is 1 for a vector, 0 if the checkpoint has no such tensor */
};

struct checkpoint {
    const char *path; /* not owned */
    FILE *file;
    uint64_t size; /* bytes; the header's and the file's agree */
    uint32_t dim, hidden, layers, heads, kv_heads, vocabulary, context;
    uint32_t head_size;    /* dim / heads */
    bool tied;             /* the output matrix is the embedding */
    uint32_t tensor_count; /* entries of `tensor` in use, numbered as in struct gguf */
    struct checkpoint_tensor tensor[GGUF_TENSORS_MAX];
};

/* Opens a checkpoint, checks its header and that its length is exactly what the header implies. */
void checkpoint_open(struct checkpoint *checkpoint, const char *path);
void checkpoint_close(struct checkpoint *checkpoint);

/* Reads row `row` of tensor `id` to out [cols]; dies on a weight that is not a finite number. */
void checkpoint_row(struct checkpoint *checkpoint, uint32_t id, uint32_t row, float *out);

#endif
