/*
 * blocks.h against the layouts of ggml-common.h, written once more: here the value of one element of a block, found by
 * its index, in double precision. test/model/test_blocks.py compares with ggml itself.
 */
#include "unit.h"

#include <math.h>

#include "block_scales.h"
#include "gguf/blocks.h"
#include "gguf/gguf.h"
#include "kernel/kernel.h"

enum { ROUNDS = 200, BYTES_MAX = 210, ELEMENTS_MAX = 256 };

static uint32_t seed = 1;

static uint8_t random_byte(void)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint8_t)(seed >> 24);
}

/* The f16 at a byte of the block. */
static double half_at(const uint8_t *block, uint32_t at)
{
    return half_to_float((uint16_t)(block[at] | block[at + 1] << 8));
}

/* Bits [first, first + count) of the bytes as one little-endian number. */
static int bits_at(const uint8_t *bytes, uint32_t first, uint32_t count)
{
    int value = 0;
    for (uint32_t i = 0; i < count; i++) {
        value |= (bytes[(first + i) / 8] >> (first + i) % 8 & 1) << i;
    }
    return value;
}

/* Four bits in blocks of 32: element i and element i + 16 share a byte. */
static int four_of_32(const uint8_t *bytes, uint32_t i)
{
    return bits_at(bytes, i % 16 * 8 + i / 16 * 4, 4);
}

/* In blocks of 256: element i and element i + 32 share a byte. */
static int four_of_64(const uint8_t *bytes, uint32_t i)
{
    return bits_at(bytes + i / 64 * 32, i % 32 * 8 + i % 64 / 32 * 4, 4);
}

/* Elements i, i + 32, i + 64 and i + 96 share a byte. */
static int two_of_128(const uint8_t *bytes, uint32_t i)
{
    return bits_at(bytes + i / 128 * 32, i % 32 * 8 + i % 128 / 32 * 2, 2);
}

/* Scale and minimum of a group of Q4_K and Q5_K: 6 bits each. */
static int six_bits(const uint8_t *scales, uint32_t group, bool minimum)
{
    if (group < 4) {
        return bits_at(scales, (group + 4 * minimum) * 8, 6);
    }
    return bits_at(scales, (group + 4) * 8 + 4 * minimum, 4) | bits_at(scales, (group - 4 + 4 * minimum) * 8 + 6, 2)
                                                                   << 4;
}

static const int iq4[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};
static const double e2m1[16] = {0, .5, 1, 1.5, 2, 3, 4, 6, 0, -.5, -1, -1.5, -2, -3, -4, -6};

/* Element i of a block, and what the roundings of its computation may take away, in *error. */
static double value_at(uint32_t type, const uint8_t *block, uint32_t i, double *error)
{
    double scale = half_at(block, 0), minimum = half_at(block, 2), factor;
    *error = 0;
    switch (type) {
    case GGUF_TYPE_Q4_0:
        return scale * (four_of_32(block + 2, i) - 8);
    case GGUF_TYPE_Q4_1:
        factor = scale * four_of_32(block + 4, i);
        *error = fabs(factor) + fabs(minimum);
        return factor + minimum;
    case GGUF_TYPE_Q5_0:
        return scale * (four_of_32(block + 6, i) + 16 * bits_at(block + 2, i, 1) - 16);
    case GGUF_TYPE_Q5_1:
        factor = scale * (four_of_32(block + 8, i) + 16 * bits_at(block + 4, i, 1));
        *error = fabs(factor) + fabs(minimum);
        return factor + minimum;
    case GGUF_TYPE_Q8_0:
        return scale * (int8_t)block[2 + i];
    case GGUF_TYPE_IQ4_NL:
        return scale * iq4[four_of_32(block + 2, i)];
    case GGUF_TYPE_MXFP4:
        return ldexp(e2m1[four_of_32(block + 1, i)], block[0] - 127);
    case GGUF_TYPE_Q2_K:
        factor = half_at(block, 80) * bits_at(block, i / 16 * 8, 4) * two_of_128(block + 16, i);
        minimum = half_at(block, 82) * bits_at(block, i / 16 * 8 + 4, 4);
        *error = fabs(factor) + fabs(minimum);
        return factor - minimum;
    case GGUF_TYPE_Q3_K:
        factor = bits_at(block + 96, i / 16 % 8 * 8 + i / 128 * 4, 4) |
                 bits_at(block + 104, i / 16 % 4 * 8 + i / 64 * 2, 2) << 4;
        scale = half_at(block, 108) * (factor - 32);
        return scale * (two_of_128(block + 32, i) + 4 * bits_at(block, i % 32 * 8 + i / 32, 1) - 4);
    case GGUF_TYPE_Q4_K:
        factor = scale * six_bits(block + 4, i / 32, false) * four_of_64(block + 16, i);
        minimum *= six_bits(block + 4, i / 32, true);
        *error = fabs(factor) + fabs(minimum);
        return factor - minimum;
    case GGUF_TYPE_Q5_K:
        factor = scale * six_bits(block + 4, i / 32, false) *
                 (four_of_64(block + 48, i) + 16 * bits_at(block + 16, i % 32 * 8 + i / 32, 1));
        minimum *= six_bits(block + 4, i / 32, true);
        *error = fabs(factor) + fabs(minimum);
        return factor - minimum;
    case GGUF_TYPE_Q6_K:
        factor = half_at(block, 208) * (int8_t)block[192 + i / 16];
        return factor * (bits_at(block + i / 128 * 64, i % 64 * 8 + i % 128 / 64 * 4, 4) +
                         16 * bits_at(block + 128 + i / 128 * 32, i % 32 * 8 + i % 128 / 32 * 2, 2) - 32);
    default: /* IQ4_XS */
        factor = bits_at(block + 4, i / 32 * 4, 4) | bits_at(block + 2, i / 32 * 2, 2) << 4;
        return scale * (factor - 32) * iq4[four_of_32(block + 8 + i / 32 * 16, i % 32)];
    }
}

