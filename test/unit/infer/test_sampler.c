/* The sampler against llama2.c's procedure, written out plainly here, and its additions by example. */
#include "unit.h"

#include <math.h>

#include "infer/sampler.h"

enum { N = 50, PADDED = 64 };

static struct sampler sampler;

/* Starts a sampler over N tokens with these settings. */
static void begin(struct sampler_settings settings)
{
    static uint8_t memory[(N + 1) * sizeof(struct sampler_candidate)];
    struct arena arena = {.base = memory, .size = sampler_memory(N)};
    assert_true(arena.size <= sizeof memory);
    sampler_init(&sampler, &kernel_scalar, N, &arena);
    assert_non_null(sampler.candidates);
    sampler_begin(&sampler, &settings);
}

/* The same logits for the same `turn`, no two of them equal. */
static void make_logits(float *logits, uint32_t turn)
{
    for (uint32_t i = 0; i < N; i++) {
        logits[i] = (float)((i * 37 + turn * 11) % N) * 0.23f - 4.0f;
    }
}

static int32_t next(uint32_t turn)
{
    float logits[PADDED] = {0};
    make_logits(logits, turn);
    return sampler_next(&sampler, logits);
}

/* run.c's random_f32. */
static float reference_coin(uint64_t *state)
{
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return (float)(uint32_t)((*state * 0x2545F4914F6CDD1Dull) >> 40) / 16777216.0f;
}

/* Softmax, sort, cut at top_p, draw: in double precision, with the distance of the draw from the next border, so that a
   difference of rounding is not taken for an error. */
static int32_t reference_next(uint32_t turn, double temperature, double top_p, double coin, double *margin)
{
    float logits[N];
    double p[N], sum = 0, kept = 0, reached = 0;
    int32_t order[N];
    uint32_t count = 0;
    make_logits(logits, turn);
    for (uint32_t i = 0; i < N; i++) {
        p[i] = exp(logits[i] / temperature);
        sum += p[i];
        order[i] = (int32_t)i;
    }
    for (uint32_t i = 0; i < N; i++) {
        for (uint32_t j = i + 1; j < N; j++) {
            if (p[order[j]] > p[order[i]]) {
                const int32_t swapped = order[i];
                order[i] = order[j];
                order[j] = swapped;
            }
        }
    }
    *margin = 1;
    while (count < N && kept <= top_p) {
        kept += p[order[count++]] / sum;
        *margin = fmin(*margin, fabs(kept - top_p));
    }
    for (uint32_t i = 0; i < count; i++) {
        reached += p[order[i]] / sum;
        *margin = fmin(*margin, fabs(coin * kept - reached));
        if (coin * kept < reached) {
            return order[i];
        }
    }
    return order[count - 1];
}

static void top_p_draws_as_run_c_does(void **state)
{
    const struct sampler_settings settings = sampler_defaults();
    uint64_t reference = settings.seed;
    uint32_t compared = 0;
    begin(settings);
    for (uint32_t turn = 0; turn < 500; turn++) {
        double margin;
        const double coin = (double)reference_coin(&reference);
        full_precision(state);
        const int32_t expected = reference_next(turn, 0.8, 0.9, coin, &margin);
        single_precision(state);
        const int32_t drawn = next(turn);
        if (margin > 1e-6) {
            assert_int_equal(drawn, expected);
            compared++;
        }
    }
    assert_true(compared > 490);
}

static void temperature_0_takes_the_most_likely(void **state)
{
    (void)state;
    struct sampler_settings settings = sampler_defaults();
    settings.temperature = 0;
    begin(settings);
    float logits[PADDED] = {0};
    logits[7] = logits[9] = 2.0f;
    assert_int_equal(sampler_next(&sampler, logits), 7);
}

static void nothing_below_the_cut_is_drawn(void **state)
{
    (void)state;
    struct sampler_settings settings = {
        .temperature = 5.0f, .top_p = 1.0f, .repeat_penalty = 1.0f, .top_k = 3, .seed = 9};
    bool seen[N] = {false};
    begin(settings);
    for (uint32_t i = 0; i < 1000; i++) {
        seen[next(0)] = true;
    }
    float logits[N];
    make_logits(logits, 0);
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(seen[i], logits[i] > 46.5f * 0.23f - 4.0f); /* the three highest of N steps of 0.23 */
    }
}

static void min_p_keeps_what_is_near_the_highest(void **state)
{
    (void)state;
    struct sampler_settings settings = {
        .temperature = 1.0f, .top_p = 1.0f, .min_p = 0.6f, .repeat_penalty = 1.0f, .seed = 3};
    bool seen[N] = {false};
    uint32_t different = 0;
    begin(settings);
    for (uint32_t i = 0; i < 1000; i++) {
        seen[next(0)] = true;
    }
    float logits[N];
    make_logits(logits, 0);
    for (uint32_t i = 0; i < N; i++) { /* e^-0.23 = 0.79, e^-0.46 = 0.63, e^-0.69 = 0.50 */
        assert_int_equal(seen[i], logits[i] > 46.5f * 0.23f - 4.0f);
        different += seen[i];
    }
    assert_int_equal(different, 3);
}

