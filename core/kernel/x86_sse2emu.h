/*
 * The tile, the matrix product and the attention of sse2emu: the kernel sse2 as QEMU's translator likes it, which makes
 * one instruction each of additions, shifts and products of 16 bits, but calls a function for pmaddwd and for most
 * others, and stores and loads a vector on its way from memory into a register. x86_sse2.c includes it.
 *
 * The tile is [column / 4][row / 4] vectors: a 16-bit lane has columns 4 i + c of a row as the low byte and
 * 4 i + 2 + c as the high byte, c = 0, 1.
 */
#ifndef BOOTLLAMA_X86_SSE2EMU_H
#define BOOTLLAMA_X86_SSE2EMU_H

enum { QUADS = Q8_GROUP / 4, QUADS_AT_ONCE = MANY_REGISTERS ? 8 : 4 };

struct emulated_tile {
    int8_t w[Q8_GROUP / 4][QUADS][4][2][2]; /* [column / 4][row / 4][row % 4][column % 2][column / 2 % 2] */
    float scale[Q8_GROUP];
};

/* Swaps the two inner bytes. */
static inline uint32_t bytes_swapped(uint32_t four)
{
    return (four & 0xFF0000FF) | (four & 0xFF00) << 8 | (four >> 8 & 0xFF00);
}

static __attribute__((cold)) void emulated_tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct emulated_tile *tile = (struct emulated_tile *)bytes;
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        for (uint32_t i = 0; i < Q8_GROUP / 4; i++) {
            *(uint32_t *)tile->w[i][row / 4][row % 4] = bytes_swapped(q8_0_four(block->q + 4 * i));
        }
        tile->scale[row] = half_to_float(block->scale);
    }
}

static __attribute__((cold)) void emulated_tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP],
                                                    float *scale)
{
    const struct emulated_tile *tile = (const struct emulated_tile *)bytes;
    for (uint32_t column = 0; column < Q8_GROUP; column++) {
        q[column] = tile->w[column / 4][row / 4][row % 4][column % 2][column / 2 % 2];
    }
    *scale = tile->scale[row];
}

/* Adds four columns of four rows, with x0 and x1 the pairs of activations in every 32-bit lane. A sum of two products
   has 16 bits, as each is at most 127^2. In C it takes more registers than 32-bit code has. */
static inline __m128i add_columns(__m128i sum, const int8_t w[4][2][2], __m128i x0, __m128i x1)
{
    __m128i low, high;
    __asm__("pshufd $0xE4, %[w], %[low]\n\t" /* faster than a load */
            "movdqa %[low], %[high]\n\t"
            "psraw $8, %[high]\n\t"
            "psllw $8, %[low]\n\t"
            "psraw $8, %[low]\n\t"
            "pmullw %[x1], %[high]\n\t"
            "pmullw %[x0], %[low]\n\t"
            "paddw %[low], %[high]\n\t"
            "movdqa %[high], %[low]\n\t"
            "pslld $16, %[low]\n\t"
            "psrad $16, %[high]\n\t"
            "psrad $16, %[low]\n\t"
            "paddd %[high], %[sum]\n\t"
            "paddd %[low], %[sum]"
            : [low] "=&x"(low), [high] "=&x"(high), [sum] "+x"(sum)
            : [w] "m"(*(const __m128i *)w), [x0] "x"(x0), [x1] "x"(x1));
    return sum;
}

static inline __m128i four_times(const int32_t *x)
{
    return _mm_castps_si128(_mm_load1_ps((const float *)x));
}

/* Some rows from row 4 * quad on. */
static inline void multiply_emulated(float *out, const struct emulated_tile *tile, uint32_t groups, uint32_t quad,
                                     const struct q8_vector *x, bool add)
{
    __m128 sum[QUADS_AT_ONCE] = {_mm_setzero_ps()};
    for (uint32_t group = 0; group < groups; group++, tile++) {
        const int32_t(*x4)[4] = ((const struct pairs *)x->form)[group].x;
        const __m128i zero = _mm_setzero_si128();
        __m128i dot[QUADS_AT_ONCE] = {zero};
#pragma GCC unroll 2
        for (uint32_t i = 0; i < Q8_GROUP / 4; i++) {
            const __m128i x0 = four_times(x4[2 * i]), x1 = four_times(x4[2 * i + 1]);
#pragma GCC unroll 8
            for (uint32_t j = 0; j < QUADS_AT_ONCE; j++) {
                dot[j] = add_columns(dot[j], tile->w[i][quad + j], x0, x1);
            }
        }
#pragma GCC unroll 8
        for (uint32_t j = 0; j < QUADS_AT_ONCE; j++) {
            const __m128 scale = _mm_mul_ps(_mm_set1_ps(x->scale[group]), _mm_load_ps(tile->scale + 4 * (quad + j)));
            sum[j] = _mm_add_ps(sum[j], _mm_mul_ps(_mm_cvtepi32_ps(dot[j]), scale));
        }
    }
#pragma GCC unroll 8
    for (uint32_t j = 0; j < QUADS_AT_ONCE; j += 2) {
        store_rows(out + 4 * (quad + j), sum[j], sum[j + 1], add);
    }
}

static void emulated_matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                            uint32_t count, bool add)
{
    const struct emulated_tile *tile = (const struct emulated_tile *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += Q8_GROUP, tile += w->groups) {
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t quad = 0; quad < QUADS; quad += QUADS_AT_ONCE) {
                multiply_emulated(out + i * out_stride, tile, w->groups, quad, x + i, add);
            }
        }
    }
}

static __attribute__((noinline)) void emulated_coefficients(const struct passes *passes)
{
    all_coefficients(passes, WAY_EMULATED);
}

static void emulated_attention(const struct attention_task *task)
{
    attention_by(task, score_heads, emulated_coefficients, sum_values);
}

#endif
