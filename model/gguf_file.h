/*
 * Writes a GGUF version 3 file front to back: metadata, then tensor descriptions, then tensor data.
 * Format: ggml docs/gguf.md. The file gets its name only when complete (gguf_file_finish); an earlier error makes the
 * program die() and leaves no file behind.
 */
#ifndef BOOTLLAMA_GGUF_FILE_H
#define BOOTLLAMA_GGUF_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "gguf/checksum.h"
#include "gguf/gguf.h"

enum { GGUF_ALIGNMENT = 32 }; /* of the data section and of each tensor in it, the format's default */

struct gguf_part { /* a section collected in memory, because its count comes first in the file */
    FILE *stream;
    char *bytes;
    size_t size;
    uint64_t count;
};

struct gguf_file {
    const char *path; /* not owned */
    FILE *out;        /* the temporary file beside it */
    struct gguf_part metadata, tensors;
    uint64_t data_declared; /* bytes of all tensors so far, each rounded up to GGUF_ALIGNMENT */
    uint64_t data_written;
    off_t checksum_at;        /* offset of its value in the file */
    struct checksum checksum; /* of the tensors so far */
};

/* Opens a temporary file beside `path`, which must be absent or a regular file. One file at a time. */
void gguf_file_begin(struct gguf_file *file, const char *path);

/* Metadata: one key with its value. Arrays: the key with the number of elements, then each element in order. */
void gguf_file_string(struct gguf_file *file, const char *key, const char *value);
void gguf_file_u32(struct gguf_file *file, const char *key, uint32_t value);
void gguf_file_f32(struct gguf_file *file, const char *key, float value);
void gguf_file_bool(struct gguf_file *file, const char *key, bool value);
void gguf_file_string_array(struct gguf_file *file, const char *key, uint64_t count);
void gguf_file_string_element(struct gguf_file *file, const char *bytes, size_t n);
void gguf_file_f32_array(struct gguf_file *file, const char *key, const float *values, uint64_t count);
void gguf_file_i32_array(struct gguf_file *file, const char *key, const int32_t *values, uint64_t count);

/* Describes the next tensor, GGUF_TYPE_F32 or GGUF_TYPE_Q8_0 (then cols is a multiple of 32); a vector has rows = 1. */
void gguf_file_tensor(struct gguf_file *file, const char *name, enum gguf_type type, uint64_t rows, uint64_t cols);

/* Ends the descriptions and adds the checksum's key. The data of each tensor follows in the same order: its bytes in
   any pieces, then gguf_file_end_tensor. */
void gguf_file_begin_data(struct gguf_file *file);
void gguf_file_data(struct gguf_file *file, const void *bytes, size_t n);
void gguf_file_end_tensor(struct gguf_file *file);

/* Flushes everything to the disk and gives the file its name. Returns its size in bytes. */
uint64_t gguf_file_finish(struct gguf_file *file);

#endif
