/* team.c with threads as processors: every unit is computed once, even if some are slow, stop, arrive late or never. */
#include "team_machine.h"

#include <unistd.h>

enum { UNITS_MAX = 1000 };

static uint32_t computed[UNITS_MAX]; /* how often each unit was */

static void count_units(void *context, uint32_t first, uint32_t count)
{
    assert_ptr_equal(context, &team);
    assert_true(count >= 1);
    for (uint32_t i = first; i < first + count; i++) {
        __atomic_add_fetch(&computed[i], 1, __ATOMIC_RELAXED);
    }
}

/* Work that is large enough to divide. */
static void split(struct team *by, uint32_t units, team_work *work, void *context)
{
    const struct team_job job = {units, 1 << 20, 1, work, context};
    assert_true(team_split(by, NULL, &job));
}

static void check_computed(uint32_t units)
{
    for (uint32_t i = 0; i < UNITS_MAX; i++) {
        assert_int_equal(__atomic_load_n(&computed[i], __ATOMIC_RELAXED), i < units ? 1 : 0);
    }
}

static void split_and_check(struct team *by, uint32_t units)
{
    memset(computed, 0, sizeof computed);
    split(by, units, count_units, &team);
    check_computed(units);
}

static void every_unit_is_computed_once(void **state)
{
    (void)state;
    for (uint32_t processors = 1; processors <= TEAM_MOST; processors++) {
        begin_machine(processors);
        team_begin(&team, &kernel_scalar);
        for (uint32_t round = 0; round < 20; round++) {
            for (uint32_t units = 1; units <= 3 * TEAM_MOST; units++) {
                split_and_check(&team, units);
            }
            split_and_check(&team, UNITS_MAX);
        }
        team_end(&team);
        assert_int_equal(team_machine.starts, processors == 1 ? 0 : 1);
    }
}

static void outside_of_a_stretch_the_first_computes_alone(void **state)
{
    (void)state;
    begin_machine(4);
    split_and_check(NULL, 10);
    split_and_check(&team, 10);
    team_begin(&team, &kernel_scalar);
    split_and_check(&team, 10);
    team_end(&team);
    assert_false(team_machine.started);
    split_and_check(&team, 10);
    team_begin(&team, &kernel_scalar);
    split_and_check(&team, 10);
    team_end(&team);
    assert_int_equal(team_machine.starts, 2);
}

static uint32_t arrived;

/* Returns when all processors are here at once, or after ten seconds. */
static void meet(void *context, uint32_t first, uint32_t count)
{
    const uint32_t *members = context;
    (void)first;
    assert_int_equal(count, 1);
    __atomic_add_fetch(&arrived, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < 100000 && __atomic_load_n(&arrived, __ATOMIC_SEQ_CST) < *members; i++) {
        usleep(100);
    }
}

static void shares_are_computed_at_the_same_time(void **state)
{
    (void)state;
    for (uint32_t members = 1; members <= TEAM_MOST; members++) {
        begin_machine(TEAM_MOST);
        team_use(&team, members);
        team_begin(&team, &kernel_scalar);
        usleep(50000); /* until all threads are there: a share is taken back from one that is not */
        arrived = 0;
        split(&team, members, meet, &members);
        assert_int_equal(arrived, members);
        team_end(&team);
    }
}

static void who_is_not_needed_returns_at_once(void **state)
{
    (void)state;
    begin_machine(TEAM_MOST);
    team_use(&team, 3);
    team_begin(&team, &kernel_scalar);
    for (uint32_t i = 0; i < 100000 && __atomic_load_n(&team_machine.returned, __ATOMIC_SEQ_CST) < TEAM_MOST - 3; i++) {
        usleep(100);
    }
    assert_int_equal(__atomic_load_n(&team_machine.returned, __ATOMIC_SEQ_CST), TEAM_MOST - 3);
    split_and_check(&team, 100);
    team_end(&team);
    assert_int_equal(team_machine.returned, TEAM_MOST - 1);
}

static void processors_that_never_come_hold_nothing_up(void **state)
{
    (void)state;
    for (uint32_t absent = 0; absent < TEAM_MOST; absent++) {
        begin_machine(TEAM_MOST);
        team_machine.absent = absent;
        team_begin(&team, &kernel_scalar);
        split_and_check(&team, 1);
        split_and_check(&team, 100);
        team_end(&team);
    }
}

static void late_processors_join_or_leave(void **state)
{
    (void)state;
    for (uint32_t late_us = 1; late_us < 10000; late_us *= 3) {
        begin_machine(4);
        team_machine.late_us = late_us;
        team_begin(&team, &kernel_scalar);
        for (uint32_t units = 1; units < 200; units++) {
            split_and_check(&team, units);
        }
        team_end(&team);
        team_begin(&team, &kernel_scalar);
        team_end(&team); /* dismissed before they came */
    }
}

