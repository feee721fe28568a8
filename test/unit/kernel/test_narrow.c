/* Tiles of four and six bits: the definition against whole numbers and doubles, every kernel against the definition. */
#include "kernel_input.h"

#include <math.h>

enum { ROW_TILES = 2, GROUPS_MAX = 16, VECTORS_MAX = 37, STRIDE = (ROW_TILES + 1) * Q8_GROUP };

static const enum narrow_kind kinds[] = {Q4_SCALE, Q4_MINIMUM, Q4_FACTORS, Q6_FACTORS};

/* The weights of ROW_TILES rows of tiles, as blocks and as a matrix. */
struct weights {
    struct narrow_block block[ROW_TILES * Q8_GROUP * GROUPS_MAX]; /* [row][groups] */
    struct q8_matrix w;
};

static struct weights *random_weights(enum narrow_kind kind, uint32_t groups, bool extreme)
{
    struct weights *weights = take(sizeof *weights);
    const size_t row_bytes = narrow_row_bytes(kind, groups);
    weights->w = (struct q8_matrix){.rows = ROW_TILES * Q8_GROUP,
                                    .cols = groups * Q8_GROUP,
                                    .row_tiles = ROW_TILES,
                                    .groups = groups,
                                    .narrow = kind,
                                    .tiles = take(ROW_TILES * row_bytes)};
    for (uint32_t row = 0; row < ROW_TILES * Q8_GROUP; row++) {
        random_narrow_row(weights->block + row * groups, kind, groups, row, extreme);
    }
    for (uint32_t tile = 0; tile < ROW_TILES; tile++) {
        narrow_pack(weights->w.tiles + tile * row_bytes, kind, weights->block + tile * Q8_GROUP * groups, groups);
    }
    return weights;
}

static void free_weights(struct weights *weights)
{
    free(weights->w.tiles);
    free(weights);
}

static int32_t number(const struct narrow_block *block, enum narrow_kind kind, uint32_t column)
{
    const int32_t low = column < 16 ? block->low[column] & 15 : block->low[column - 16] >> 4;
    const uint32_t eight = column % 16 / 8, pair = column % 8 / 4 * 2 + column / 16;
    return kind == Q6_FACTORS ? low | (block->high[4 * eight + column % 4] >> 2 * pair & 3) << 4 : low;
}

/* Values as base/narrow.h defines them. */
struct value {
    float scale, minimum;
    int32_t offset;
};

static struct value value_of(const struct narrow_block *block, enum narrow_kind kind, uint32_t column)
{
    const float scale = half_to_float(block->scale), minimum = half_to_float(block->minimum);
    switch (kind) {
    case Q4_SCALE:
        return (struct value){scale, 0.0f, 8};
    case Q4_MINIMUM:
        return (struct value){scale, minimum, 0};
    case Q6_FACTORS:
        return (struct value){scale * block->factor[column / 16], 0.0f, 32};
    default:
        return (struct value){scale * block->scale_factor, -(minimum * block->minimum_factor), 0};
    }
}

static void rows_come_back(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) {
        struct weights *weights = random_weights(kinds[i], GROUPS_MAX, false);
        float out[GROUPS_MAX * Q8_GROUP];
        for (uint32_t row = 0; row < ROW_TILES * Q8_GROUP; row++) {
            narrow_row(out, weights->w.tiles + row / Q8_GROUP * narrow_row_bytes(kinds[i], GROUPS_MAX), kinds[i],
                       GROUPS_MAX, row % Q8_GROUP);
            for (uint32_t column = 0; column < GROUPS_MAX * Q8_GROUP; column++) {
                const struct narrow_block *block = &weights->block[row * GROUPS_MAX + column / Q8_GROUP];
                const struct value value = value_of(block, kinds[i], column % Q8_GROUP);
                const float expected =
                    (float)(number(block, kinds[i], column % Q8_GROUP) - value.offset) * value.scale + value.minimum;
                assert_true(out[column] == expected);
            }
        }
        free_weights(weights);
    }
}

static struct q8_vector random_vector(const struct kernel *kernel, uint32_t groups, bool extreme)
{
    float *input = random_floats(groups * Q8_GROUP, 3.0f);
    for (uint32_t i = 0; extreme && i < groups * Q8_GROUP; i++) {
        input[i] = input[i] < 0 ? -2.0f : 2.0f; /* all activations at +-127 */
    }
    struct q8_vector x = take_q8(groups);
    kernel->quantize(&x, input, groups);
    free(input);
    return x;
}

