/* A model ready to run: its file read, its weights, tokenizer, transformer and sampler in memory of the platform. */
#ifndef BOOTLLAMA_ENGINE_H
#define BOOTLLAMA_ENGINE_H

#include "config.h"
#include "model.h"
#include "sampler.h"
#include "tokenizer.h"
#include "transformer.h"

enum { ENGINE_WINDOW = 16384, ENGINE_CONTEXT_MIN = 64 };

struct engine {
    struct platform *platform; /* not owned */
    struct gguf gguf;
    struct tokenizer tokenizer;
    struct model model;
    struct transformer transformer;
    struct sampler sampler;
    uint32_t context;     /* positions: the model's own, or what fits into memory */
    int32_t *prompt;      /* [context] scratch */
    void *prompt_scratch; /* tokenizer_scratch(PROMPT_MAX) */
    void *memory;         /* of the platform; holds all of the above */
    size_t memory_bytes;
    uint8_t window[ENGINE_WINDOW]; /* for reading the file's header */
};

/*
 * Loads the model at `path` for `kernel`. Memory comes from platform->reserve; engine_close gives it back. A context
 * that does not fit is shortened, down to ENGINE_CONTEXT_MIN positions. Returns 0, or -1 with *error filled and nothing
 * held.
 */
int engine_open(struct engine *engine, struct platform *platform, const char *path, const struct kernel *kernel,
                const struct load_progress *progress, struct error *error);
void engine_close(struct engine *engine);

#endif
