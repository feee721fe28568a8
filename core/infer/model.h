/*
 * A model's weights in memory, quantized and arranged for one kernel.
 *
 * A matrix of one of GGUF's types Q4_0, Q4_1 and Q4_K keeps its four bits, one of Q6_K its six. Every other one is int8
 * in groups of 32 along the row with a scale for each group, as in Q8_0, converted while it streams in (gguf/blocks.h).
 * Vectors are F32.
 */
#ifndef BOOTLLAMA_MODEL_H
#define BOOTLLAMA_MODEL_H

#include "base/arena.h"
#include "gguf/gguf.h"
#include "kernel/kernel.h"

/* Of a layer's attention: how it turns queries and keys. */
struct model_rope {
    uint64_t *frequency; /* [rope_pairs] see rope.h */
    float magnitude;
};

/* Matrices that are always multiplied by the same vector are stacked into one, each padded to whole tiles; where they
   differ in their bits, into several (q8_matrix's next). */
struct model_layer {
    const float *attn_norm;       /* [dim_padded] */
    const float *ffn_norm;        /* [dim_padded] */
    struct q8_matrix qkv;         /* [q_rows + 2 * kv_rows][dim]: query, key, value */
    struct q8_matrix attn_output; /* [dim][heads * head_size] */
    struct q8_matrix gate_up;     /* [2 * hidden_padded][dim] */
    struct q8_matrix down;        /* [dim][hidden] */
    bool windowed;                /* attends to model->window positions at most, and turns by model->rope[1] */

    /* NULL where the model has none. */
    const float *qkv_bias; /* [q_rows + 2 * kv_rows] */
    float *balance;        /* [q_rows + kv_rows] what queries and keys are multiplied by: model_balance */
    const float *q_norm;   /* [head_size], as k_norm: of each head */
    const float *k_norm;
    const float *attn_post_norm; /* [dim_padded] of what attention adds */
    const float *ffn_post_norm;  /* [dim_padded] of what feed-forward adds */
};

struct model {
    const struct kernel *kernel;
    uint32_t dim, dim_padded; /* _padded: rounded up to Q8_GROUP */
    uint32_t hidden, hidden_padded;
    uint32_t heads, kv_heads, head_size;
    uint32_t q_rows, kv_rows;  /* heads * head_size and kv_heads * head_size, rounded up to Q8_GROUP */
    uint32_t rope_pairs;       /* pairs of a head that RoPE turns */
    struct model_rope rope[2]; /* of layers without a window, and with one */
    uint32_t window;           /* positions; 0 = no layer has a window, and there is no rope[1] */
    float score_factor;        /* see struct attention */
    float embedding_scale;
    bool has_post_norms;
    uint32_t vocabulary, vocabulary_padded;
    uint32_t layers;
    void (*gate)(float *out, const float *gate, const float *up, uint32_t n); /* the kernel's swiglu or geglu */
    float norm_epsilon;                                                       /* at least Q8_EPSILON_SMALLEST */
    struct q8_matrix embedding;                                               /* [vocabulary][dim] */
    struct q8_matrix output;   /* [vocabulary][dim]; the embedding's tiles where the two are tied */
    const float *output_norm;  /* [dim_padded] */
    struct model_layer *layer; /* [layers] */
};

/*
 * Lays the model out in *arena, which must outlive it; weights and what rope_freqs.weight does to the frequencies are
 * missing until load_weights (load.h). With a counting arena it only adds up the memory and *model must not be used.
 * Returns 0, or -1 where the arena is too small.
 */
int model_layout(struct model *model, const struct gguf *gguf, const struct kernel *kernel, struct arena *arena);

/* How many of model->rope there are. */
static inline uint32_t model_ropes(const struct model *model)
{
    return model->window > 0 ? 2 : 1;
}

/*
 * Sets the balance of every layer from its biases. Some elements of a key are hundreds large by their bias alone, and a
 * key has one scale: they are divided by a power of two, and the elements of queries multiplied by it, until the two
 * biases are of about the same size. Scores stay as they are.
 */
void model_balance(struct model *model);

/* x [dim_padded] = row `token` of the embedding. token < vocabulary. */
void model_embed(const struct model *model, float *x, uint32_t token);

#endif