static const uint32_t types[] = {GGUF_TYPE_Q4_0,   GGUF_TYPE_Q4_1,   GGUF_TYPE_Q5_0, GGUF_TYPE_Q5_1, GGUF_TYPE_Q8_0,
                                 GGUF_TYPE_Q2_K,   GGUF_TYPE_Q3_K,   GGUF_TYPE_Q4_K, GGUF_TYPE_Q5_K, GGUF_TYPE_Q6_K,
                                 GGUF_TYPE_IQ4_NL, GGUF_TYPE_IQ4_XS, GGUF_TYPE_MXFP4};

/* Any bytes, but for scales that are finite. */
static void fill(uint8_t *block, uint32_t type)
{
    const struct block_scales scales = block_scales(type);
    for (uint32_t i = 0; i < blocks_bytes(type); i++) {
        block[i] = random_byte();
    }
    for (uint32_t i = 0; i < scales.count; i++) {
        block[scales.at[i] + 1] &= 0xBF;
    }
}

static void every_element_of_every_type(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(types); k++) {
        uint8_t bytes[BYTES_MAX + 1], *block = bytes + k % 2; /* of any alignment */
        const uint32_t elements = blocks_elements(types[k]);
        for (uint32_t round = 0; round < ROUNDS; round++) {
            float x[ELEMENTS_MAX];
            fill(block, types[k]);
            single_precision(state);
            blocks_decode(x, block, types[k], elements);
            full_precision(state);
            for (uint32_t i = 0; i < elements; i++) {
                double error;
                const double value = value_at(types[k], block, i, &error);
                error = error == 0 ? fabs(value) * 0x1p-22 : error * 0x1p-22;
                if (!(x[i] == (float)value || fabs(x[i] - value) <= error)) { /* MXFP4 goes beyond all floats */
                    fail_test("type %u, element %u: %g instead of %g\n", types[k], i, (double)x[i], value);
                }
            }
        }
    }
}

static void sizes(void **state)
{
    static const struct {
        uint32_t type, elements, bytes;
    } rows[] = {{0, 1, 4},    {1, 1, 2},      {2, 32, 18},    {3, 32, 20},    {6, 32, 22},    {7, 32, 24},
                {8, 32, 34},  {10, 256, 84},  {11, 256, 110}, {12, 256, 144}, {13, 256, 176}, {14, 256, 210},
                {20, 32, 18}, {23, 256, 136}, {30, 1, 2},     {39, 32, 17}};
    (void)state;
    for (uint32_t type = 0, row = 0; type < 300; type++) {
        const bool known = row < COUNT_OF(rows) && rows[row].type == type;
        assert_int_equal(blocks_elements(type), known ? rows[row].elements : 0);
        assert_int_equal(blocks_bytes(type), known ? rows[row].bytes : 0);
        row += known;
    }
}

/* Whether a number of a group is what q8_0 promises of x: off by half a step at most, and by what f16 takes of a
   scale. */
static bool is_near(const struct q8_0_block *group, uint32_t i, float x)
{
    const float scale = half_to_float(group->scale);
    return fabsf(scale * (float)group->q[i] - x) <= 0.57f * scale + 127 * 0x1p-25f;
}

