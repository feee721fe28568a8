/*
 * From logits to the next token, as llama2.c does it (run.c: sample, temperature then top-p, xorshift64* seeded with
 * the seed itself), so a seed gives the same random numbers here. Repetition penalty, top-k and min-p come on top
 * and are off by default. All arithmetic is the project's own single precision: the same on every machine.
 */
#ifndef BOOTLLAMA_SAMPLER_H
#define BOOTLLAMA_SAMPLER_H

#include "base/arena.h"
#include "kernel/kernel.h"

struct sampler_settings {
    float temperature; /* >= 0; 0 takes the most likely token */
    float top_p;       /* 0..1; 0 or 1 = off */
    float min_p;       /* 0..1; keeps tokens of at least min_p times the highest probability; 0 = off */
    /* > 0; logits of tokens in the last 64 positions are divided (if > 0) or multiplied by it; 1 = off */
    float repeat_penalty;
    uint32_t top_k; /* 0 = off */
    uint64_t seed;  /* xorshift's state must not be 0: seed 0 is taken as 1 */
};

/* temperature 0.8, top_p 0.9, the rest off, and the seed whose story is told at power-on. */
struct sampler_settings sampler_defaults(void);

enum { SAMPLER_PENALTY_WINDOW = 64, SAMPLER_NOT_FINITE = -1 };

struct sampler {
    struct sampler_settings settings;
    uint64_t state; /* of xorshift64* */
    const struct kernel *kernel;
    uint32_t vocabulary; /* n */
    uint32_t recent_count;
    int32_t recent[SAMPLER_PENALTY_WINDOW]; /* ring of the tokens accepted last */
    struct sampler_candidate *candidates;   /* [n] scratch, in the arena */
};

struct sampler_candidate {
    float chance; /* probability relative to the most likely token's */
    int32_t id;
};

size_t sampler_memory(uint32_t vocabulary); /* bytes that sampler_init takes from its arena */

/* Takes scratch memory from *arena, which must outlive *sampler. */
void sampler_init(struct sampler *sampler, const struct kernel *kernel, uint32_t vocabulary, struct arena *arena);

/* Starts a story: restarts the seed's random numbers and forgets all recent tokens. */
void sampler_begin(struct sampler *sampler, const struct sampler_settings *settings);

/* Records a token of the prompt or of the story for the repetition penalty. */
void sampler_accept(struct sampler *sampler, int32_t id);

/* Returns the next token, or SAMPLER_NOT_FINITE if a logit, after the penalty, is infinite or NaN. Changes logits
   [vocabulary rounded up to KERNEL_LANES]. Ties go to the lower id. */
int32_t sampler_next(struct sampler *sampler, float *logits);

#endif
