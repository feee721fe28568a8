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
        rope_angles(cosine, sine, 2 * size, frequency, size / 2, size, 1, position);
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

static double pair_of_turns(const struct gguf *gguf, double turns)
{
    return gguf->rope_size * log(gguf->rope_original / (turns * 2 * acos(-1.0))) / (2 * log((double)gguf->rope_base));
}

/* The share of a pair's frequency that YaRN keeps, as ggml_rope_yarn_corr_dims and rope_yarn_ramp have it. */
static double kept_share(const struct gguf *gguf, uint32_t pair)
{
    const double low = fmax(0, floor(pair_of_turns(gguf, 32)));
    const double high = fmin(gguf->rope_size - 1, ceil(pair_of_turns(gguf, 1)));
    return 1 - fmin(1, fmax(0, (pair - low) / fmax(0.001, high - low)));
}

static void check_stretch(const struct gguf *gguf, uint32_t mixed_expected)
{
    uint64_t plain[64], frequency[64];
    uint32_t mixed = 0;
    rope_frequencies(plain, gguf->rope_size, gguf->rope_base);
    memcpy(frequency, plain, sizeof plain);
    rope_stretch(frequency, gguf);
    for (uint32_t i = 0; i < gguf->rope_size / 2; i++) {
        const double kept = gguf->rope_yarn ? kept_share(gguf, i) : 0,
                     slow = (double)plain[i] / (double)gguf->rope_factor;
        const double exact = slow * (1 - kept) + (double)plain[i] * kept;
        assert_true(fabs((double)frequency[i] - exact) <= exact * 1e-15 + 4);
        assert_true(kept < 1 || frequency[i] == plain[i]);
        mixed += kept > 0 && kept < 1;
    }
    assert_int_equal(mixed, mixed_expected);
}

static void positions_are_stretched(void **state)
{
    (void)state;
    const struct gguf base = {
        .rope_size = 64, .rope_base = 10000, .rope_factor = 4, .rope_original = 4096, .rope_attn_factor = 1};
    struct gguf gguf = base;
    check_stretch(&gguf, 0);
    gguf.rope_factor = 1;
    check_stretch(&gguf, 0);
    gguf.rope_factor = 0.25f;
    check_stretch(&gguf, 0);
    gguf = base;
    gguf.rope_yarn = true;
    check_stretch(&gguf, 12);
    gguf.rope_factor = 33.7f;
    gguf.rope_size = 128;
    gguf.rope_base = 500000;
    gguf.rope_original = 8192;
    check_stretch(&gguf, 16);
    gguf.rope_original = 1; /* even the fastest pair makes less than a turn */
    check_stretch(&gguf, 0);
    gguf.rope_original = 16 << 20;
    gguf.rope_base = 1.0000001f; /* all turn alike, and often enough */
    check_stretch(&gguf, 0);
}

static void yarn_makes_queries_and_keys_larger(void **state)
{
    static const float factors[] = {1, 1.5f, 4, 32, 1e9f, 3.4e38f};
    (void)state;
    for (uint32_t i = 0; i < sizeof factors / sizeof *factors; i++) {
        struct gguf gguf = {.rope_yarn = true, .rope_factor = factors[i], .rope_attn_factor = 1};
        const double exact = 1 + 0.1 * log((double)factors[i]);
        single_precision(state);
        const float magnitude = rope_magnitude(&gguf);
        gguf.rope_attn_factor = 0.75f;
        const float with_factor = rope_magnitude(&gguf);
        gguf.rope_yarn = false;
        const float linear = rope_magnitude(&gguf);
        full_precision(state);
        assert_true(fabs((double)magnitude / exact - 1) < 2e-7 && fabs((double)with_factor / exact / 0.75 - 1) < 2e-7);
        assert_true(linear == 0.75f);
    }
    const uint64_t frequency[1] = {1ull << 62};
    float cosine[2], sine[2];
    rope_angles(cosine, sine, 2, frequency, 1, 2, 1.5f, 1);
    assert_true(cosine[0] == 0 && sine[0] == -1.5f && sine[1] == 1.5f);
}

static void rope_leaves_the_rest_of_a_head(void **state)
{
    (void)state;
    const uint64_t frequency[2] = {1ull << 62, 1ull << 63}; /* a quarter and half a turn */
    float cosine[12], sine[12];
    rope_angles(cosine, sine, 12, frequency, 2, 6, 1, 1);
    const float expected_cosine[6] = {0, 0, -1, -1, 1, 1}, expected_sine[6] = {-1, 1, 0, 0, 0, 0};
    for (uint32_t i = 0; i < 12; i++) {
        assert_true(cosine[i] == expected_cosine[i % 6]);
        assert_true(sine[i] == expected_sine[i % 6]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rope_angles_hold_to_far_positions), cmocka_unit_test(a_factor_divides_the_frequency),
        cmocka_unit_test(positions_are_stretched),           cmocka_unit_test(yarn_makes_queries_and_keys_larger),
        cmocka_unit_test(rope_leaves_the_rest_of_a_head),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
