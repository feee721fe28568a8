/* Every way in which a GGUF file is refused, as changes to the sample, with the line that the user gets. */
#ifndef BOOTLLAMA_TEST_HOSTILE_MODELS_H
#define BOOTLLAMA_TEST_HOSTILE_MODELS_H

#include "sample_model.h"

struct hostile_model {
    const char *message; /* what follows the path and ": "; '@' stands for the file's size */
    struct change changes[SAMPLE_CHANGES];
};

extern const struct hostile_model hostile_models[];
extern const size_t hostile_model_count;

#endif
