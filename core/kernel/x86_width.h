/* Vectors of any width, and what both of x86_vector.h and x86_attention_products.h need, after VECTOR, floats and
   floats_fold are defined as for x86_vector.h. */
#ifndef BOOTLLAMA_X86_WIDTH_H
#define BOOTLLAMA_X86_WIDTH_H

#include <immintrin.h>

#include "kernel/kernel.h"

enum {
    WIDTH = sizeof(floats) / sizeof(float), /* numbers in a vector */
    PARTS = KERNEL_LANES / WIDTH,           /* vectors that hold KERNEL_LANES partial sums */
};

static inline float largest_float(floats x)
{
    const __m128 four = floats_fold(x);
    const __m128 two = _mm_max_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_max_ss(two, _mm_shuffle_ps(two, two, 1)));
}

#endif
