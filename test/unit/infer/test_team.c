/* team.c with threads as processors: every unit is computed once, even if some arrive late or never, with the same
   bits. */
#include "kernel_input.h"

#include <pthread.h>
#include <time.h>
#include <unistd.h>

#include "infer/team.h"

enum { MOST = 8, UNITS_MAX = 1000 };

/* A machine whose processors are threads. */
static struct machine {
    struct platform platform;
    uint32_t others;  /* processors that it says it has started, besides the first */
    uint32_t absent;  /* of them, so many of the last never come */
    uint32_t late_us; /* they come so much later */
    uint32_t starts;  /* calls of start_processors */
    bool started;     /* between start and stop */
    bool is_exclusive;
    uint64_t now;
    uint32_t us_a_look;         /* that pass from one reading of the clock to the next */
    uint32_t looks;             /* whether to stop */
    uint32_t stop_at;           /* the look that says so; 0 = none */
    bool real_time;             /* `now` is the host's clock */
    uint64_t step_us[MOST + 1]; /* that step() takes with so many processors */
    pthread_t thread[MOST];
    uint32_t threads;
    uint32_t returned; /* of them */
    void (*work)(void *context, uint32_t index);
    void *context;
} machine;

static struct team team;
static struct compute compute;

static void *run_thread(void *index)
{
    single_precision(NULL);
    if (machine.late_us > 0) {
        usleep(machine.late_us);
    }
    machine.work(machine.context, (uint32_t)(uintptr_t)index);
    __atomic_add_fetch(&machine.returned, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static uint32_t other_processors(struct platform *platform)
{
    assert_ptr_equal(platform, &machine.platform);
    return machine.others;
}

static uint32_t start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    assert_ptr_equal(platform, &machine.platform);
    assert_false(machine.started);
    assert_false(machine.is_exclusive);
    machine.started = true;
    machine.starts++;
    machine.work = work;
    machine.context = context;
    machine.threads = machine.returned = 0;
    for (uint32_t i = 1; i + machine.absent <= machine.others; i++) {
        assert_int_equal(pthread_create(&machine.thread[machine.threads++], NULL, run_thread, (void *)(uintptr_t)i), 0);
    }
    return machine.others;
}

static void stop_processors(struct platform *platform)
{
    assert_ptr_equal(platform, &machine.platform);
    assert_true(machine.started);
    assert_false(machine.is_exclusive);
    while (machine.threads > 0) {
        pthread_join(machine.thread[--machine.threads], NULL);
    }
    machine.started = false;
}

static void exclusive(struct platform *platform, bool on)
{
    assert_ptr_equal(platform, &machine.platform);
    assert_true(machine.is_exclusive != on);
    machine.is_exclusive = on;
}

static uint64_t microseconds(struct platform *platform)
{
    assert_ptr_equal(platform, &machine.platform);
    if (machine.real_time) {
        struct timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        machine.now = (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
    }
    return machine.now += machine.us_a_look;
}

static bool stop_asked(void *context)
{
    assert_ptr_equal(context, &machine);
    assert_false(machine.is_exclusive);
    return ++machine.looks == machine.stop_at;
}

/* A new machine with this many processors, all of which the team uses. */
static void begin_machine(uint32_t processors)
{
    machine = (struct machine){
        .platform = {.other_processors = other_processors,
                     .start_processors = start_processors,
                     .stop_processors = stop_processors,
                     .exclusive = exclusive,
                     .microseconds = microseconds},
        .others = processors - 1,
    };
    team_init(&team, &machine.platform);
    assert_int_equal(team_processors(&team), processors);
    team_use(&team, processors);
    compute_open(&compute, &machine.platform, &kernel_scalar);
}

static uint32_t computed[UNITS_MAX]; /* how often each unit was */

static void count_units(void *context, uint32_t first, uint32_t count)
{
    assert_ptr_equal(context, &team);
    assert_true(count >= 1);
    for (uint32_t i = first; i < first + count; i++) {
        __atomic_add_fetch(&computed[i], 1, __ATOMIC_RELAXED);
    }
}

static void split_and_check(struct team *by, uint32_t units)
{
    memset(computed, 0, sizeof computed);
    team_split(by, units, count_units, &team);
    for (uint32_t i = 0; i < UNITS_MAX; i++) {
        assert_int_equal(computed[i], i < units ? 1 : 0);
    }
}

static void every_unit_is_computed_once(void **state)
{
    (void)state;
    for (uint32_t processors = 1; processors <= MOST; processors++) {
        begin_machine(processors);
        team_begin(&team, &kernel_scalar);
        for (uint32_t round = 0; round < 20; round++) {
            for (uint32_t units = 0; units <= 3 * MOST; units++) {
                split_and_check(&team, units);
            }
            split_and_check(&team, UNITS_MAX);
        }
        team_end(&team);
        assert_int_equal(machine.starts, processors == 1 ? 0 : 1);
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
    assert_false(machine.started);
    split_and_check(&team, 10);
    team_begin(&team, &kernel_scalar);
    split_and_check(&team, 10);
    team_end(&team);
    assert_int_equal(machine.starts, 2);
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
    for (uint32_t members = 1; members <= MOST; members++) {
        begin_machine(MOST);
        team_use(&team, members);
        team_begin(&team, &kernel_scalar);
        usleep(50000); /* until all threads are there: a share is taken back from one that is not */
        arrived = 0;
        team_split(&team, members, meet, &members);
        assert_int_equal(arrived, members);
        team_end(&team);
    }
}

static void who_is_not_needed_returns_at_once(void **state)
{
    (void)state;
    begin_machine(MOST);
    team_use(&team, 3);
    team_begin(&team, &kernel_scalar);
    for (uint32_t i = 0; i < 100000 && __atomic_load_n(&machine.returned, __ATOMIC_SEQ_CST) < MOST - 3; i++) {
        usleep(100);
    }
    assert_int_equal(__atomic_load_n(&machine.returned, __ATOMIC_SEQ_CST), MOST - 3);
    split_and_check(&team, 100);
    team_end(&team);
    assert_int_equal(machine.returned, MOST - 1);
}

static void processors_that_never_come_hold_nothing_up(void **state)
{
    (void)state;
    for (uint32_t absent = 0; absent < MOST; absent++) {
        begin_machine(MOST);
        machine.absent = absent;
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
        machine.late_us = late_us;
        team_begin(&team, &kernel_scalar);
        for (uint32_t units = 0; units < 200; units++) {
            split_and_check(&team, units);
        }
        team_end(&team);
        team_begin(&team, &kernel_scalar);
        team_end(&team); /* dismissed before they came */
    }
}

static pthread_t first_processor;
static uint32_t stopped, released;

/* Counts like count_units, but the first other processor that comes stops until `released`, and then counts nothing.
   The first takes its time, so that the others come to their shares. */
static void stop_one(void *context, uint32_t first, uint32_t count)
{
    const bool is_first = pthread_self() == first_processor;
    if (is_first && first == 0) {
        usleep(50000);
    }
    if (is_first || __atomic_exchange_n(&stopped, 1, __ATOMIC_SEQ_CST) != 0) {
        count_units(context, first, count);
        return;
    }
    while (__atomic_load_n(&released, __ATOMIC_SEQ_CST) == 0) {
        usleep(100);
    }
}

static void a_processor_that_stops_costs_its_share_once(void **state)
{
    (void)state;
    begin_machine(4);
    machine.real_time = true;
    stopped = released = 0;
    first_processor = pthread_self();
    team_begin(&team, &kernel_scalar);
    for (uint32_t i = 0; i < 100 && stopped == 0; i++) { /* until a thread is in time for its share */
        memset(computed, 0, sizeof computed);
        team_split(&team, 100, stop_one, &team);
    }
    assert_int_equal(stopped, 1);
    for (uint32_t i = 0; i < UNITS_MAX; i++) {
        assert_int_equal(computed[i], i < 100 ? 1 : 0);
    }
    assert_int_equal(team.at_work, 1);
    const uint64_t last_look = machine.now;
    split_and_check(&team, 100);
    assert_int_equal(machine.now, last_look); /* no more waits */
    released = 1;
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
    machine.others = 1; /* one does not come back the second time */
    team_begin(&team, &kernel_scalar);
    assert_int_equal(team.at_work, 2);
    split_and_check(&team, 10);
    team_end(&team);
    machine.others = 0;
    team_begin(&team, &kernel_scalar);
    assert_int_equal(team.at_work, 1);
    split_and_check(&team, 10);
    team_end(&team);
}

/* ---- The same bits ---- */

static struct q8_matrix random_matrix(const struct kernel *kernel, uint32_t row_tiles, uint32_t groups)
{
    const size_t tiles = (size_t)row_tiles * groups;
    struct q8_matrix w = {row_tiles * Q8_GROUP, groups * Q8_GROUP, row_tiles, groups, take(tiles * kernel->tile_bytes)};
    for (size_t tile = 0; tile < tiles; tile++) {
        struct q8_0_block block[Q8_GROUP];
        random_rows(block, false);
        kernel->tile_pack(w.tiles + tile * kernel->tile_bytes, block, 1);
    }
    return w;
}

static struct q8_vector random_vector(const struct kernel *kernel, uint32_t groups)
{
    struct q8_vector vector = take_q8(groups);
    float *x = random_floats(groups * Q8_GROUP, 4.0f);
    kernel->quantize(&vector, x, groups);
    free(x);
    return vector;
}

/* Every look finds that too much time has passed since the one before. */
static void begin_slow_stretch(void)
{
    compute_ask(&compute, (struct compute_stop){stop_asked, &machine});
    compute.allowance = compute.left = 1;
    machine.us_a_look = 1000000;
    machine.looks = 0;
    compute_begin(&compute);
}

enum { ROW_TILES = 43, Q4_ROW_TILES = 17, GROUPS = 7, VECTORS = 3, ROWS = (ROW_TILES + Q4_ROW_TILES) * Q8_GROUP };

/* A stack of two kinds of tiles. */
static void check_matmul(const struct kernel *kernel, uint32_t count, bool add)
{
    struct q8_matrix w = random_matrix(kernel, ROW_TILES, GROUPS),
                     q4 = random_q4_matrix(Q4_MINIMUM, Q4_ROW_TILES, GROUPS);
    struct q8_vector x[VECTORS];
    float *start = random_floats(ROWS * VECTORS, 4.0f), *expected = take(ROWS * VECTORS * sizeof(float));
    float *out = take(ROWS * VECTORS * sizeof(float));
    for (uint32_t i = 0; i < VECTORS; i++) {
        x[i] = random_vector(kernel, GROUPS);
    }
    memcpy(expected, start, ROWS * VECTORS * sizeof(float));
    kernel->matmul(expected, ROWS, &w, x, count, add);
    kernel->matmul_q4(expected + ROW_TILES * Q8_GROUP, ROWS, &q4, x, count, add);
    w.next = &q4;
    for (uint32_t processors = 1; processors <= MOST; processors++) {
        begin_machine(processors);
        team_begin(&team, &kernel_scalar);
        memcpy(out, start, ROWS * VECTORS * sizeof(float));
        assert_true(team_matmul(&team, NULL, kernel, out, ROWS, &w, x, count, add));
        assert_memory_equal(out, expected, ROWS * VECTORS * sizeof(float));
        memcpy(out, start, ROWS * VECTORS * sizeof(float));
        begin_slow_stretch();
        assert_true(team_matmul(&team, &compute, kernel, out, ROWS, &w, x, count, add));
        compute_end(&compute);
        team_end(&team);
        assert_int_equal(machine.looks, ROW_TILES + Q4_ROW_TILES); /* one for each */
        assert_memory_equal(out, expected, ROWS * VECTORS * sizeof(float));
    }
    for (uint32_t i = 0; i < VECTORS; i++) {
        free_q8(&x[i]);
    }
    free(w.tiles);
    free(q4.tiles);
    free(start);
    free(expected);
    free(out);
}

static void check_matmuls(const struct kernel *kernel)
{
    check_matmul(kernel, 1, false);
    check_matmul(kernel, VECTORS, true);
}

static void matmul_gives_the_same_bits(void **state)
{
    (void)state;
    check_matmuls(&kernel_scalar);
    for_each_kernel(check_matmuls);
}

static void check_attention(const struct kernel *kernel, uint32_t kv_heads, uint32_t queries, uint32_t count)
{
    struct attention_case it = random_attention(kv_heads * queries, kv_heads, 36, 201);
    const struct attention *shape = &it.shape;
    const size_t vector = (size_t)shape->heads * shape->head_size, row = vector + 28;
    int16_t *q = random_row(row * count, KV_KEY_RANGE);
    float *q_scale = random_floats(shape->heads * count, 0.001f);
    for (uint32_t i = 0; i < shape->heads * count; i++) {
        q_scale[i] += 0.002f;
    }
    struct attention_scratch scratch = take_scratch(shape);
    float *expected = random_floats((uint32_t)(row * count), 4.0f), *out = take(row * count * sizeof(float));
    memcpy(out, expected, row * count * sizeof(float));
    struct attention_task task = whole_task(&it, &scratch, out);
    task.q = q;
    task.q_scale = q_scale;
    for (uint32_t i = 0; i < count; i++) {
        struct attention_task one = task;
        one.shape.position += i;
        one.q += i * row;
        one.q_scale += i * shape->heads;
        one.out = expected + i * row;
        kernel->attention(&one);
    }
    for (uint32_t processors = 1; processors <= MOST; processors++) {
        begin_machine(processors);
        team_begin(&team, &kernel_scalar);
        assert_true(team_attention(&team, NULL, kernel, &task, row, count));
        assert_memory_equal(out, expected, row * count * sizeof(float));
        for (uint32_t i = 0; i < count; i++) {
            memset(out + i * row, 0, vector * sizeof(float));
        }
        begin_slow_stretch();
        assert_true(team_attention(&team, &compute, kernel, &task, row, count));
        compute_end(&compute);
        team_end(&team);
        assert_int_equal(machine.looks, kv_heads * count); /* one for each head of each position */
        assert_memory_equal(out, expected, row * count * sizeof(float));
        for (uint32_t i = 0; i < count; i++) {
            memset(out + i * row, 0, vector * sizeof(float));
        }
    }
    free(q);
    free(q_scale);
    free_scratch(&scratch);
    free(expected);
    free(out);
    free_case(&it);
}

static void check_attentions(const struct kernel *kernel)
{
    check_attention(kernel, 1, 3, 1);
    check_attention(kernel, 5, 2, 1);
    check_attention(kernel, 3, 4, 4);
}

static void attention_gives_the_same_bits(void **state)
{
    (void)state;
    check_attentions(&kernel_scalar);
    for_each_kernel(check_attentions);
}

/* Stopped in the middle: the rest is not computed, and the next look is not taken. */
static void computing_can_be_stopped(void **state)
{
    (void)state;
    struct q8_matrix w = random_matrix(&kernel_scalar, ROW_TILES, GROUPS);
    struct q8_vector x = random_vector(&kernel_scalar, GROUPS);
    float *out = take(ROWS * sizeof(float)), *untouched = take(Q8_GROUP * sizeof(float));
    for (uint32_t stop_at = 1; stop_at < ROW_TILES; stop_at += 5) {
        begin_machine(3);
        machine.stop_at = stop_at;
        memset(out, 0xA5, ROWS * sizeof(float));
        team_begin(&team, &kernel_scalar);
        begin_slow_stretch();
        assert_false(team_matmul(&team, &compute, &kernel_scalar, out, 0, &w, &x, 1, false));
        assert_true(compute.stopped);
        assert_int_equal(machine.looks, stop_at);
        assert_true(memcmp(out + (stop_at - 1) * Q8_GROUP, untouched, Q8_GROUP * sizeof(float)) != 0);
        assert_memory_equal(out + stop_at * Q8_GROUP, untouched, Q8_GROUP * sizeof(float));
        compute_end(&compute);
        team_end(&team);
    }
    free(w.tiles);
    free_q8(&x);
    free(out);
    free(untouched);
}

/* ---- How many processors pay ---- */

static void step(void *context)
{
    assert_ptr_equal(context, &machine);
    assert_true(machine.is_exclusive);
    const uint32_t spinning = team.at_work == 1 && machine.started ? 2 : 1; /* others, which cost one half its speed */
    machine.now += spinning * machine.step_us[team.at_work];
}

static void the_fastest_number_is_chosen(void **state)
{
    static const struct {
        uint32_t processors;
        uint64_t step_us[MOST + 1]; /* by processors */
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
        memcpy(machine.step_us, cases[i].step_us, sizeof machine.step_us);
        assert_int_equal(team_choose(&team, &compute, 100 << 20, step, &machine), cases[i].best);
        assert_int_equal(team.chosen, cases[i].best);
        assert_int_equal(team.at_work, 1);
        assert_false(machine.started);
        assert_true(machine.now < 5000000); /* not much more than twice one step */
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
    memcpy(machine.step_us, (uint64_t[MOST + 1]){0, 1000, 900, 0, 100}, sizeof machine.step_us);
    assert_int_equal(team_choose(&team, &compute, 100 << 20, stopped_step, &machine), 4);
    assert_int_equal(team.chosen, 4);
    assert_true(machine.now < 1000 * 40);
    assert_false(machine.started);
}

static void a_small_model_gets_one_at_once(void **state)
{
    (void)state;
    begin_machine(4);
    memcpy(machine.step_us, (uint64_t[MOST + 1]){0, 1000, 500, 0, 250}, sizeof machine.step_us);
    assert_int_equal(team_choose(&team, &compute, 300000, step, &machine), 1);
    assert_int_equal(machine.starts, 0);
    assert_int_equal(machine.now, 0);
    assert_int_equal(team_choose(&team, &compute, 2000000, step, &machine), 4);
    assert_int_equal(team_choose(&team, &compute, 300000, step, &machine), 1);
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
        cmocka_unit_test(a_processor_that_stops_costs_its_share_once),
        cmocka_unit_test(numbers_are_kept_within_the_machine),
        cmocka_unit_test(matmul_gives_the_same_bits),
        cmocka_unit_test(attention_gives_the_same_bits),
        cmocka_unit_test(computing_can_be_stopped),
        cmocka_unit_test(the_fastest_number_is_chosen),
        cmocka_unit_test(all_compute_where_the_choice_is_stopped),
        cmocka_unit_test(a_small_model_gets_one_at_once),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