/* Decoding, scales and quantizing apart give the same. */
static void check_in_two_steps(const struct q8_0_block *expected, const float *x, const uint8_t *block, uint32_t type)
{
    const uint32_t groups = blocks_elements(type) / Q8_0_BLOCK;
    struct q8_0_block out[ELEMENTS_MAX / Q8_0_BLOCK];
    float scales[ELEMENTS_MAX / Q8_0_BLOCK];
    if (!blocks_are_kept(type)) {
        assert_true(blocks_scales(scales, x, block, type, blocks_elements(type)));
        kernel_scalar.blocks_quantize(out, x, false, scales, groups);
        assert_memory_equal(out, expected, groups * sizeof *out);
    }
}

/* Blocks of whole numbers stay what they are; others become groups with a scale of at least the rule's. */
static void as_q8_0(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(types); k++) {
        const uint32_t type = types[k], elements = blocks_elements(type);
        const bool whole = type == GGUF_TYPE_Q5_0 || type == GGUF_TYPE_Q8_0 || type == GGUF_TYPE_IQ4_NL;
        uint8_t block[BYTES_MAX];
        for (uint32_t round = 0; blocks_narrow_kind(type) == NARROW_NONE && round < ROUNDS; round++) {
            struct q8_0_block out[ELEMENTS_MAX / Q8_0_BLOCK];
            float x[ELEMENTS_MAX];
            single_precision(state);
            fill(block, type);
            const bool exact = whole || (type == GGUF_TYPE_MXFP4 && block[0] >= 104 && block[0] <= 143);
            blocks_decode(x, block, type, elements);
            blocks_to_q8_0(out, block, type, elements);
            check_in_two_steps(out, x, block, type);
            for (uint32_t i = 0; i < elements; i++) {
                const struct q8_0_block *group = &out[i / Q8_0_BLOCK];
                const float rule = q8_0_largest(x + i / Q8_0_BLOCK * Q8_0_BLOCK, Q8_0_BLOCK) / 127;
                if (exact) {
                    assert_true(half_to_float(group->scale) * (float)group->q[i % Q8_0_BLOCK] == x[i]);
                } else if (half_is_finite(group->scale)) {
                    assert_true(is_near(group, i % Q8_0_BLOCK, x[i]));
                    assert_true(half_to_float(group->scale) <= 1.6f * rule + 0x1p-24f);
                } else {
                    assert_true(1.6f * rule > 65504);
                }
            }
            full_precision(state);
        }
    }
}

/* What a block narrower than a byte says by narrow.h. */
static float value_of_narrow(const struct narrow_block *block, enum narrow_kind kind, uint32_t i)
{
    const float n = (float)four_of_32(block->low, i), scale = half_to_float(block->scale);
    const float minimum = half_to_float(block->minimum);
    switch (kind) {
    case Q4_SCALE:
        return scale * (n - 8);
    case Q4_MINIMUM:
        return scale * n + minimum;
    case Q6_FACTORS:
        return scale * block->factor[i / 16] *
               (n + 16 * (float)bits_at(block->high, (i % 16 / 8 * 4 + i % 4) * 8 + i % 8 / 4 * 4 + i / 16 * 2, 2) -
                32);
    default:
        return scale * block->scale_factor * n - minimum * block->minimum_factor;
    }
}

/* Four and six bits stay what they are, value by value. */
static void as_narrow(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(types); k++) {
        const uint32_t type = types[k], elements = blocks_elements(type);
        const enum narrow_kind kind = blocks_narrow_kind(type);
        assert_int_equal(kind, type == GGUF_TYPE_Q4_0   ? Q4_SCALE
                               : type == GGUF_TYPE_Q4_1 ? Q4_MINIMUM
                               : type == GGUF_TYPE_Q4_K ? Q4_FACTORS
                               : type == GGUF_TYPE_Q6_K ? Q6_FACTORS
                                                        : NARROW_NONE);
        for (uint32_t round = 0; kind != NARROW_NONE && round < ROUNDS; round++) {
            struct narrow_block out[2 * ELEMENTS_MAX / Q8_0_BLOCK];
            uint8_t blocks[2 * BYTES_MAX];
            float x[2 * ELEMENTS_MAX];
            single_precision(state);
            fill(blocks, type);
            fill(blocks + blocks_bytes(type), type);
            blocks_decode(x, blocks, type, 2 * elements);
            blocks_to_narrow(out, blocks, type, 2 * elements);
            for (uint32_t i = 0; i < 2 * elements; i++) {
                assert_true(value_of_narrow(&out[i / Q8_0_BLOCK], kind, i % Q8_0_BLOCK) == x[i]);
            }
            full_precision(state);
        }
    }
}

/* Puts an f16 at a byte of the block. */
static void put_half(uint8_t *block, uint32_t at, float value)
{
    const uint16_t half = half_from_float(value);
    block[at] = (uint8_t)half;
    block[at + 1] = (uint8_t)(half >> 8);
}

