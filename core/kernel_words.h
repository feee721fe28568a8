/*
 * matmul for QEMU without hardware acceleration: the tile of tile_pair.h in 16-bit arithmetic.
 *
 * QEMU's TCG turns a multiplication, addition or shift of 16-bit lanes into one such instruction of the host, but madd
 * and its like into a call of a C function that goes through the lanes.
 *
 * A lane of the tile is 256 * upper + lower, with upper in -127..127 and lower, which is 128 too large, in 1..255. In
 * digits of four bits, upper is 16 * d3 + d2 with d3 signed, and lower is 16 * d1 + d0. A lane has 16 columns of a
 * group, so that the sum of a digit times its activation is at most 15 * 127 * 16 < 2^15: it is enough to know it
 * modulo 2^16. With x the pair of activations in every 32-bit lane, and modulo 2^16,
 *   s0 = sum(lane * x)   s1 = sum((lane >> 4) * x)   s2 = sum((lane >> 8) * x)   s3 = sum((lane >> 12) * x)
 * the digits' sums are s3, s2 - 16 * s3, s1 - 16 * s2 and s0 - 16 * s1, exactly.
 *
 * A kernel's .c file includes this after defining, for its instruction set,
 *   WORDS_BYTES           of a vector
 *   WORDS_MADD(x, y)      madd of two words as word_ints
 *   WORDS_ORDER(x, y)     where x is the upper rows of some sets and y the lower ones: makes x the first rows of them,
 *                         y the others
 *   WORDS_SPREAD(x)       assembler for add_pairs: %[spread] = x in all lanes
 *   WORDS_LOAD(p, p_8, w) w = what is at p; p_8 is eight bytes behind it
 *   WORDS_TERM(w, sum)    sum += w * %[spread], by way of %[product]; WORDS_LAST may also change w
 *   WORDS_SHIFT(w)        w >>= 4, signed
 */
#ifndef BOOTLLAMA_KERNEL_WORDS_H
#define BOOTLLAMA_KERNEL_WORDS_H

#include "tile_pair.h"

typedef uint16_t words __attribute__((vector_size(WORDS_BYTES)));
typedef int32_t word_ints __attribute__((vector_size(WORDS_BYTES)));
typedef float word_floats __attribute__((vector_size(WORDS_BYTES)));

enum { WORD_SETS = WORDS_BYTES / 16 }; /* sets in a vector */

/* One pair, in w, times its activations at x; the one at `unit` into `next`. */
/* clang-format off */
#define WORDS_PAIR(x, w, unit, next)                          \
    WORDS_SPREAD("%[" x "]")                                  \
    WORDS_LOAD("%[" unit "]", "%[" unit "_8]", "%[" next "]") \
    WORDS_TERM("%[" w "]", "%[s0]") WORDS_SHIFT("%[" w "]")   \
    WORDS_TERM("%[" w "]", "%[s1]") WORDS_SHIFT("%[" w "]")   \
    WORDS_TERM("%[" w "]", "%[s2]") WORDS_SHIFT("%[" w "]")   \
    WORDS_LAST("%[" w "]", "%[s3]")
/* clang-format on */

/* Adds the pairs *w, loaded before, and unit[1] to the sums; *w becomes unit[2]. TCG loads a vector in parts of eight
   bytes, and the first who reads it whole waits until they have arrived: so each is loaded a pair ahead. In assembler,
   since compilers bring loads to their uses, and need more than the eight registers of a 32-bit build. */
static inline __attribute__((always_inline)) void add_pairs(words s[4], words *w, const int16_t (*unit)[SETS][4][2],
                                                            const int32_t *x)
{
    const uint8_t *one = (const uint8_t *)unit[1], *two = (const uint8_t *)unit[2];
    words other, spread, product;
    __asm__(WORDS_PAIR("x0", "w", "one", "other") WORDS_PAIR("x1", "other", "two", "w")
            : [s0] "+x"(s[0]), [s1] "+x"(s[1]), [s2] "+x"(s[2]), [s3] "+x"(s[3]), [w] "+x"(*w), [other] "=&x"(other),
              [spread] "=&x"(spread), [product] "=&x"(product)
            : [x0] "m"(x[0]), [x1] "m"(x[1]), [one] "m"(*(const words *)one), [one_8] "m"(one[8]),
              [two] "m"(*(const words *)two), [two_8] "m"(two[8]));
}

/* The rows of WORD_SETS sets by one vector. */
static __attribute__((noinline)) void multiply_words(float *out, const struct tile_pair *tile, uint32_t groups,
                                                     uint32_t set, const struct q8_vector *x, bool add)
{
    word_floats *rows = (word_floats *)(out + set * 8), sum0 = {0}, sum1 = {0};
    for (uint32_t group = 0; group < groups; group++, tile++) {
        const word_floats *scale = (const word_floats *)(tile->scale + set * 8);
        words s[4] = {{0}}, w = *(const words *)tile->unit[0][set];
#pragma GCC unroll 1
        for (uint32_t pair = 0; pair < PAIRS; pair += 2) { /* what is loaded last is scales, and not used */
            add_pairs(s, &w, (const int16_t(*)[SETS][4][2])tile->unit[pair][set], x->wide + group * PAIRS + pair);
        }
        const words one = (words){0} + 1, sixteen = (words){0} + 16;
        word_ints upper = WORDS_MADD(s[3], sixteen) + WORDS_MADD(s[2] - (s[3] << 4), one);
        word_ints lower = WORDS_MADD(s[1] - (s[2] << 4), sixteen) + WORDS_MADD(s[0] - (s[1] << 4), one);
        lower -= 128 * x->sum[group];
        WORDS_ORDER(upper, lower);
        sum0 += __builtin_convertvector(upper, word_floats) * (scale[0] * x->scale[group]);
        sum1 += __builtin_convertvector(lower, word_floats) * (scale[1] * x->scale[group]);
    }
    rows[0] = add ? rows[0] + sum0 : sum0;
    rows[1] = add ? rows[1] + sum1 : sum1;
}

static void matmul_words(float *out, size_t out_stride, const struct matrix *w, const struct q8_vector *x,
                         uint32_t count, bool add)
{
    const struct tile_pair *tile = (const struct tile_pair *)w->tiles;
    for (uint32_t row_tile = 0; row_tile < w->row_tiles; row_tile++, out += GROUP, tile += w->groups) {
        for (uint32_t i = 0; i < count; i++) {
            for (uint32_t set = 0; set < SETS; set += WORD_SETS) {
                multiply_words(out + i * out_stride, tile, w->groups, set, x + i, add);
            }
        }
    }
}

#endif
