/* half.h and float.h: every half, and every place where a float rounds to one. */
#include "unit.h"

#include <math.h>

#include "base/half.h"

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
    assert_true(float_from_bfloat(0x3F80) == 1.0f);
    assert_true(float_from_bfloat(0xC2F7) == -123.5f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_half_converts_both_ways),
        cmocka_unit_test(floats_round_to_the_nearest_half),
        cmocka_unit_test(bfloat_is_the_upper_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
