#include "kernel_input.h"

#include <math.h>

#include "base/exp2.h"
#include "any_cpu/runs_here.h"
#include "base/number.h"

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
    void *memory = aligned_alloc(KERNEL_ALIGNMENT, (bytes + KERNEL_ALIGNMENT) / KERNEL_ALIGNMENT * KERNEL_ALIGNMENT);
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

/* Bytes of a group's form that suffice for every kernel. */
static uint32_t largest_form(void)
{
    uint32_t largest = 0;
    for (uint32_t i = 0; i < KERNELS; i++) {
        largest = number_max(largest, kernel_at(i)->form_bytes);
    }
    return largest;
}

struct q8_vector take_q8(uint32_t groups)
{
    return (struct q8_vector){
        .q = take(groups * Q8_GROUP),
        .form = take(groups * largest_form()),
        .sum = take(groups * sizeof(int32_t)),
        .scale = take(groups * sizeof(float)),
    };
}

void free_q8(struct q8_vector *x)
{
    free(x->q);
    free(x->form);
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
    assert_memory_equal(a->q, b->q, groups * Q8_GROUP);
    assert_same_bits(a->scale, b->scale, groups);
}

void for_each_kernel(void (*check)(const struct kernel *))
{
    struct cpu_features cpu;
    cpu_detect(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) {
        const struct kernel *kernel = kernel_at(i);
        if (kernel == &kernel_scalar) {
            continue;
        }
        if (runs_here(kernel, &cpu)) {
            random_begin();
            check(kernel);
        } else if (getenv("CI") != NULL) {
            fail_test("must run in CI: this processor lacks what kernel %s needs\n", kernel->name);
        } else {
            printf("skipped: kernel %s: this processor lacks what it needs\n", kernel->name);
        }
    }
}

void random_rows(struct q8_0_block block[Q8_GROUP], bool extreme)
{
    for (uint32_t row = 0; row < Q8_GROUP; row++) {
        for (uint32_t column = 0; column < Q8_GROUP; column++) {
            block[row].q[column] = extreme ? (random_u32() & 1 ? 127 : -127) : (int8_t)(random_u32() % 255 - 127);
        }
        block[row].scale = row % 8 == 5 ? (uint16_t)(random_u32() % 0x0400) /* zero, subnormal */
                                        : half_from_float(random_float() * (row % 8 == 6 ? 65000.0f : 0.01f));
    }
}

static uint16_t random_half(uint32_t row, uint32_t limit)
{
    return row % 8 == 5   ? (uint16_t)(random_u32() % 0x0400) /* zero, subnormal */
           : row % 8 == 6 ? (uint16_t)(random_u32() % limit | (random_u32() & 0x8000))
                          : half_from_float(random_float() * 0.01f);
}

static uint8_t random_factor(bool extreme)
{
    return extreme ? 63 : (uint8_t)(random_u32() % 64);
}

/* The largest numbers in all columns of some rows, so that their sum is the largest. */
static uint8_t random_bits(bool extreme, uint32_t row)
{
    const uint32_t bits = row % 4 == 0 ? 0 : row % 4 == 1 ? 0xFF : random_u32() & 1 ? 0xFF : 0;
    return (uint8_t)(extreme ? bits : random_u32());
}

void random_narrow_row(struct narrow_block *block, enum narrow_kind kind, uint32_t groups, uint32_t row, bool extreme)
{
    const uint32_t limit = kind == Q6_FACTORS ? Q6_LIMIT : Q4_LIMIT;
    const bool has_minimum = kind == Q4_MINIMUM || kind == Q4_FACTORS;
    for (uint32_t group = 0; group < groups; group++, block++) {
        *block = (struct narrow_block){.scale = random_half(row, limit),
                                       .minimum = has_minimum ? random_half(row, limit) : 0};
        if (kind == Q4_FACTORS) {
            block->scale_factor = random_factor(extreme);
            block->minimum_factor = random_factor(extreme);
        }
        if (kind == Q6_FACTORS) {
            block->factor[0] = extreme ? INT8_MIN : (int8_t)random_u32();
            block->factor[1] = extreme ? INT8_MIN : (int8_t)random_u32();
        }
        if ((kind == Q4_FACTORS || kind == Q6_FACTORS) && group % NARROW_SUPER != 0) {
            block->scale = block[-1].scale;
            block->minimum = block[-1].minimum;
        }
        for (uint32_t i = 0; i < sizeof block->low; i++) {
            block->low[i] = random_bits(extreme, row);
        }
        for (uint32_t i = 0; kind == Q6_FACTORS && i < sizeof block->high; i++) {
            block->high[i] = random_bits(extreme, row);
        }
    }
}

struct q8_matrix random_narrow_matrix(enum narrow_kind kind, uint32_t row_tiles, uint32_t groups)
{
    const size_t row_bytes = narrow_row_bytes(kind, groups);
    struct q8_matrix w = {
        .row_tiles = row_tiles, .groups = groups, .tiles = take(row_tiles * row_bytes), .narrow = kind};
    struct narrow_block *block = take(Q8_GROUP * groups * sizeof *block);
    for (uint32_t tile = 0; tile < row_tiles; tile++) {
        for (uint32_t row = 0; row < Q8_GROUP; row++) {
            random_narrow_row(block + row * groups, kind, groups, row, false);
        }
        narrow_pack(w.tiles + tile * row_bytes, kind, block, groups);
    }
    free(block);
    return w;
}

