/* blocks_quantize of every kernel against base/q8_0.h: the same bytes, for every half and for floats at all limits. */
#include "kernel_input.h"

#include <math.h>

enum { HALVES = 1 << 16, GROUPS = HALVES / Q8_GROUP };

static uint8_t input[1 + HALVES * sizeof(float)];
static struct q8_0_block expected[GROUPS], out[GROUPS + 1];
static float scales[GROUPS];

/* Number `i` of the input, which begins at an odd address. */
static float value_at(uint32_t i, bool halves)
{
    uint16_t half;
    float value;
    memcpy(&half, input + 1 + i * sizeof half, sizeof half);
    memcpy(&value, input + 1 + i * sizeof value, sizeof value);
    return halves ? half_to_float(half) : value;
}

static void put_half(uint32_t i, uint32_t half)
{
    const uint16_t bits = (uint16_t)half;
    memcpy(input + 1 + i * sizeof bits, &bits, sizeof bits);
}

static void put_float(uint32_t i, float value)
{
    memcpy(input + 1 + i * sizeof value, &value, sizeof value);
}

static void check(const struct kernel *kernel, bool halves, bool scaled, uint32_t groups)
{
    for (uint32_t group = 0; group < groups; group++) {
        float x[Q8_GROUP];
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            x[i] = value_at(group * Q8_GROUP + i, halves);
        }
        const float scale = scaled ? scales[group] : q8_0_largest(x, Q8_GROUP) / 127.0f;
        expected[group].scale = q8_0_quantize_by(expected[group].q, x, Q8_GROUP, scale);
    }
    memset(out, 0xA5, sizeof out);
    kernel->blocks_quantize(out, input + 1, halves, scaled ? scales : NULL, groups);
    for (uint32_t group = 0; group < groups; group++) {
        if (memcmp(&out[group], &expected[group], sizeof *out) != 0) {
            fail_test("%s: group %u, scales %04x and %04x\n", kernel->name, group, out[group].scale,
                      expected[group].scale);
        }
    }
    assert_int_equal(out[groups].scale, 0xA5A5);
}

/* In ascending order, so that finite ones are together; then finite ones of all sizes in a group. */
static void check_halves(const struct kernel *kernel)
{
    for (uint32_t i = 0; i < HALVES; i++) {
        put_half(i, i);
    }
    check(kernel, true, false, GROUPS);
    for (uint32_t i = 0; i < HALVES; i++) {
        const uint32_t half = i * 40503u % HALVES;
        put_half(i, (half & 0x7C00) == 0x7C00 ? half & ~0x4000u : half);
    }
    check(kernel, true, false, GROUPS);
    for (uint32_t i = 0; i < HALVES; i++) { /* small ones alone, most of them subnormal */
        put_half(i, (i * 40503u & 0x8FFF) >> (i / 64 % 4));
    }
    check(kernel, true, false, GROUPS);
    for (uint32_t i = 0; i < 3 * Q8_GROUP; i++) { /* one number of a group is infinite or none */
        static const uint16_t odd[] = {0x7C00, 0xFC00, 0x7C01};
        put_half(i, i % 33 == 0 ? odd[i / 33] : 0x3C00);
    }
    check(kernel, true, false, 3);
}

static void halves_of_every_kind(void **state)
{
    (void)state;
    check_halves(&kernel_scalar);
    for_each_kernel(check_halves);
}

/* Bits at random are of any size; every eighth group holds what is special. */
static float any_float(uint32_t i)
{
    static const uint32_t special[] = {0,          0x80000000, 1,          0x007FFFFF, 0x00800000, 0x807FFFFF,
                                       0x7F7FFFFF, 0x4AFE0000, 0x4AFDFFFF, FLOAT_NAN,  0x7F800001, FLOAT_INFINITY,
                                       0xFF800000, 0x33000000, 0x01000000, 0x3F800000};
    const uint32_t group = i / Q8_GROUP, limited = random_u32() % (0x00800000 * (1 + group % 250));
    if (group % 8 == 7) {
        return float_from_bits(special[group / 8 % COUNT_OF(special)] * (random_u32() % 3 == 0));
    }
    return float_from_bits(limited | random_u32() % 2 << 31);
}

static void check_floats(const struct kernel *kernel)
{
    for (uint32_t i = 0; i < HALVES; i++) {
        put_float(i, any_float(i));
    }
    check(kernel, false, false, GROUPS);
}

static void floats_of_every_size(void **state)
{
    (void)state;
    check_floats(&kernel_scalar);
    for_each_kernel(check_floats);
}

/* With a largest number of 127 the scale is 1: numbers beside every half between two integers. */
static void check_rounding(const struct kernel *kernel)
{
    for (uint32_t n = 0; n < 127; n++) {
        const float middle = (float)n + 0.5f;
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            const float steps = (float)i - 15, next = nextafterf(middle, i < 15 ? 0 : 1000);
            const float near = middle + steps * (i < 15 ? middle - next : next - middle);
            put_float(n * Q8_GROUP + i, i == 31 ? 127.0f : n % 2 == 0 ? near : -near);
        }
    }
    check(kernel, false, false, 127);
    for (uint32_t n = 0; n < 127; n++) {
        scales[n] = 1.0f;
    }
    check(kernel, false, true, 127);
}

static void halves_are_rounded_away_from_zero(void **state)
{
    (void)state;
    check_rounding(&kernel_scalar);
    for_each_kernel(check_rounding);
}

/* A scale of any size at or above the rule's, infinite or none. */
static void check_scales(const struct kernel *kernel)
{
    for (uint32_t group = 0; group < GROUPS; group++) {
        float x[Q8_GROUP];
        for (uint32_t i = 0; i < Q8_GROUP; i++) {
            x[i] = any_float(group * Q8_GROUP + i);
            put_float(group * Q8_GROUP + i, x[i]);
        }
        scales[group] = q8_0_largest(x, Q8_GROUP) / 127.0f * (1.0f + (float)(group % 7) / 5.0f);
    }
    check(kernel, false, true, GROUPS);
}

static void scales_of_the_caller(void **state)
{
    (void)state;
    check_scales(&kernel_scalar);
    for_each_kernel(check_scales);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(halves_of_every_kind),
        cmocka_unit_test(floats_of_every_size),
        cmocka_unit_test(halves_are_rounded_away_from_zero),
        cmocka_unit_test(scales_of_the_caller),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
