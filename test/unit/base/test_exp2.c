/* exp2.h against the C library. */
#include "unit.h"

#include <math.h>

#include "base/exp2.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exp2_is_as_exact_as_it_says),
        cmocka_unit_test(exp2_at_its_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