static pthread_t first_processor;
static bool first_sleeps; /* or else the first of the others that comes */
static uint32_t asleep;   /* number that does */

/* Counts like count_units, but one processor sleeps in its first piece, until all other units are computed. */
static void sleep_long(void *context, uint32_t first, uint32_t count)
{
    const bool is_first = pthread_self() == first_processor;
    if (is_first != first_sleeps) {
        usleep(1000); /* so that the others come to their shares */
    } else if (__atomic_exchange_n(&asleep, 1, __ATOMIC_SEQ_CST) == 0) {
        uint32_t others = 0;
        for (uint32_t i = 0; i < 100000 && others != UNITS_MAX - count; i++) {
            usleep(100);
            others = 0;
            for (uint32_t unit = 0; unit < UNITS_MAX; unit++) {
                others += __atomic_load_n(&computed[unit], __ATOMIC_RELAXED);
            }
        }
        assert_int_equal(others, UNITS_MAX - count);
    }
    count_units(context, first, count);
}

static void a_slow_processor_leaves_its_share_to_the_others(void **state)
{
    (void)state;
    first_processor = pthread_self();
    for (uint32_t processors = 2; processors <= TEAM_MOST; processors++) {
        for (uint32_t i = 0; i < 2; i++) {
            begin_machine(processors);
            memset(computed, 0, sizeof computed);
            first_sleeps = i == 1;
            asleep = 0;
            team_begin(&team, &kernel_scalar);
            usleep(20000); /* until the threads are there */
            split(&team, UNITS_MAX, sleep_long, &team);
            assert_int_equal(asleep, 1);
            check_computed(UNITS_MAX);
            team_end(&team);
            assert_int_equal(team_machine.resets, 0);
        }
    }
}

static uint32_t hung;

/* Counts like count_units, but the first other processor that comes hangs until it is reset. The thread ends there, as
   the processor would, unless the machine cannot reset it: then it wakes up at the third attempt. */
static void hang_one(void *context, uint32_t first, uint32_t count)
{
    const bool is_first = pthread_self() == first_processor;
    if (is_first) {
        usleep(1000);
    }
    if (!is_first && __atomic_exchange_n(&hung, 1, __ATOMIC_SEQ_CST) == 0) {
        const uint32_t resets = team_machine.waits ? 3 : 1;
        for (uint32_t i = 0; i < 100000 && __atomic_load_n(&team_machine.resets, __ATOMIC_SEQ_CST) < resets; i++) {
            usleep(100);
        }
        if (!team_machine.waits) {
            __atomic_add_fetch(&team_machine.ended, 1, __ATOMIC_SEQ_CST);
            pthread_exit(NULL);
        }
    }
    count_units(context, first, count);
}

static void hang_in_a_team(uint32_t processors, bool waits)
{
    begin_machine(processors);
    team_machine.us_a_look = 100000;
    team_machine.waits = waits;
    first_processor = pthread_self();
    __atomic_store_n(&hung, 0, __ATOMIC_SEQ_CST);
    team_begin(&team, &kernel_scalar);
    for (uint32_t i = 0; i < 100 && __atomic_load_n(&hung, __ATOMIC_SEQ_CST) == 0;
         i++) { /* until a thread is in time for its share */
        memset(computed, 0, sizeof computed);
        split(&team, UNITS_MAX, hang_one, &team);
        check_computed(UNITS_MAX);
    }
    assert_int_equal(__atomic_load_n(&hung, __ATOMIC_SEQ_CST), 1);
}

static void a_processor_that_hangs_is_reset(void **state)
{
    (void)state;
    for (uint32_t processors = 2; processors <= TEAM_MOST; processors += 3) {
        hang_in_a_team(processors, false);
        assert_int_equal(team_machine.resets, 1);
        assert_true(team_lost(&team));
        assert_false(team_lost(&team));
        assert_int_equal(team.at_work, processors);
        const uint64_t last_look = team_machine.now;
        for (uint32_t i = 0; i < 100; i++) {
            split_and_check(&team, 100);
        }
        assert_true(team_machine.now - last_look < 5000000); /* nobody waits for it again */
        assert_int_equal(team_machine.resets, 1);
        team_end(&team);
        assert_false(team_lost(&team));
    }
}

/* Says so at look number stop_at of those after a processor has hung. */
static bool stop_of_hung(void *context)
{
    return __atomic_load_n(&hung, __ATOMIC_SEQ_CST) != 0 && stop_asked(context);
}

