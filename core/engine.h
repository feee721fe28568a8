/* A model ready to run: its file read, its weights, tokenizer, transformer and sampler in memory of the platform. */
#ifndef BOOTLLAMA_ENGINE_H
#define BOOTLLAMA_ENGINE_H

#include "chat.h"
#include "config.h"
#include "model.h"
#include "sampler.h"
#include "tokenizer.h"
#include "transformer.h"

enum {
    ENGINE_WINDOW = 16384,
    ENGINE_CONTEXT_MIN = 64,
    ENGINE_TURN_MAX = PROMPT_MAX + 2 * CHAT_TEXT_MAX + CHAT_STOP_MAX, /* bytes */
};

struct engine {
    struct platform *platform; /* not owned */
    struct gguf gguf;
    struct tokenizer tokenizer;
    struct model model;
    struct transformer transformer;
    struct sampler sampler;
    uint32_t context;     /* positions: the model's own, or what fits into memory */
    struct chat chat;     /* what the file's chat template says */
    bool has_chat;        /* there is one, and of a known family */
    int32_t *text;        /* [context] tokens of the text so far (story.h) */
    uint32_t text_count;  /* of them */
    uint32_t filled;      /* of them have been run: positions of the KV cache in use */
    char *turn;           /* [ENGINE_TURN_MAX] scratch: a prompt with what its chat puts around it */
    void *scratch;        /* tokenizer_scratch(ENGINE_TURN_MAX), at least CHAT_TEMPLATE_MAX bytes */
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