/* Numbers that lie on a grid stay on one: no scale but a part of the grid's step. */
static void distances_are_kept(void **state)
{
    struct q8_0_block out[ELEMENTS_MAX / Q8_0_BLOCK];
    uint8_t block[BYTES_MAX] = {0};
    (void)state;
    put_half(block, 0, 1);     /* Q5_1, without any of its fifth bits */
    put_half(block, 2, -7.7f); /* of the scales 1/16 to 1/12, 1/13 holds it best: -100.1 of them */
    for (uint32_t i = 0; i < 16; i++) {
        block[8 + i] = (uint8_t)(i * 17);
    }
    blocks_to_q8_0(out, block, GGUF_TYPE_Q5_1, Q8_0_BLOCK);
    assert_int_equal(out[0].scale, half_from_float(1 / 13.0f));
    for (int i = 0; i < Q8_0_BLOCK; i++) {
        assert_int_equal(out[0].q[i], 13 * (i % 16) - 100);
    }

    memset(block, 0, sizeof block);
    put_half(block, 108, 1); /* Q3_K: -4 everywhere, 10 times in the first 16, -3 times in the second */
    block[96] = 42 & 15;
    block[97] = 29 & 15;
    block[104] = 42 >> 4;
    block[105] = 29 >> 4;
    block[32] = 2; /* the first number is -2, the last one 3 */
    block[63] = 3;
    block[31] = 1;
    blocks_to_q8_0(out, block, GGUF_TYPE_Q3_K, ELEMENTS_MAX);
    assert_int_equal(out[0].scale, half_from_float(10 / 31.0f));
    assert_int_equal(out[0].q[0], -62);
    assert_int_equal(out[0].q[15], -124);
    assert_int_equal(out[0].q[16], 37);  /* 37.2 */
    assert_int_equal(out[0].q[31], -28); /* -27.9 */

    memset(block, 0, sizeof block);
    put_half(block, 0, 0.5f); /* IQ4_XS: a factor of -32, the largest number 113 of 127 */
    memset(block + 8, 0xEF, 16);
    blocks_to_q8_0(out, block, GGUF_TYPE_IQ4_XS, ELEMENTS_MAX);
    assert_int_equal(out[0].scale, half_from_float(16));
    assert_int_equal(out[0].q[0], -113);
    assert_int_equal(out[0].q[16], -89);
}

static void rows_of_floats_end_anywhere(void **state)
{
    static const uint32_t float_types[] = {GGUF_TYPE_F32, GGUF_TYPE_F16, GGUF_TYPE_BF16};
    static const float row[35] = {1, -127, 64, [32] = 3, -1, 2};
    (void)state;
    for (size_t k = 0; k < COUNT_OF(float_types); k++) {
        uint8_t bytes[sizeof row + 1];
        float back[35];
        struct q8_0_block out[3] = {{0}, {0}, {0xABCD, {0}}};
        for (uint32_t i = 0; i < 35; i++) {
            const uint16_t half = k == 1 ? half_from_float(row[i]) : (uint16_t)(float_bits(row[i]) >> 16);
            memcpy(bytes + 1 + i * blocks_bytes(float_types[k]), k == 0 ? (const void *)&row[i] : &half,
                   k == 0 ? 4 : 2);
        }
        blocks_decode(back, bytes + 1, float_types[k], 35);
        assert_memory_equal(back, row, sizeof row);
        blocks_to_q8_0(out, bytes + 1, float_types[k], 35);
        assert_int_equal(out[0].scale, half_from_float(1.0f));
        assert_true(out[0].q[0] == 1 && out[0].q[1] == -127 && out[0].q[2] == 64 && out[0].q[31] == 0);
        assert_true(out[1].q[0] == 127 && out[1].q[1] == -42 && out[1].q[2] == 85 && out[1].q[3] == 0);
        assert_int_equal(out[2].scale, 0xABCD);
    }
}

/* A scale that is infinite or not a number, and one of MXFP4 that no f16 holds, are told by the scale. */
static void what_is_not_finite(void **state)
{
    (void)state;
    for (size_t k = 0; k < COUNT_OF(types); k++) {
        uint8_t block[BYTES_MAX];
        struct q8_0_block out[ELEMENTS_MAX / Q8_0_BLOCK];
        memset(block, 0xFF, sizeof block); /* NaN wherever a half is, and 2^127 */
        if (blocks_narrow_kind(types[k]) == NARROW_NONE) {
            blocks_to_q8_0(out, block, types[k], blocks_elements(types[k]));
            assert_false(half_is_finite(out[0].scale));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sizes),
        cmocka_unit_test(every_element_of_every_type),
        cmocka_unit_test(as_q8_0),
        cmocka_unit_test(distances_are_kept),
        cmocka_unit_test(as_narrow),
        cmocka_unit_test(rows_of_floats_end_anywhere),
        cmocka_unit_test(what_is_not_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
