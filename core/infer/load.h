/* Loading a model's weights from its GGUF file. */
#ifndef BOOTLLAMA_LOAD_H
#define BOOTLLAMA_LOAD_H

#include "base/error.h"
#include "infer/model.h"

/* Receives the bytes of weights loaded so far: 0 before the first is read, then once for every window that the reader
   fills, and all of them at last. Returns true to stop. */
struct load_progress {
    bool (*step)(void *context, uint64_t done, uint64_t total); /* or NULL */
    void *context;
};

/*
 * Reads all tensors of *gguf through *reader, in file order, into a model that model_layout has laid out for it. Takes
 * scratch memory from *arena and gives it back. Returns 0, or -1 with *error naming the tensor and row that cannot be
 * read or has a weight that is infinite or NaN.
 */
int load_weights(struct model *model, const struct gguf *gguf, struct reader *reader, struct arena *arena,
                 const struct load_progress *progress, struct error *error);

/* Bytes of scratch memory that load_weights takes at most, including alignment. */
uint64_t load_scratch(const struct gguf *gguf);

#endif
