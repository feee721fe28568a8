/* Loading a model's weights from a GGUF file: quantized by the rule of base/q8_0.h and packed while they stream in. */
#ifndef BOOTLLAMA_LOAD_H
#define BOOTLLAMA_LOAD_H

#include "base/error.h"
#include "gguf/reader.h"
#include "infer/model.h"

/* Told how many bytes of weights are loaded so far, at least once for every 32 rows; returns true to stop. */
struct load_progress {
    bool (*step)(void *context, uint64_t done, uint64_t total);
    void *context;
};

/*
 * Reads all tensors through *reader, front to back as they lie in the file. Takes scratch memory from *arena and gives
 * it back. Returns 0, or -1 with *error filled: unreadable, or a weight that is infinite or not a number, by tensor.
 */
int load_weights(struct model *model, const struct gguf *gguf, struct reader *reader, struct arena *arena,
                 const struct load_progress *progress, struct error *error);

/* Bytes of scratch memory that load_weights takes at most. */
uint64_t load_scratch_bytes(const struct gguf *gguf);

#endif
