/* rope.h against double precision. */
#include "unit.h"

#include <math.h>

#include "infer/rope.h"

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

/* Against the definition, in numbers of 64 bits: rounded down, and what exceeds a turn is lost. */
static void a_factor_divides_the_frequency(void **state)
{
    static const float factors[] = {1,     32,      8.000001f, 1.0f / 3, 0x1p-10f, 3.14159274f, 0x1.FFFFFEp0f,
                                    1e30f, 0x1p63f, 0x1p64f,   3.4e38f};
    static const uint64_t frequencies[] = {0, 1, 0x28BE60DB9391054A, UINT64_MAX, 123456789012345678, 0xFFFFFF};
    (void)state;
    for (uint32_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        for (uint32_t k = 0; k < sizeof frequencies / sizeof *frequencies; k++) {
            const uint64_t divided = rope_divide(frequencies[k], factors[i]);
            const long double exact = (long double)frequencies[k] / (long double)factors[i];
            const long double turns = floorl(exact / 0x1p64L), rest = exact - turns * 0x1p64L;
            const long double low = rest - (long double)divided;
            const long double unit = factors[i] < 1 ? 2 / (long double)factors[i] : 1; /* of the shifted quotient */
            assert_true(low > -1e-3L * unit && low < 1.001L * unit);
        }
    }
    assert_true(rope_divide(0x28BE60DB9391054A, 1) == 0x28BE60DB9391054A);
    assert_true(rope_divide(0x28BE60DB9391054A, 32) == 0x28BE60DB9391054A >> 5);
    assert_true(rope_divide(0x28BE60DB9391054A, 0.5f) == 0x517CC1B727220A94);
    assert_true(rope_divide(UINT64_MAX, 3) == UINT64_MAX / 3);
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
        cmocka_unit_test(rope_angles_hold_to_far_positions),
        cmocka_unit_test(a_factor_divides_the_frequency),
        cmocka_unit_test(rope_leaves_the_rest_of_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
