/* AVX-VNNI: PCs since 2021 that have no AVX-512. The kernel of AVX2 with one instruction for a dot product of bytes. */
#include <immintrin.h>

/* How the assembler is told to encode vpdpbusd: tests have it as AVX-512 does, to run it where AVX-VNNI is missing. */
#ifndef VNNI_ENCODING
#define VNNI_ENCODING "%{vex%} "
#endif

static inline __m256i bytes_madd(__m256i sum, __m256i x, __m256i y)
{
    __asm__(VNNI_ENCODING "vpdpbusd %2, %1, %0" : "+x"(sum) : "x"(x), "x"(y));
    return sum;
}

#include "kernel/x86_avx2.h"

KERNEL_DEFINE(avxvnni, struct tile_quad, sizeof(struct signed_group));
