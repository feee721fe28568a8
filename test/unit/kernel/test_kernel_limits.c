/* Numbers that no working model has, subnormal, huge, infinite and NaN: the same bits on every kernel, or NaN. */
#include "kernel_input.h"

#include <math.h>

/* No scale that counts makes a product with an f16 scale below the normal range, where x87 rounds elsewhere. */
static void small_scales_count_as_zero(void **state)
{
    (void)state;
    float x[Q8_GROUP] = {[0] = 0x1p-94f}, tiny[Q8_GROUP] = {[0] = nextafterf(0x1p-94f, 0)},
          weight[Q8_GROUP] = {[0] = 1.0f};
    struct q8_vector out = take_q8(1);
    kernel_scalar.quantize(&out, x, 1);
    assert_true(out.scale[0] * 0x1p-24f >= 0x1p-126f);
    kernel_scalar.quantize(&out, tiny, 1);
    assert_true(out.scale[0] == 0.0f);
    x[0] = 0x1p20f; /* 1 / rms is about 2^-17.5 */
    weight[0] = 0x1p-55f;
    kernel_scalar.norm_quantize(&out, x, weight, Q8_GROUP, 1e-5f);
    assert_true(out.scale[0] >= Q8_SCALE_SMALLEST && out.scale[0] < 2 * Q8_SCALE_SMALLEST);
    weight[0] = 0x1p-56f;
    kernel_scalar.norm_quantize(&out, x, weight, Q8_GROUP, 1e-5f);
    assert_true(out.scale[0] == 0.0f);
    free_q8(&out);
}

/* Any finite float, infinity or NaN: mostly of the exponents about `middle`, some from anywhere. */
static float wild_float(int32_t middle)
{
    const uint32_t random = random_u32(), exponent = (uint32_t)(middle + 127) + random_u32() % 5 - 2;
    switch (random_u32() % 16) {
    case 0:
        return 0.0f;
    case 1:
        return float_from_bits(random);
    default:
        return float_from_bits((random & 0x807FFFFF) | exponent << 23);
    }
}

static const int32_t wild_exponents[] = {-125, -120, -96, -94, -70, -60, -30, 0, 6, 20, 50, 59, 62, 90, 124};

/* Numbers that reach a quantization, 2^-94 and more, must have the same bits; one NaN is as good as another. */
static void assert_same_numbers(const float *a, const float *b, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!(isnan(a[i]) && isnan(b[i])) && !(fabsf(a[i]) < 0x1p-94f && fabsf(b[i]) < 0x1p-94f)) {
            assert_same_bits(a + i, b + i, 1);
        }
    }
}

/* Products of tiles of four and six bits with vectors that two kernels quantized. */
static void check_narrow(const struct kernel *kernel, const struct q8_vector *x, const struct q8_vector *expected_x)
{
    static const enum narrow_kind kinds[] = {Q4_SCALE, Q4_MINIMUM, Q4_FACTORS, Q6_FACTORS};
    float expected[2 * Q8_GROUP], *out = take(sizeof expected);
    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) {
        struct q8_matrix w = random_narrow_matrix(kinds[i], 2, NARROW_SUPER);
        kernel_scalar.matmul_narrow(expected, 0, &w, expected_x, 1, false);
        kernel->matmul_narrow(out, 0, &w, x, 1, false);
        assert_same_numbers(out, expected, 2 * Q8_GROUP);
        free(w.tiles);
    }
    free(out);
}

/* Norm and quantization of wild numbers, then a matrix product with what came out. */
static void check_wild_vector(const struct kernel *kernel, int32_t x_exponent, int32_t weight_exponent)
{
    enum { GROUPS = NARROW_SUPER, ROW_TILES = 2 };
    float *x = take(GROUPS * Q8_GROUP * sizeof *x), *weight = take(GROUPS * Q8_GROUP * sizeof *weight);
    float expected[ROW_TILES * Q8_GROUP], *out = take(sizeof expected);
    struct q8_vector expected_q8 = take_q8(GROUPS), q8 = take_q8(GROUPS);
    struct q8_matrix expected_w = {.row_tiles = ROW_TILES, .groups = GROUPS}, w = expected_w;
    random_matrices(&expected_w, &kernel_scalar, &w, kernel, false);
    for (uint32_t i = 0; i < GROUPS * Q8_GROUP; i++) {
        x[i] = i % 3 == 0 ? wild_float(x_exponent) : random_float() * ldexpf(1, x_exponent);
        weight[i] = random_float() * ldexpf(1, weight_exponent); /* finite: the loader sees to that */
    }
    for (uint32_t norm = 0; norm < 2; norm++) {
        if (norm) {
            kernel_scalar.norm_quantize(&expected_q8, x, weight, GROUPS * Q8_GROUP, Q8_EPSILON_SMALLEST);
            kernel->norm_quantize(&q8, x, weight, GROUPS * Q8_GROUP, Q8_EPSILON_SMALLEST);
        } else {
            kernel_scalar.quantize(&expected_q8, x, GROUPS);
            kernel->quantize(&q8, x, GROUPS);
        }
        assert_same_q8(&q8, &expected_q8, GROUPS);
        kernel_scalar.matmul(expected, 0, &expected_w, &expected_q8, 1, false);
        kernel->matmul(out, 0, &w, &q8, 1, false);
        assert_same_numbers(out, expected, ROW_TILES * Q8_GROUP);
        check_narrow(kernel, &q8, &expected_q8);
    }
    free(x);
    free(weight);
    free(out);
    free(expected_w.tiles);
    free(w.tiles);
    free_q8(&expected_q8);
    free_q8(&q8);
}

