#include "kernel_input.h"

#include <math.h>

#include "exp2.h"

static uint32_t random_state = 1;

void random_begin(void)
{
    random_state = 1;
}

uint32_t random_u32(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 17;
    random_state ^= random_state << 5;
    return random_state;
}

/* In [-1, 1). */
float random_float(void)
{
    return (float)(int32_t)random_u32() * 0x1p-31f;
}

void *take(size_t bytes)
{
    void *memory = aligned_alloc(ALIGNMENT, (bytes + ALIGNMENT) / ALIGNMENT * ALIGNMENT);
    assert_non_null(memory);
    memset(memory, 0xA5, bytes);
    return memory;
}

float *random_floats(uint32_t n, float scale)
{
    float *x = take(n * sizeof *x);
    for (uint32_t i = 0; i < n; i++) {
        x[i] = random_float() * scale;
    }
    return x;
}

struct q8_vector take_q8(uint32_t groups)
{
    return (struct q8_vector){
        .q = take(groups * GROUP),
        .wide = take(groups * GROUP * sizeof(int32_t)),
        .sum = take(groups * sizeof(int32_t)),
        .scale = take(groups * sizeof(float)),
    };
}

void free_q8(struct q8_vector *x)
{
    free(x->q);
    free(x->wide);
    free(x->sum);
    free(x->scale);
}

void assert_same_bits(const float *a, const float *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (float_bits(a[i]) != float_bits(b[i])) {
            print_error("element %u: %a and %a\n", i, (double)a[i], (double)b[i]);
        }
        assert_int_equal(float_bits(a[i]), float_bits(b[i]));
    }
}

void assert_same_q8(const struct q8_vector *a, const struct q8_vector *b, uint32_t groups)
{
    assert_memory_equal(a->q, b->q, groups * GROUP);
    assert_same_bits(a->scale, b->scale, groups);
}

/* The unit tests have AVX-VNNI's instruction in the encoding of AVX-512, which is another feature of the processor. */
bool runs_here(const struct kernel *kernel, const struct cpu_features *cpu)
{
    return kernel == &kernel_avxvnni ? cpu->avx512vnni : kernel_usable(kernel, cpu);
}

/* Runs a check for every kernel but the definition itself. */
void for_each_kernel(void (*check)(const struct kernel *))
{
    struct cpu_features cpu;
    cpu_detect(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) {
        if (kernel_at(i) != &kernel_scalar && runs_here(kernel_at(i), &cpu)) {
            random_begin();
            check(kernel_at(i));
        }
    }
}

void random_rows(struct q8_0_block block[GROUP], bool extreme)
{
    for (uint32_t row = 0; row < GROUP; row++) {
        for (uint32_t column = 0; column < GROUP; column++) {
            block[row].q[column] = extreme ? (random_u32() & 1 ? 127 : -127) : (int8_t)(random_u32() % 255 - 127);
        }
        block[row].scale = row % 8 == 5 ? (uint16_t)(random_u32() % 0x0400) /* zero, subnormal */
                                        : half_from_float(random_float() * (row % 8 == 6 ? 65000.0f : 0.01f));
    }
}

/* Packs the same random weights for two kernels. */
void random_matrices(struct matrix *a, const struct kernel *kernel_a, struct matrix *b,
                            const struct kernel *kernel_b, bool extreme)
{
    const uint32_t count = a->row_tiles * a->groups;
    a->tiles = take((size_t)count * kernel_a->tile_bytes);
    b->tiles = take((size_t)count * kernel_b->tile_bytes);
    for (uint32_t i = 0; i < count; i++) {
        struct q8_0_block block[GROUP];
        random_rows(block, extreme);
        kernel_a->tile_pack(a->tiles + (size_t)i * kernel_a->tile_bytes, block, 1);
        kernel_b->tile_pack(b->tiles + (size_t)i * kernel_b->tile_bytes, block, 1);
    }
}

/* A cache as the transformer leaves it: zeros beyond the position. */
float *random_cache(const struct attention *shape)
{
    const uint32_t blocks = shape->context / LANES, n = shape->kv_heads * shape->context * shape->head_stride;
    float *cache = random_floats(n, 2.0f);
    for (uint32_t i = 0; i < n; i++) {
        const uint32_t lane = i % LANES, dimension = i / LANES % shape->head_stride;
        const uint32_t block = i / LANES / shape->head_stride % blocks;
        if (block * LANES + lane > shape->position || dimension >= shape->head_size) {
            cache[i] = 0;
        }
    }
    return cache;
}

struct attention_case random_attention(uint32_t heads, uint32_t kv_heads, uint32_t head_size, uint32_t position)
{
    const struct attention shape = {
        .heads = heads,
        .kv_heads = kv_heads,
        .head_size = head_size,
        .head_stride = round_up(head_size, HEAD_STEP),
        .context = round_up(position + 1, LANES) + LANES,
        .position = position,
        .score_factor = LOG2_E / sqrtf((float)head_size),
    };
    return (struct attention_case){shape, random_floats(heads * head_size, 2.0f), random_cache(&shape),
                                   random_cache(&shape)};
}

/* Frees the case, too. */
void check_case(const struct kernel *kernel, struct attention_case *it,
                       void (*check)(const float *, const float *, uint32_t))
{
    const struct attention *shape = &it->shape;
    const uint32_t n = shape->heads * shape->head_size;
    float *scores = take((size_t)shape->heads * (shape->context + 1) * sizeof *scores);
    float *expected = take((n + 1) * sizeof *expected), *out = take((n + 1) * sizeof *out);
    kernel_scalar.attention(expected, it->q, it->k, it->v, shape, scores);
    kernel->attention(out, it->q, it->k, it->v, shape, scores);
    check(out, expected, n);
    assert_same_bits(out + n, expected + n, 1); /* nothing is written beyond */
    free(it->q);
    free(it->k);
    free(it->v);
    free(scores);
    free(expected);
    free(out);
}