/* Packs the same random weights for two kernels. */
void random_matrices(struct q8_matrix *a, const struct kernel *kernel_a, struct q8_matrix *b,
                     const struct kernel *kernel_b, bool extreme)
{
    const uint32_t count = a->row_tiles * a->groups;
    a->tiles = take((size_t)count * kernel_a->tile_bytes);
    b->tiles = take((size_t)count * kernel_b->tile_bytes);
    for (uint32_t i = 0; i < count; i++) {
        struct q8_0_block block[Q8_GROUP];
        random_rows(block, extreme);
        kernel_a->tile_pack(a->tiles + (size_t)i * kernel_a->tile_bytes, block, 1);
        kernel_b->tile_pack(b->tiles + (size_t)i * kernel_b->tile_bytes, block, 1);
    }
}

int16_t *random_row(size_t n, int32_t range)
{
    int16_t *row = take(n * sizeof *row);
    for (size_t i = 0; i < n; i++) {
        row[i] = (int16_t)((int32_t)(random_u32() % (2 * (uint32_t)range + 1)) - range);
    }
    return row;
}

/* Positions to come hold what an earlier text may have left there. */
struct kv_cache random_cache(const struct attention *shape)
{
    const size_t scales = (size_t)shape->kv_heads * shape->context, n = scales * shape->head_stride;
    struct kv_cache cache = {
        .k = random_row(n, KV_KEY_RANGE),
        .v = random_row(n, KV_VALUE_RANGE),
        .k_scale = take(scales * sizeof(float)),
        .v_scale = take(scales * sizeof(float)),
        .v_largest = take(scales * sizeof(float)),
    };
    float largest = 0;
    for (size_t i = 0; i < scales; i++) {
        const uint32_t t = i % shape->context;
        cache.k_scale[i] = (1.5f + random_float()) / KV_KEY_RANGE;
        cache.v_scale[i] = (t > shape->position ? 1000.0f : 1.0f) * (1.0f + random_float());
        cache.v_largest[i] = largest = t == 0 || cache.v_scale[i] > largest ? cache.v_scale[i] : largest;
    }
    return cache;
}

void free_cache(struct kv_cache *cache)
{
    free(cache->k);
    free(cache->v);
    free(cache->k_scale);
    free(cache->v_scale);
    free(cache->v_largest);
}

struct attention_case random_attention(uint32_t heads, uint32_t kv_heads, uint32_t head_size, uint32_t position)
{
    const struct attention shape = {
        .heads = heads,
        .kv_heads = kv_heads,
        .head_size = head_size,
        .head_stride = number_round_up(head_size, KV_HEAD_STEP),
        .context = number_round_up(position + 1, KV_BLOCK) + KV_BLOCK,
        .position = position,
        .score_factor = (1 << ATTENTION_POWER_BITS) * LOG2_E / sqrtf((float)head_size),
    };
    struct attention_case it = {shape, random_row((size_t)heads * head_size, KV_KEY_RANGE), take(heads * sizeof(float)),
                                random_cache(&shape)};
    for (uint32_t i = 0; i < heads; i++) {
        it.q_scale[i] = (2.0f + (float)(i % 3)) / KV_KEY_RANGE;
    }
    return it;
}

void free_case(struct attention_case *it)
{
    free(it->q);
    free(it->q_scale);
    free_cache(&it->cache);
}

struct attention_scratch take_scratch(const struct attention *shape)
{
    struct attention_scratch scratch;
    struct arena count = {0};
    attention_layout(&scratch, shape->heads, shape->context, &count);
    struct arena arena = {.base = take(count.used), .size = count.used};
    attention_layout(&scratch, shape->heads, shape->context, &arena);
    assert_ptr_equal(scratch.scores, arena.base);
    assert_int_equal(arena.used, count.used);
    return scratch;
}

void free_scratch(struct attention_scratch *scratch)
{
    free(scratch->scores); /* the first one taken */
}

struct attention_task whole_task(const struct attention_case *it, const struct attention_scratch *scratch, float *out)
{
    return (struct attention_task){it->shape, it->cache, *scratch, it->q, it->q_scale, out, 0, it->shape.kv_heads};
}

float *run_attention(const struct kernel *kernel, const struct attention_case *it)
{
    const struct attention *shape = &it->shape;
    const uint32_t n = shape->heads * shape->head_size;
    struct attention_scratch scratch = take_scratch(shape);
    float *out = take((n + 1) * sizeof *out), *untouched = take(sizeof *untouched);
    const struct attention_task task = whole_task(it, &scratch, out);
    kernel->attention(&task);
    assert_memory_equal(out + n, untouched, sizeof *out);
    free_scratch(&scratch);
    free(untouched);
    return out;
}

void check_case(const struct kernel *kernel, struct attention_case *it,
                void (*check)(const float *, const float *, uint32_t))
{
    float *expected = run_attention(&kernel_scalar, it), *out = run_attention(kernel, it);
    check(out, expected, it->shape.heads * it->shape.head_size);
    free(expected);
    free(out);
    free_case(it);
}
