/*
 * One token's trip through a model: what the last token of a text goes through until the next one is known.
 *
 * The core has no place to look in from. It computes with a struct kernel, though: a copy of one whose functions write
 * down what they are called with sees everything, and the bits stay the same.
 */
#ifndef BOOTLLAMA_HOST_TRIP_H
#define BOOTLLAMA_HOST_TRIP_H

#include "infer/engine.h"

enum { TRIP_LIKELIEST = 5 };

struct trip_layer {
    float rms_attention;    /* root mean square of the residual stream [dim] before attention */
    float rms_feed_forward; /* before feed-forward */
    float *q;               /* [heads * head_size] queries, turned by RoPE */
    float *score;  /* [heads][count] of each position: q . k / sqrt(head_size), or what the model has instead */
    float *weight; /* [heads][count] softmax of the scores: a head's add up to 1 */
};

struct trip_token {
    int32_t id;
    float logit, probability; /* at temperature 1, among all tokens */
};

struct trip {
    int32_t *token;                                /* [count] of the text, BOS included */
    uint32_t count, layers, heads, head_size, dim; /* of the model but count */
    struct trip_layer *layer;                      /* [layers] */
    float rms_output;                              /* before the output matrix */
    struct trip_token likeliest[TRIP_LIKELIEST];   /* first the likeliest */
};

/* A copy of `kernel` that writes down; for engine_open. One at a time. */
const struct kernel *trip_kernel(const struct kernel *kernel);

/*
 * Runs text [bytes] through *engine, which engine_open has loaded for trip_kernel, on this processor alone. Fills
 * *trip, which trip_free gives back. Returns 0, or -1 with *error filled: the text has more tokens than the context, or
 * none.
 */
int trip_take(struct trip *trip, struct engine *engine, const char *text, size_t bytes, struct error *error);
void trip_free(struct trip *trip);

#endif
