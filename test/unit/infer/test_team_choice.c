/* How many processors team.c finds to be the fastest. */
#include "team_machine.h"

static uint64_t step_us[TEAM_MOST + 1]; /* that step() takes with so many processors */
static uint32_t disturbed;              /* see disturbed_step */

static void step(void *context)
{
    assert_ptr_equal(context, &team_machine);
    assert_true(team_machine.is_exclusive);
    const uint32_t spinning =
        team.at_work == 1 && team_machine.started ? 2 : 1; /* others, which cost one half its speed */
    for (uint32_t i = team.at_work; team_machine.started && team.at_work > 1 && i < PLATFORM_PROCESSORS_MAX; i++) {
        assert_true(team.share[i].dismissed); /* nor do any others spin than those that are timed */
    }
    team_machine.now += spinning * step_us[team.at_work];
}

static void the_fastest_number_is_chosen(void **state)
{
    static const struct {
        uint32_t processors;
        uint64_t step_us[TEAM_MOST + 1]; /* by processors */
        uint32_t best;
    } cases[] = {
        {1, {[1] = 1000}, 1},
        {2, {[1] = 1000, [2] = 600}, 2},
        {2, {[1] = 1000, [2] = 900}, 1},            /* not worth it */
        {2, {[1] = 1000, [2] = 30000}, 1},          /* no real processor behind it */
        {4, {[1] = 1000, [2] = 990, [4] = 500}, 4}, /* two threads of one core come first */
        {4, {[1] = 1000, [2] = 510, [4] = 500}, 2},
        {6, {[1] = 1000, [2] = 510, [4] = 260, [6] = 180}, 6},
        {8, {[1] = 2000000, [2] = 1000000, [4] = 500000, [8] = 700000}, 4},
        {8, {[1] = 0, [2] = 0, [4] = 0, [8] = 0}, 1}, /* a clock that stands still */
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        begin_machine(cases[i].processors);
        memcpy(step_us, cases[i].step_us, sizeof step_us);
        assert_int_equal(team_choose(&team, &compute, 100 << 20, step, &team_machine), cases[i].best);
        assert_int_equal(team.chosen, cases[i].best);
        assert_int_equal(team.at_work, 1);
        assert_false(team_machine.started);
        assert_true(team_machine.now < 5000000); /* not much more than twice one step */
    }
}

/* One step in so many suffers from a processor that is taken away. */
static void disturbed_step(void *context)
{
    static uint32_t steps;
    step(context);
    team_machine.now += team.at_work > 1 && ++steps % disturbed == 0 ? 20000 : 0;
}

static void a_rare_disturbance_does_not_count(void **state)
{
    static const struct {
        uint32_t disturbed, best;
    } cases[] = {{120, 2}, {5, 1}}; /* one of three samples of 50 steps, or each of them */
    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(cases); i++) {
        begin_machine(2);
        disturbed = cases[i].disturbed;
        memcpy(step_us, (uint64_t[TEAM_MOST + 1]){0, 1000, 600}, sizeof step_us);
        assert_int_equal(team_choose(&team, &compute, 100 << 20, disturbed_step, &team_machine), cases[i].best);
    }
}

static void stopped_step(void *context)
{
    step(context);
    compute.stopped = compute.stopped || team.at_work == 2;
}

static void all_compute_where_the_choice_is_stopped(void **state)
{
    (void)state;
    begin_machine(4);
    memcpy(step_us, (uint64_t[TEAM_MOST + 1]){0, 1000, 900, 0, 100}, sizeof step_us);
    assert_int_equal(team_choose(&team, &compute, 100 << 20, stopped_step, &team_machine), 4);
    assert_int_equal(team.chosen, 4);
    assert_true(team_machine.now < 1000 * 300);
    assert_false(team_machine.started);
}

static void a_small_model_gets_one_at_once(void **state)
{
    (void)state;
    begin_machine(4);
    memcpy(step_us, (uint64_t[TEAM_MOST + 1]){0, 1000, 500, 0, 250}, sizeof step_us);
    assert_int_equal(team_choose(&team, &compute, 300000, step, &team_machine), 1);
    assert_int_equal(team_machine.starts, 0);
    assert_int_equal(team_machine.now, 0);
    assert_int_equal(team_choose(&team, &compute, 2000000, step, &team_machine), 4);
    assert_int_equal(team_choose(&team, &compute, 300000, step, &team_machine), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fastest_number_is_chosen),
        cmocka_unit_test(a_rare_disturbance_does_not_count),
        cmocka_unit_test(all_compute_where_the_choice_is_stopped),
        cmocka_unit_test(a_small_model_gets_one_at_once),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