/* One second after the wait has begun, or at once if it has lasted longer; not after five seconds. */
static void a_stop_is_answered_while_a_processor_hangs(void **state)
{
    const struct team_job job = {UNITS_MAX, 1 << 20, 1, hang_one, &team};
    (void)state;
    for (uint32_t stop_at = 1; stop_at <= 100; stop_at += 99) {
        begin_machine(2);
        first_processor = pthread_self();
        __atomic_store_n(&hung, 0, __ATOMIC_SEQ_CST);
        team_begin(&team, &kernel_scalar);
        compute.stop = (struct compute_stop){stop_of_hung, &team_machine};
        team_machine.stop_at = stop_at;
        team_machine.us_a_look = 1000;
        compute_begin(&compute);
        do { /* until the thread is in time for its share */
            compute.allowance = compute.left = 1 << 28;
            team_machine.now = compute.since = 0;
            memset(computed, 0, sizeof computed);
        } while (team_split(&team, &compute, &job));
        compute_end(&compute);
        assert_int_equal(team_machine.resets, 1);
        check_computed(UNITS_MAX);
        const uint64_t least = stop_at == 1 ? 1000000 : stop_at * COMPUTE_PERIOD_US;
        assert_true(team_machine.now >= least && team_machine.now <= least + 300000);
        team_end(&team);
    }
}

static uint32_t let_go;

/* Its first piece on another processor lasts until let_go is set. */
static void hold_one(void *context, uint32_t first, uint32_t count)
{
    if (pthread_self() == first_processor) {
        usleep(1000);
    } else if (__atomic_exchange_n(&hung, 1, __ATOMIC_SEQ_CST) == 0) {
        while (__atomic_load_n(&let_go, __ATOMIC_SEQ_CST) == 0) {
            usleep(100);
        }
    }
    count_units(context, first, count);
}

/* The processor finishes its piece while the user is asked. */
static bool stop_and_let_go(void *context)
{
    const uint8_t done = 0xFE; /* in team.c */
    if (!stop_of_hung(context)) {
        return false;
    }
    __atomic_store_n(&let_go, 1, __ATOMIC_SEQ_CST);
    for (uint32_t i = 0; i < TEAM_PIECES; i++) {
        while (__atomic_load_n(&team.share[0].piece[i], __ATOMIC_ACQUIRE) != done ||
               __atomic_load_n(&team.share[1].piece[i], __ATOMIC_ACQUIRE) != done) {
            usleep(100);
        }
    }
    return true;
}

static void a_processor_that_answers_in_the_end_is_not_reset(void **state)
{
    const struct team_job job = {UNITS_MAX, 1 << 20, 1, hold_one, &team};
    (void)state;
    begin_machine(2);
    first_processor = pthread_self();
    __atomic_store_n(&hung, 0, __ATOMIC_SEQ_CST);
    team_begin(&team, &kernel_scalar);
    compute.stop = (struct compute_stop){stop_and_let_go, &team_machine};
    team_machine.stop_at = 100;
    team_machine.us_a_look = 1000;
    team_machine.waits = true; /* a reset would return at once */
    compute_begin(&compute);
    do { /* until the thread is in time for its share */
        compute.allowance = compute.left = 1 << 28;
        memset(computed, 0, sizeof computed);
    } while (team_split(&team, &compute, &job));
    compute_end(&compute);
    check_computed(UNITS_MAX);
    team_end(&team);
    assert_int_equal(team_machine.resets, 0);
    assert_false(team_lost(&team));
}

static void a_processor_that_cannot_be_reset_is_waited_for(void **state)
{
    (void)state;
    hang_in_a_team(3, true);
    assert_true(team_machine.resets >= 3);
    assert_false(team_lost(&team));
    split_and_check(&team, 100);
    team_end(&team);
}

static void numbers_are_kept_within_the_machine(void **state)
{
    (void)state;
    begin_machine(3);
    team_use(&team, 0);
    assert_int_equal(team.chosen, 1);
    team_use(&team, 2);
    assert_int_equal(team.chosen, 2);
    team_use(&team, 1000);
    assert_int_equal(team.chosen, 3);
    team_machine.others = 1; /* one does not come back the second time */
    team_begin(&team, &kernel_scalar);
    assert_int_equal(team.at_work, 2);
    split_and_check(&team, 10);
    team_end(&team);
    team_machine.others = 0;
    team_begin(&team, &kernel_scalar);
    assert_int_equal(team.at_work, 1);
    split_and_check(&team, 10);
    team_end(&team);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_unit_is_computed_once),
        cmocka_unit_test(outside_of_a_stretch_the_first_computes_alone),
        cmocka_unit_test(shares_are_computed_at_the_same_time),
        cmocka_unit_test(who_is_not_needed_returns_at_once),
        cmocka_unit_test(processors_that_never_come_hold_nothing_up),
        cmocka_unit_test(late_processors_join_or_leave),
        cmocka_unit_test(a_slow_processor_leaves_its_share_to_the_others),
        cmocka_unit_test(a_processor_that_hangs_is_reset),
        cmocka_unit_test(a_stop_is_answered_while_a_processor_hangs),
        cmocka_unit_test(a_processor_that_answers_in_the_end_is_not_reset),
        cmocka_unit_test(a_processor_that_cannot_be_reset_is_waited_for),
        cmocka_unit_test(numbers_are_kept_within_the_machine),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
