/* half.h, q8_0.h, exp2.h and rope.h against the C library and against exhaustive or independent computation. */
#include "unit.h"

#include <math.h>

#include "base/exp2.h"
#include "base/half.h"
#include "base/q8_0.h"
#include "infer/rope.h"

/* A half's value by the definition of binary16, in double precision. */
static double half_value(uint16_t half)
{
    const int exponent = half >> 10 & 0x1F;
    const int fraction = half & 0x3FF;
    const double magnitude = exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
    return half & 0x8000 ? -magnitude : magnitude;
}

static void every_half_converts_both_ways(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x10000; half++) {
        const float value = half_to_float((uint16_t)half);
        if (half_is_finite((uint16_t)half)) {
            assert_true((double)value == half_value((uint16_t)half));
            assert_int_equal(half_from_float(value), half);
        } else if ((half & 0x3FF) == 0) {
            assert_true(isinf(value));
            assert_int_equal(half_from_float(value), half);
        } else {
            assert_true(isnan(value));
            assert_false(half_is_finite(half_from_float(value)));
        }
    }
}

/* Between two neighbouring halves the nearer one is taken, and the even one from the middle. */
static void floats_round_to_the_nearest_half(void **state)
{
    (void)state;
    for (uint32_t half = 0; half < 0x7BFF; half++) {
        const float low = half_to_float((uint16_t)half), high = half_to_float((uint16_t)(half + 1));
        const float middle = (float)(((double)low + (double)high) / 2);
        assert_int_equal(half_from_float(middle), half + (half & 1));
        assert_int_equal(half_from_float(nextafterf(middle, 0)), half);
        assert_int_equal(half_from_float(-nextafterf(middle, INFINITY)), (half + 1) | 0x8000);
    }
    assert_int_equal(half_from_float(65519.996f), 0x7BFF);
    assert_int_equal(half_from_float(65520.0f), 0x7C00);
}

static void bfloat_is_the_upper_half(void **state)
{
    (void)state;
    assert_true(bfloat_to_float(0x3F80) == 1.0f);
    assert_true(bfloat_to_float(0xC2F7) == -123.5f);
}

static void q8_0_rounds_half_away_from_zero(void **state)
{
    (void)state;
    int8_t q[Q8_0_BLOCK];
    const float x[5] = {127.0f, 0.5f, -0.5f, 1.49f, -2.5f}; /* scale exactly 1 */
    assert_int_equal(q8_0_quantize(q, x, 5), 0x3C00);
    const int8_t expected[6] = {127, 1, -1, 1, -3, 0};
    assert_memory_equal(q, expected, sizeof expected);
    assert_int_equal(q8_0_round(0.49999997f), 0);
}

static void q8_0_zeros_and_non_finite(void **state)
{
    (void)state;
    int8_t q[Q8_0_BLOCK], zeros[Q8_0_BLOCK] = {0};
    const float nothing[2] = {0.0f, -0.0f}, infinite[2] = {1.0f, -INFINITY}, huge[1] = {1e10f};
    assert_int_equal(q8_0_quantize(q, nothing, 2), 0);
    assert_memory_equal(q, zeros, sizeof q);
    assert_false(half_is_finite(q8_0_quantize(q, infinite, 2)));
    assert_memory_equal(q, zeros, sizeof q);
    assert_false(half_is_finite(q8_0_quantize(q, huge, 1)));
}

static void exp2_is_as_exact_as_it_says(void **state)
{
    for (float y = -125.0f; y < 126.0f; y += 0.00137f) {
        single_precision(state);
        const float value = exp2_single(y);
        full_precision(state);
        assert_true(fabs((double)value / exp2((double)y) - 1.0) < 2.4e-7);
    }
}

static void exp2_at_its_ends(void **state)
{
    (void)state;
    assert_true(exp2_single(0.0f) == 1.0f);
    assert_true(exp2_single(-125.0f) == ldexpf(1, -125));
    assert_true(exp2_single(nextafterf(-125.0f, -200.0f)) == 0.0f);
    assert_true(exp2_single(-INFINITY) == 0.0f);
    assert_true(exp2_single(NAN) == 0.0f);
    assert_true(exp2_single(1e30f) == ldexpf(1, 126));
}

static void check_rope(void **state, uint32_t size, float base, uint32_t last_position)
{
    uint64_t frequency[64];
    float cosine[256], sine[256];
    rope_frequencies(frequency, size, base);
    for (uint32_t position = 0; position <= last_position; position += 1 + position / 50) {
        single_precision(state);
        rope_angles(cosine, sine, 2 * size, frequency, size / 2, size, position);
        full_precision(state);
        for (uint32_t i = 0; i < size / 2; i++) {
            const double angle = position * pow((double)base, -2.0 * i / size);
            for (uint32_t j = 2 * i; j < 2 * size; j += size) { /* both heads */
                assert_true(fabs(cosine[j] - cos(angle)) < 2e-7 && cosine[j + 1] == cosine[j]);
                assert_true(fabs(sine[j + 1] - sin(angle)) < 2e-7 && sine[j] == -sine[j + 1]);
            }
        }
    }
}

static void rope_angles_hold_to_far_positions(void **state)
{
    check_rope(state, 8, 10000.0f, 511);
    check_rope(state, 128, 500000.0f, 131071);
    check_rope(state, 2, 1.5f, 4095);
    check_rope(state, 100, 1e30f, 4095);
}

static void rope_leaves_the_rest_of_a_head(void **state)
{
    (void)state;
    const uint64_t frequency[2] = {1ull << 62, 1ull << 63}; /* a quarter and half a turn */
    float cosine[12], sine[12];
    rope_angles(cosine, sine, 12, frequency, 2, 6, 1);
    const float expected_cosine[6] = {0, 0, -1, -1, 1, 1}, expected_sine[6] = {-1, 1, 0, 0, 0, 0};
    for (uint32_t i = 0; i < 12; i++) {
        assert_true(cosine[i] == expected_cosine[i % 6]);
        assert_true(sine[i] == expected_sine[i % 6]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_converts_both_ways),
        cmocka_unit_test(floats_round_to_the_nearest_half),
        cmocka_unit_test(bfloat_is_the_upper_half),
        cmocka_unit_test(q8_0_rounds_half_away_from_zero),
        cmocka_unit_test(q8_0_zeros_and_non_finite),
        cmocka_unit_test(exp2_is_as_exact_as_it_says),
        cmocka_unit_test(exp2_at_its_ends),
        cmocka_unit_test(rope_angles_hold_to_far_positions),
        cmocka_unit_test(rope_leaves_the_rest_of_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
