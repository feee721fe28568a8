/* A model ready to run: its file read, its weights, tokenizer, transformer and sampler in memory of the platform. */
#ifndef BOOTLLAMA_ENGINE_H
#define BOOTLLAMA_ENGINE_H

#include "base/error.h"
#include "infer/load.h"
#include "infer/race.h"
#include "infer/sampler.h"
#include "infer/team.h"
#include "infer/transformer.h"
#include "text/chat.h"
#include "text/tokenizer.h"

enum {
    ENGINE_WINDOW = 16384,
    ENGINE_CONTEXT_MIN = 64,
    ENGINE_PROMPT_MAX = 4096, /* bytes of a prompt, NUL included */
    ENGINE_TURN_MAX = CHAT_OPENING_MAX + ENGINE_PROMPT_MAX + 2 * CHAT_TEXT_MAX + CHAT_STOP_MAX, /* bytes */
};
enum { ENGINE_PROCESSORS_AUTO }; /* for engine_share: as many processors as make the model faster */

/* A turn of the conversation that the text is (turns.h). */
struct engine_turn {
    uint32_t start;            /* its first token: of the opening, or of what ends the answer before it */
    uint32_t answer;           /* the first token of its answer, which ends with the text or the next turn's start */
    uint32_t said, said_bytes; /* what the user said, in engine->said */
};

struct engine {
    struct platform *platform; /* not owned */
    struct gguf gguf;
    struct tokenizer tokenizer;
    struct model model;
    struct race race; /* that chose the kernel, at the last engine_open without one */
    struct transformer transformer;
    struct compute compute; /* that transformer computes in; for whoever runs it */
    struct sampler sampler;
    uint32_t context;       /* positions: context_asked, or what of them fits into memory */
    uint32_t context_asked; /* of engine_open, the model's own at most */
    struct chat chat;       /* what the file's chat template says */
    bool has_chat;          /* there is one, and of a known family */
    int32_t *text;          /* [context] tokens of the text so far (story.h) */
    uint32_t text_count;    /* of them */
    uint32_t filled;        /* of them have been run: positions of the KV cache in use */
    int32_t *spare;         /* [context] scratch: another text */
    struct engine_turn *turns; /* [turns_max], turn_count of them in use: the text, unless it is a story */
    uint32_t turn_count, turns_max;
    char *said; /* [said_max], said_bytes of them in use: what the user said in all turns */
    uint32_t said_bytes, said_max;
    char *turn;             /* [ENGINE_TURN_MAX] scratch: a prompt with what its chat puts around it */
    void *scratch;          /* encode_scratch for ENGINE_TURN_MAX, at least CHAT_TEMPLATE_MAX bytes */
    void *memory;           /* of the platform; holds all of the above */
    size_t memory_bytes;
    uint8_t window[ENGINE_WINDOW]; /* for reading the file's header */
};

/*
 * Loads the model at `path` for `kernel`, or if that is NULL for the one that wins engine->race, with a context of
 * `context` >= 1 positions or the model's own, whichever is shorter. Memory comes from platform->reserve; engine_close
 * gives it back. A context that does not fit is shortened, down to ENGINE_CONTEXT_MIN positions. Returns 0, or -1 with
 * *error filled and nothing held.
 */
int engine_open(struct engine *engine, struct platform *platform, const char *path, const struct kernel *kernel,
                uint32_t context, const struct load_progress *progress, struct error *error);
void engine_close(struct engine *engine);

/* Truncates the text to its first `count` tokens, if it has more, and to the turns that begin before that. At least the
   last token runs again: the next one is drawn from its logits. */
void engine_rewind(struct engine *engine, uint32_t count);

/* Bytes of the loaded model's weights. */
uint64_t engine_weights(const struct engine *engine);

/*
 * Lets `team` compute the loaded model, *team begun by team_init: that many processors, or as many as make it faster
 * where `processors` is ENGINE_PROCESSORS_AUTO; `stop` ends trying that. The context is empty afterwards.
 */
void engine_share(struct engine *engine, struct team *team, uint32_t processors, struct compute_stop stop);

/* What loading a model would take. */
struct engine_plan {
    const char *kind; /* of the file, for a person: gguf_kind_name; "" if unknown. Set where planning fails, too */
    uint64_t bytes;   /* of memory, for the context that fits; for the shortest one where none does */
    uint32_t context; /* positions that fit; 0 = not even the shortest context does */
    uint32_t context_asked; /* as in struct engine */
};

/*
 * Finds out what the model at `path` would take of `memory` bytes for engine_open's `context`, from the header of its
 * file. *engine is scratch: no model may be loaded in it. Returns 0, or -1 with *error filled where the file cannot be
 * used.
 */
int engine_plan(struct engine *engine, struct platform *platform, const char *path, const struct kernel *kernel,
                uint32_t context, uint64_t memory, struct engine_plan *plan, struct error *error);

/* Fills *error for a model that needs `bytes` with a context of `context` where `memory` bytes are free. Returns -1. */
int engine_refuse_size(const char *path, uint32_t context, uint64_t bytes, uint64_t memory, struct error *error);

/* The shortest context that a model is loaded with, of one whose own or asked context is `context`. */
uint32_t engine_shortest_context(uint32_t context);

#endif
