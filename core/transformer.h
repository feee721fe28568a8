/*
 * One step of a Llama-2-architecture transformer (Touvron et al. 2023): a token in, logits for the next one out.
 * RMSNorm, RoPE, grouped-query attention, SwiGLU; the arithmetic is kernel.h's.
 */
#ifndef BOOTLLAMA_TRANSFORMER_H
#define BOOTLLAMA_TRANSFORMER_H

#include "arena.h"
#include "model.h"

struct transformer {
    const struct model *model; /* not owned */
    uint32_t context;          /* positions that the KV cache holds, a multiple of LANES */
    uint32_t head_stride;      /* see struct attention */
    float *x;                  /* [dim_padded] the residual stream */
    float *qkv;                /* [q_rows + 2 * kv_rows] */
    float *attended;           /* [q_rows] */
    float *hidden;             /* [2 * hidden_padded] gate, up */
    float *logits;             /* [vocabulary_padded] */
    float *scores;             /* [heads][context], then [heads] */
    float *cosine, *sine;      /* [rope_pairs] of the current position */
    float *k, *v;              /* [layers][kv_heads][context / LANES][head_stride][LANES] */
    struct q8_vector q8;       /* wide enough for every matrix */
};

/*
 * Takes the memory for `context` positions (rounded up to LANES) from *arena, which must outlive it. With a counting
 * arena it only adds up. Returns 0, or -1 where the arena is too small.
 */
int transformer_layout(struct transformer *transformer, const struct model *model, uint32_t context,
                       struct arena *arena);

enum { TRANSFORMER_BLOCK = 16 }; /* positions that one call computes at most */

/*
 * Runs tokens[0..count) (each < vocabulary; 1 <= count <= TRANSFORMER_BLOCK) at positions position, position + 1, ...
 * (all < context; every earlier position of this text has been run). The same bits as one at a time. Returns the logits
 * [vocabulary] after the last one, valid until the next call, or NULL where want_logits is false.
 */
float *transformer_run(struct transformer *transformer, const int32_t *tokens, uint32_t count, uint32_t position,
                       bool want_logits);

#endif