static void check_wild_vectors(const struct kernel *kernel)
{
    for (uint32_t i = 0; i < COUNT_OF(wild_exponents); i++) {
        for (uint32_t j = 0; j < COUNT_OF(wild_exponents); j++) {
            check_wild_vector(kernel, wild_exponents[i], wild_exponents[j]);
        }
    }
}

static void wild_vectors_give_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_wild_vectors);
}

static void too_large_is_no_number(void **state)
{
    (void)state;
    float x[Q8_GROUP] = {[0] = 0x1p60f, [1] = 1.0f}, weight[Q8_GROUP] = {[0] = 0x1p-30f, [1] = 0x1p20f};
    struct q8_vector out = take_q8(1);
    kernel_scalar.quantize(&out, x, 1);
    assert_true(isnan(out.scale[0]) && out.q[0] == 0);
    x[0] = nextafterf(0x1p60f, 0);
    kernel_scalar.quantize(&out, x, 1);
    assert_true(out.scale[0] == x[0] * (1.0f / 127.0f) && out.q[0] == 127);
    x[0] = 0; /* 1 / rms is about 2^2.5 */
    kernel_scalar.norm_quantize(&out, x, weight, Q8_GROUP, 1e-5f);
    assert_true(isnan(out.scale[0]));
    weight[1] = 0x1p12f;
    kernel_scalar.norm_quantize(&out, x, weight, Q8_GROUP, 1e-5f);
    assert_true(out.scale[0] > 128.0f && out.scale[0] < 256.0f);
    x[0] = 0x1p55f; /* the mean of the squares is 2^105 */
    kernel_scalar.norm_quantize(&out, x, weight, Q8_GROUP, 1e-5f);
    assert_true(isnan(out.scale[0]));
    free_q8(&out);
}

/* What matrices may make, by kernel.h: 2^-107 to 2^58, and NaN. */
static const int32_t value_exponents[] = {-106, -100, -94, -60, -30, 0, 6, 20, 50, 57};

enum { VALUE_EXPONENTS = COUNT_OF(value_exponents) };

static float *wild_values(float *x, uint32_t n, uint32_t pick)
{
    for (uint32_t i = 0; i < n; i++) {
        const int32_t exponent = value_exponents[(pick + random_u32() % 2) % VALUE_EXPONENTS];
        const float value = ldexpf(0.5f + fabsf(x[i]) / 4, exponent);
        x[i] = random_u32() % 2000 == 0 ? NAN : x[i] < 0 ? -value : value;
    }
    return x;
}

/* Rows of queries, keys and values from wild numbers, as the transformer quantizes them. */
static void check_wild_attention(const struct kernel *kernel)
{
    for (uint32_t pick = 0; pick < VALUE_EXPONENTS * VALUE_EXPONENTS * 3; pick++) {
        struct attention_case it = random_attention(4, 2, 8, pick % 40);
        struct kv_cache *cache = &it.cache;
        float *q = wild_values(random_floats(Q8_GROUP, 1.0f), Q8_GROUP, pick);
        kernel->heads_quantize(it.q, it.q_scale, q, 4, 8, KV_KEY_RANGE);
        for (uint32_t i = 0; i < 2 * it.shape.context; i++) { /* both KV heads */
            float *x = wild_values(random_floats(Q8_GROUP, 1.0f), Q8_GROUP, pick / VALUE_EXPONENTS);
            const float before = i % it.shape.context > 0 ? cache->v_largest[i - 1] : 0;
            const float scale = fabsf(x[0]) / KV_VALUE_RANGE;
            cache->k_scale[i] = fabsf(x[1]) / KV_KEY_RANGE;
            cache->v_largest[i] = isnan(scale) || scale > before ? scale : before;
            cache->v_scale[i] = isnan(scale) ? 0 : scale;
            free(x);
        }
        free(q);
        check_case(kernel, &it, assert_same_numbers);
    }
}

