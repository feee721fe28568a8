/* q8_0.h: how weights round, and weights that have no scale. */
#include "unit.h"

#include <math.h>

#include "base/q8_0.h"

static void q8_0_rounds_half_away_from_zero(void **state)
{
    (void)state;
    int8_t q[Q8_0_BLOCK];
    const float x[5] = {127.0f, 0.5f, -0.5f, 1.49f, -2.5f}; /* scale exactly 1 */
    assert_int_equal(q8_0_quantize(q, x, 5), 0x3C00);
    const int8_t expected[6] = {127, 1, -1, 1, -3, 0};
    assert_memory_equal(q, expected, sizeof expected);
    for (int k = 0; k < 127; k++) {
        const float half = (float)k + 0.5f;
        assert_int_equal(q8_0_round(half), k + 1);
        assert_int_equal(q8_0_round(-half), -k - 1);
        assert_int_equal(q8_0_round(nextafterf(half, 0)), k);
        assert_int_equal(q8_0_round(-nextafterf(half, 0)), -k);
        assert_int_equal(q8_0_round((float)k), k);
    }
    assert_int_equal(q8_0_round(-0.0f), 0);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(q8_0_rounds_half_away_from_zero),
        cmocka_unit_test(q8_0_zeros_and_non_finite),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