/* One row's product with x, in whole numbers and doubles; *bound: what single precision may be off. */
static double product(const struct narrow_block *block, enum narrow_kind kind, const struct q8_vector *x,
                      uint32_t groups, double *bound)
{
    double sum = 0;
    *bound = 0;
    for (uint32_t group = 0; group < groups; group++, block++) {
        double scaled = 0, below = 0;
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            const struct value value = value_of(block, kind, i);
            const double element = (double)x->q[group * Q8_GROUP + i] * x->scale[group];
            scaled += (number(block, kind, i) - value.offset) * element * value.scale;
            below += element * value.minimum;
        }
        sum += scaled + below;
        *bound += (fabs(scaled) + fabs(below)) * 0x1p-21;
    }
    return sum;
}

static void scalar_gives_the_product(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) {
        struct weights *weights = random_weights(kinds[i], GROUPS_MAX, i == 1);
        struct q8_vector x = random_vector(&kernel_scalar, GROUPS_MAX, i == 1);
        float out[ROW_TILES * Q8_GROUP];
        kernel_scalar.matmul_narrow(out, 0, &weights->w, &x, 1, false);
        for (uint32_t row = 0; row < ROW_TILES * Q8_GROUP; row++) {
            double bound;
            const double expected = product(weights->block + row * GROUPS_MAX, kinds[i], &x, GROUPS_MAX, &bound);
            assert_true(fabs(out[row] - expected) <= bound);
        }
        free_q8(&x);
        free_weights(weights);
    }
}

/* With one group there is one sum and one product: exactly these operations. */
static void one_group_is_exact(void **state)
{
    (void)state;
    struct weights *weights = random_weights(Q4_MINIMUM, 1, false);
    struct q8_vector x = random_vector(&kernel_scalar, 1, false);
    float out[ROW_TILES * Q8_GROUP];
    kernel_scalar.matmul_narrow(out, 0, &weights->w, &x, 1, false);
    for (uint32_t row = 0; row < ROW_TILES * Q8_GROUP; row++) {
        const struct value value = value_of(&weights->block[row], Q4_MINIMUM, 0);
        volatile float scaled = 0, below = 0, both;
        int32_t dot = 0, total = 0;
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            dot += number(&weights->block[row], Q4_MINIMUM, i) * x.q[i];
            total += x.q[i];
        }
        scaled = (float)dot * value.scale;
        below = value.minimum * (float)total;
        both = scaled + below;
        assert_true(out[row] == both * x.scale[0]);
    }
    free_q8(&x);
    free_weights(weights);
}

/* The operations of six bits in their order. */
static void six_bits_are_exact(void **state)
{
    (void)state;
    enum { GROUPS = NARROW_SUPER };
    for (uint32_t extreme = 0; extreme < 2; extreme++) {
        struct weights *weights = random_weights(Q6_FACTORS, GROUPS, extreme);
        struct q8_vector x = random_vector(&kernel_scalar, GROUPS, extreme);
        float out[ROW_TILES * Q8_GROUP];
        kernel_scalar.matmul_narrow(out, 0, &weights->w, &x, 1, false);
        for (uint32_t row = 0; row < ROW_TILES * Q8_GROUP; row++) {
            volatile float sum = 0, scale, scaled;
            for (uint32_t group = 0; group < GROUPS; group++) {
                const struct narrow_block *block = &weights->block[row * GROUPS + group];
                int64_t dot = 0;
                for (uint32_t i = 0; i < Q8_GROUP; i++) {
                    dot += (number(block, Q6_FACTORS, i) - 32) * block->factor[i / 16] * x.q[group * Q8_GROUP + i];
                }
                assert_true(dot > -(1 << 24) && dot < 1 << 24);
                scale = half_to_float(block->scale) * x.scale[group];
                scaled = (float)dot * scale;
                sum += scaled;
            }
            assert_true(out[row] == sum);
        }
        free_q8(&x);
        free_weights(weights);
    }
}

