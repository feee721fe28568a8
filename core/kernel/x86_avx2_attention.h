/* What attention of AVX2 and of AVX-VNNI have in common: see x86_attention_products.h. A .c file includes this after
   defining ints_madd, VALUE_DIMS and VALUE_QUERIES. */
#ifndef BOOTLLAMA_X86_AVX2_ATTENTION_H
#define BOOTLLAMA_X86_AVX2_ATTENTION_H

enum {
    MANY_REGISTERS = sizeof(void *) > 4,
    SCORE_VECTORS = MANY_REGISTERS ? 2 : 4,
    QUERIES = MANY_REGISTERS ? 2 : 1,
};

static inline __m128 floats_fold(__m256 x)
{
    return _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
}

static inline __m128i ints_fold(__m256i x)
{
    return _mm_add_epi32(_mm256_castsi256_si128(x), _mm256_extracti128_si256(x, 1));
}

#include "kernel/x86_attention_products.h"

#endif
