/*
 * One step of a transformer of the Llama family (Touvron et al. 2023): a token in, logits for the next one out.
 * RMSNorm, RoPE, grouped-query attention, SwiGLU, and what gguf/architecture.h adds; the arithmetic is kernel.h's.
 */
#ifndef BOOTLLAMA_TRANSFORMER_H
#define BOOTLLAMA_TRANSFORMER_H

#include "base/arena.h"
#include "infer/model.h"
#include "infer/team.h"

enum { TRANSFORMER_BLOCK = 16 }; /* most positions that one call computes */

/* See rope_angles; for each row of the working memory. */
struct angles {
    float *cosine, *sine; /* [TRANSFORMER_BLOCK][q_rows] */
};

/* The working memory has a row for each position of a block. */
struct transformer {
    const struct model *model; /* not owned */
    struct team *team;         /* does the work, not owned; NULL after transformer_layout: this processor alone */
    struct compute *compute;   /* interrupts it, not owned; NULL after transformer_layout: nothing does */
    uint32_t context;          /* positions that the KV cache holds, a multiple of KV_BLOCK */
    uint32_t head_stride;      /* see struct attention */
    float *x;                  /* [TRANSFORMER_BLOCK][dim_padded] the residual stream */
    float *qkv;                /* [TRANSFORMER_BLOCK][qkv_rows] */
    float *attended;           /* [TRANSFORMER_BLOCK][q_rows] */
    float *hidden;             /* [TRANSFORMER_BLOCK][2 * hidden_padded] gate, up */
    float *logits;             /* [vocabulary_padded] of the last position only */
    int16_t *q;                /* [TRANSFORMER_BLOCK][q_rows] quantized queries */
    float *q_scale;            /* [TRANSFORMER_BLOCK][heads] their scales */
    int16_t *new_kv;           /* [kv_rows] scratch: quantized keys or values */
    float *new_scale;          /* [kv_heads] scratch: their scales */
    struct attention_scratch scratch;
    struct angles angles[2];                /* of model->rope */
    float *product;                         /* [TRANSFORMER_BLOCK][dim_padded] before its norm; NULL if none is used */
    struct kv_cache cache;                  /* of all layers: each array has [layers] as its first dimension */
    struct q8_vector q8[TRANSFORMER_BLOCK]; /* long enough for every matrix */
};

/*
 * Takes the memory for `context` positions (rounded up to KV_BLOCK) from *arena, which must outlive it. With a counting
 * arena it only adds up the memory. Returns 0, or -1 if the arena is too small.
 */
int transformer_layout(struct transformer *transformer, const struct model *model, uint32_t context,
                       struct arena *arena);

/* Bytes of the KV cache. */
uint64_t transformer_cache_bytes(const struct transformer *transformer);

/*
 * Runs tokens[0..count) (each < vocabulary; 1 <= count <= TRANSFORMER_BLOCK) at positions position, position + 1, ...
 * (all < context; every earlier position of this text has been run), within a stretch of transformer->compute. Each
 * matrix is read once for all of them; the bits are the same as for one position at a time. Returns the logits
 * [vocabulary] after the last one, valid until the next call, or NULL if want_logits is false. Also returns NULL if
 * compute->stopped is or becomes set: these positions must be run again; earlier ones are intact.
 */
float *transformer_run(struct transformer *transformer, const int32_t *tokens, uint32_t count, uint32_t position,
                       bool want_logits);

#endif
