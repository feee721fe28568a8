/*
 * The names of a split model's parts, "NAME-00001-of-00003.gguf", as llama.cpp's gguf-split gives them (llama.h,
 * llama_split_path).
 */
#ifndef BOOTLLAMA_MODEL_PART_H
#define BOOTLLAMA_MODEL_PART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MODEL_PARTS_MAX = 128 };

struct model_part {
    uint32_t number, count; /* 1 <= number <= count */
    size_t stem;            /* bytes of the name or path before "-00001-of-00003.gguf" */
};

/* Whether a name or path is that of a part of at most MODEL_PARTS_MAX; fills *part. */
bool model_part_of(const char *path, struct model_part *part);

/* Makes the name or path of a part that of part `number`, 1..MODEL_PARTS_MAX. */
void model_part_set(char *path, uint32_t number);

#endif
