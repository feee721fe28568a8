/* Random input for kernels, and comparison of their results. All memory comes from malloc, aligned for kernels. */
#ifndef BOOTLLAMA_TEST_KERNEL_INPUT_H
#define BOOTLLAMA_TEST_KERNEL_INPUT_H

#include "unit.h"

#include "base/half.h"
#include "kernel/attention.h"

void random_begin(void); /* the same numbers again */
uint32_t random_u32(void);
float random_float(void); /* in [-1, 1) */

void *take(size_t bytes);                      /* filled with A5h */
float *random_floats(uint32_t n, float scale); /* [n] in [-scale, scale) */
struct q8_vector take_q8(uint32_t groups);     /* for any kernel */
void free_q8(struct q8_vector *x);

void assert_same_bits(const float *a, const float *b, uint32_t n);
void assert_same_q8(const struct q8_vector *a, const struct q8_vector *b, uint32_t groups);

/* Runs a check for every kernel but the definition itself, each with the same random numbers. One that this processor
   cannot run is a failure where CI is set, and else said on standard output. */
void for_each_kernel(void (*check)(const struct kernel *));

/* Weights and f16 scales, subnormal ones and zeros among them; extreme: weights of 127 and -127 alone. */
void random_rows(struct q8_0_block block[Q8_GROUP], bool extreme);

/* A row of blocks of four or six bits [groups], the row-th of a matrix: scales and minimums of all sizes below the
   kind's limit. extreme: the largest factors, and the smallest and largest numbers alone. */
void random_narrow_row(struct narrow_block *block, enum narrow_kind kind, uint32_t groups, uint32_t row, bool extreme);

/* A matrix of such tiles. */
struct q8_matrix random_narrow_matrix(enum narrow_kind kind, uint32_t row_tiles, uint32_t groups);

/* Packs the same random weights for two kernels. The shapes are set already. */
void random_matrices(struct q8_matrix *a, const struct kernel *kernel_a, struct q8_matrix *b,
                     const struct kernel *kernel_b, bool extreme);

struct attention_case {
    struct attention shape;
    int16_t *q;
    float *q_scale; /* [heads] */
    struct kv_cache cache;
};

int16_t *random_row(size_t n, int32_t range); /* [n] in [-range, range] */
struct kv_cache random_cache(const struct attention *shape);
void free_cache(struct kv_cache *cache);
struct attention_case random_attention(uint32_t heads, uint32_t kv_heads, uint32_t head_size, uint32_t position);
void free_case(struct attention_case *it);

struct attention_scratch take_scratch(const struct attention *shape);
void free_scratch(struct attention_scratch *scratch);

/* All heads of a case. */
struct attention_task whole_task(const struct attention_case *it, const struct attention_scratch *scratch, float *out);

/* A kernel's attention [heads * head_size], of malloc; asserts that nothing is written beyond it. */
float *run_attention(const struct kernel *kernel, const struct attention_case *it);

/* Compares a kernel's attention with the definition's by `check`, and frees the case. */
void check_case(const struct kernel *kernel, struct attention_case *it,
                void (*check)(const float *, const float *, uint32_t));

#endif