static void top_p_counts_what_top_k_left(void **state)
{
    (void)state;
    struct sampler_settings settings = {
        .temperature = 1.0f, .top_p = 0.3f, .repeat_penalty = 1.0f, .top_k = 3, .seed = 3};
    begin(settings);
    for (uint32_t i = 0; i < 200; i++) { /* the first of three has 0.41 of their mass: more than 0.3 */
        float logits[N];
        make_logits(logits, i);
        assert_true(logits[next(i)] > 48.5f * 0.23f - 4.0f);
    }
}

static void penalty_divides_once_and_only_recent_tokens(void **state)
{
    (void)state;
    struct sampler_settings settings = {.temperature = 0, .repeat_penalty = 2.0f};
    begin(settings);
    sampler_accept(&sampler, 4);
    sampler_accept(&sampler, 5);
    sampler_accept(&sampler, 4);
    float logits[PADDED] = {[4] = 8.0f, [5] = -1.0f, [6] = 3.9f};
    assert_int_equal(sampler_next(&sampler, logits), 4);
    assert_true(logits[4] == 4.0f && logits[5] == -2.0f && logits[6] == 3.9f);
    for (uint32_t i = 0; i < SAMPLER_PENALTY_WINDOW; i++) {
        sampler_accept(&sampler, 10);
    }
    float later[PADDED] = {[4] = 8.0f, [10] = 15.0f};
    assert_int_equal(sampler_next(&sampler, later), 4);
}

static void numbers_out_of_range_are_told(void **state)
{
    (void)state;
    const struct sampler_settings settings = sampler_defaults();
    static const float bad[] = {NAN, INFINITY, -INFINITY};
    begin(settings);
    for (uint32_t i = 0; i < 3; i++) {
        float logits[PADDED] = {[N - 1] = bad[i]};
        assert_int_equal(sampler_next(&sampler, logits), SAMPLER_NOT_FINITE);
    }
}

/* Extreme settings draw a token of the vocabulary. */
static void every_setting_draws_a_token(void **state)
{
    (void)state;
    static const float temperatures[] = {1e-30f, 0.01f, 1.0f, 100.0f}, ps[] = {0.0f, 1e-9f, 0.5f, 0.9999999f, 1.0f};
    for (uint32_t i = 0; i < 4 * 5 * 5 * 3; i++) {
        const struct sampler_settings settings = {
            .temperature = temperatures[i % 4],
            .top_p = ps[i / 4 % 5],
            .min_p = ps[i / 20 % 5],
            .top_k = i / 100 % 3 * N,
            .repeat_penalty = 1.0f,
            .seed = i,
        };
        begin(settings);
        for (uint32_t turn = 0; turn < 20; turn++) {
            const int32_t id = next(turn);
            assert_true(id >= 0 && id < N);
        }
    }
}

static void seed_0_is_seed_1(void **state)
{
    (void)state;
    struct sampler_settings settings = sampler_defaults();
    int32_t drawn[20];
    settings.seed = 1;
    begin(settings);
    for (uint32_t turn = 0; turn < 20; turn++) {
        drawn[turn] = next(turn);
    }
    settings.seed = 0;
    begin(settings);
    for (uint32_t turn = 0; turn < 20; turn++) {
        assert_int_equal(next(turn), drawn[turn]);
    }
}

/* The penalty itself can go beyond the range of numbers: the sampler says so and draws nothing. */
static void a_penalty_beyond_the_range_is_told(void **state)
{
    float logits[PADDED];
    (void)state;
    for (uint32_t sign = 0; sign < 2; sign++) {
        begin((struct sampler_settings){
            .temperature = 1.0f, .min_p = 0.5f, .repeat_penalty = sign == 0 ? 1e-30f : 1e30f, .seed = 1});
        make_logits(logits, 0);
        logits[7] = sign == 0 ? 1e20f : -1e20f;
        sampler_accept(&sampler, 7);
        assert_int_equal(sampler_next(&sampler, logits), SAMPLER_NOT_FINITE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(top_p_draws_as_run_c_does),
        cmocka_unit_test(temperature_0_takes_the_most_likely),
        cmocka_unit_test(nothing_below_the_cut_is_drawn),
        cmocka_unit_test(min_p_keeps_what_is_near_the_highest),
        cmocka_unit_test(top_p_counts_what_top_k_left),
        cmocka_unit_test(penalty_divides_once_and_only_recent_tokens),
        cmocka_unit_test(numbers_out_of_range_are_told),
        cmocka_unit_test(every_setting_draws_a_token),
        cmocka_unit_test(seed_0_is_seed_1),
        cmocka_unit_test(a_penalty_beyond_the_range_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
