/*
 * The kernel that test_added_kernel.py adds to a copy of the tree: the definition's arithmetic with a tile of its own.
 * It traps where a function is called outside of a stretch on the same processor, and where a stretch does not end.
 */
#include "base/half.h"
#include "kernel/kernel.h"

/* In column order, after the scales. */
struct tile {
    float scale[Q8_GROUP];
    int8_t q[Q8_GROUP][Q8_GROUP];
};

enum { FORM_BYTES = Q8_GROUP * sizeof(int16_t) }; /* scalar.c's */

static __thread uint32_t stretches; /* of this processor, now */
static uint32_t all_stretches;      /* of all of them */

static void begin(void)
{
    if (stretches++ != 0) {
        __builtin_trap();
    }
    __atomic_add_fetch(&all_stretches, 1, __ATOMIC_SEQ_CST);
}

static void end(void)
{
    if (--stretches != 0) {
        __builtin_trap();
    }
    __atomic_sub_fetch(&all_stretches, 1, __ATOMIC_SEQ_CST);
}

static const struct kernel *within(void)
{
    if (stretches != 1) {
        __builtin_trap();
    }
    return &kernel_scalar;
}

static __attribute__((destructor)) void at_exit(void)
{
    if (all_stretches != 0) {
        __builtin_trap();
    }
}

static void tile_pack(uint8_t *bytes, const struct q8_0_block *block, size_t stride)
{
    struct tile *tile = (struct tile *)bytes;
    within();
    for (uint32_t row = 0; row < Q8_GROUP; row++, block += stride) {
        tile->scale[row] = half_to_float(block->scale);
        for (uint32_t column = 0; column < Q8_GROUP; column++) {
            tile->q[column][row] = block->q[column] == -128 ? -127 : block->q[column];
        }
    }
}

static void blocks_quantize(struct q8_0_block *out, const void *x, bool halves, const float *scale, uint32_t groups)
{
    within()->blocks_quantize(out, x, halves, scale, groups);
}

static void tile_row(const uint8_t *bytes, uint32_t row, int8_t q[Q8_GROUP], float *scale)
{
    const struct tile *tile = (const struct tile *)bytes;
    within();
    *scale = tile->scale[row];
    for (uint32_t column = 0; column < Q8_GROUP; column++) {
        q[column] = tile->q[column][row];
    }
}

static void matmul(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                   bool add)
{
    within();
    for (uint32_t i = 0; i < count; i++, out += out_stride, x++) {
        for (uint32_t row = 0; row < w->row_tiles * Q8_GROUP; row++) {
            const struct tile *tile = (const struct tile *)w->tiles + row / Q8_GROUP * w->groups;
            float sum = 0;
            for (uint32_t group = 0; group < w->groups; group++, tile++) {
                int32_t dot = 0;
                for (uint32_t column = 0; column < Q8_GROUP; column++) {
                    dot += tile->q[column][row % Q8_GROUP] * x->q[group * Q8_GROUP + column];
                }
                sum += (float)dot * (tile->scale[row % Q8_GROUP] * x->scale[group]);
            }
            out[row] = add ? out[row] + sum : sum;
        }
    }
}

static void matmul_narrow(float *out, size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x,
                          uint32_t count, bool add)
{
    within()->matmul_narrow(out, out_stride, w, x, count, add);
}

static void quantize(struct q8_vector *out, const float *x, uint32_t groups)
{
    within()->quantize(out, x, groups);
}

static void norm_quantize(struct q8_vector *out, const float *x, const float *weight, uint32_t n, float epsilon)
{
    within()->norm_quantize(out, x, weight, n, epsilon);
}

static void norm(float *out, const float *x, const float *weight, uint32_t n, float epsilon, bool add)
{
    within()->norm(out, x, weight, n, epsilon, add);
}

static void swiglu(float *out, const float *gate, const float *up, uint32_t n)
{
    within()->swiglu(out, gate, up, n);
}

static void geglu(float *out, const float *gate, const float *up, uint32_t n)
{
    within()->geglu(out, gate, up, n);
}

static void rotate(float *x, const float *cosine, const float *sine, uint32_t n)
{
    within()->rotate(x, cosine, sine, n);
}

static void heads_quantize(int16_t *out, float *scale, const float *x, uint32_t heads, uint32_t size, float range)
{
    within()->heads_quantize(out, scale, x, heads, size, range);
}

static void attention(const struct attention_task *task)
{
    within()->attention(task);
}

static float exponentials(float *x, uint32_t n, float factor)
{
    return within()->exponentials(x, n, factor);
}

KERNEL_DEFINE(added, struct tile, FORM_BYTES, .begin = begin, .end = end);