/* Puts the number and the scale behind the current position, the number between head_size and head_stride as well. */
static void spoil_unused(const struct attention_case *it, int16_t number, uint32_t scale)
{
    const struct attention *shape = &it->shape;
    for (size_t row = 0; row < (size_t)shape->kv_heads * shape->context; row++) {
        const uint32_t t = row % shape->context;
        const bool later = t > shape->position;
        const size_t head = (row - t) * shape->head_stride;
        for (uint32_t i = later ? 0 : shape->head_size; i < shape->head_stride; i++) {
            it->cache.k[head + kv_key_index(shape->head_stride, t, i)] = number;
            it->cache.v[head + kv_value_index(shape->head_stride, t, i)] = number;
        }
        if (later) {
            memcpy(it->cache.k_scale + row, &scale, sizeof scale);
            memcpy(it->cache.v_scale + row, &scale, sizeof scale);
            memcpy(it->cache.v_largest + row, &scale, sizeof scale);
        }
    }
}

static void check_unused(const struct kernel *kernel, uint32_t head_size, uint32_t position)
{
    static const int16_t numbers[] = {INT16_MIN, INT16_MAX, -1};
    static const uint32_t scales[] = {0x7F800001, 0xFFC00000, 0x7F800000, 0xFF800000, 0x7F7FFFFF, 0xFF7FFFFF, 1};
    struct attention_case it = random_attention(6, 2, head_size, position);
    for (uint32_t i = 0; i < 6 * head_size; i++) {
        it.q[i] = KV_KEY_RANGE;
    }
    it.shape.window = position % 2 * 9;
    spoil_unused(&it, 0, 0);
    float *expected = run_attention(&kernel_scalar, &it);
    for (uint32_t i = 0; i < COUNT_OF(numbers) * COUNT_OF(scales); i++) {
        spoil_unused(&it, numbers[i % COUNT_OF(numbers)], scales[i / COUNT_OF(numbers)]);
        float *out = run_attention(kernel, &it);
        assert_same_bits(out, expected, 6 * head_size);
        free(out);
    }
    free(expected);
    free_case(&it);
}

static void check_all_unused(const struct kernel *kernel)
{
    static const uint32_t sizes[] = {6, 8, 128};
    for (uint32_t i = 0; i < COUNT_OF(sizes); i++) {
        for (uint32_t position = 0; position < 2 * KV_BLOCK; position += 5) {
            check_unused(kernel, sizes[i], position);
        }
    }
}

static void what_is_not_attended_to_may_be_anything(void **state)
{
    single_precision(state);
    check_all_unused(&kernel_scalar);
    for_each_kernel(check_all_unused);
}

static void check_wild_gates(const struct kernel *kernel)
{
    for (uint32_t pick = 0; pick < VALUE_EXPONENTS * VALUE_EXPONENTS; pick++) {
        float *gate = wild_values(random_floats(4 * Q8_GROUP, 1.0f), 4 * Q8_GROUP, pick);
        float *up = wild_values(random_floats(4 * Q8_GROUP, 1.0f), 4 * Q8_GROUP, pick / VALUE_EXPONENTS);
        float *expected = take(4 * Q8_GROUP * sizeof *expected);
        float *out = take(4 * Q8_GROUP * sizeof *out);
        kernel_scalar.geglu(expected, gate, up, 4 * Q8_GROUP);
        kernel->geglu(out, gate, up, 4 * Q8_GROUP);
        assert_same_numbers(out, expected, 4 * Q8_GROUP);
        kernel_scalar.swiglu(expected, gate, up, 4 * Q8_GROUP);
        kernel->swiglu(gate, gate, up, 4 * Q8_GROUP);
        assert_same_numbers(gate, expected, 4 * Q8_GROUP);
        free(out);
        free(gate);
        free(up);
        free(expected);
    }
}

static void wild_activations_give_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_wild_attention);
    for_each_kernel(check_wild_gates);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_scales_count_as_zero),
        cmocka_unit_test(wild_vectors_give_the_same_bits),
        cmocka_unit_test(too_large_is_no_number),
        cmocka_unit_test(wild_activations_give_the_same_bits),
        cmocka_unit_test(what_is_not_attended_to_may_be_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