/* The same weights in int8 give the same bits. */
static void check_as_in_int8(enum narrow_kind kind)
{
    enum { GROUPS = NARROW_SUPER };
    struct weights *weights = random_weights(kind, GROUPS, false);
    for (uint32_t i = 0; kind == Q6_FACTORS && i < ROW_TILES * Q8_GROUP * GROUPS; i++) {
        weights->block[i].factor[0] = weights->block[i].factor[1] = 1;
    }
    for (uint32_t tile = 0; tile < ROW_TILES; tile++) {
        narrow_pack(weights->w.tiles + tile * narrow_row_bytes(kind, GROUPS), kind,
                    weights->block + tile * Q8_GROUP * GROUPS, GROUPS);
    }
    struct q8_matrix int8 = weights->w;
    int8.narrow = NARROW_NONE;
    int8.tiles = take((size_t)ROW_TILES * GROUPS * kernel_scalar.tile_bytes);
    for (uint32_t tile = 0; tile < ROW_TILES * GROUPS; tile++) {
        struct q8_0_block rows[Q8_GROUP];
        for (uint32_t row = 0; row < Q8_GROUP; row++) {
            const struct narrow_block *block =
                &weights->block[(tile / GROUPS * Q8_GROUP + row) * GROUPS + tile % GROUPS];
            rows[row].scale = block->scale;
            for (uint32_t i = 0; i < Q8_GROUP; i++) {
                rows[row].q[i] = (int8_t)(number(block, kind, i) - value_of(block, kind, i).offset);
            }
        }
        kernel_scalar.tile_pack(int8.tiles + (size_t)tile * kernel_scalar.tile_bytes, rows, 1);
    }
    struct q8_vector x = random_vector(&kernel_scalar, GROUPS, false);
    float expected[ROW_TILES * Q8_GROUP], out[ROW_TILES * Q8_GROUP];
    kernel_matmul(&kernel_scalar, expected, 0, &int8, &x, 1, false);
    kernel_matmul(&kernel_scalar, out, 0, &weights->w, &x, 1, false);
    assert_same_bits(out, expected, ROW_TILES * Q8_GROUP);
    free(int8.tiles);
    free_q8(&x);
    free_weights(weights);
}

static void scale_alone_is_as_in_int8(void **state)
{
    (void)state;
    check_as_in_int8(Q4_SCALE);
    check_as_in_int8(Q6_FACTORS);
}

static void check_one(const struct kernel *kernel, enum narrow_kind kind, uint32_t groups, uint32_t count, bool extreme,
                      bool add)
{
    struct weights *weights = random_weights(kind, groups, extreme);
    struct q8_vector expected_x[VECTORS_MAX], x[VECTORS_MAX];
    float *expected = random_floats(count * STRIDE, 1.0f), *out = take(count * STRIDE * sizeof *out);
    memcpy(out, expected, count * STRIDE * sizeof *out);
    for (uint32_t i = 0; i < count; i++) {
        float *input = random_floats(groups * Q8_GROUP, 3.0f);
        for (uint32_t j = 0; extreme && j < groups * Q8_GROUP; j++) {
            input[j] = input[j] < 0 || i % 2 == 0 ? -2.0f : 2.0f;
        }
        expected_x[i] = take_q8(groups);
        x[i] = take_q8(groups);
        kernel_scalar.quantize(&expected_x[i], input, groups);
        kernel->quantize(&x[i], input, groups);
        free(input);
    }
    kernel_scalar.matmul_narrow(expected, STRIDE, &weights->w, expected_x, count, add);
    kernel->matmul_narrow(out, STRIDE, &weights->w, x, count, add);
    assert_same_bits(out, expected, count * STRIDE); /* and nothing between the rows is touched */
    for (uint32_t i = 0; i < count; i++) {
        free_q8(&expected_x[i]);
        free_q8(&x[i]);
    }
    free(expected);
    free(out);
    free_weights(weights);
}

static void check_kernel(const struct kernel *kernel)
{
    for (uint32_t i = 0; i < COUNT_OF(kinds); i++) {
        const uint32_t step = kinds[i] == Q4_FACTORS || kinds[i] == Q6_FACTORS ? NARROW_SUPER : 1;
        for (uint32_t groups = step; groups <= GROUPS_MAX; groups += step) {
            const uint32_t count = (groups * 5 + i) % VECTORS_MAX + 1;
            check_one(kernel, kinds[i], groups, 1, false, false);
            check_one(kernel, kinds[i], groups, count, false, true);
            check_one(kernel, kinds[i], groups, count, true, false);
        }
    }
}

static void every_kernel_gives_the_same_bits(void **state)
{
    (void)state;
    for_each_kernel(check_kernel);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_come_back),
        cmocka_unit_test(scalar_gives_the_product),
        cmocka_unit_test(one_group_is_exact),
        cmocka_unit_test(six_bits_are_exact),
        cmocka_unit_test(scale_alone_is_as_in_int8),
        cmocka_unit_test(every_kernel_gives_the_same_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
