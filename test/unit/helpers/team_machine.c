#include "team_machine.h"

#include <unistd.h>

struct team_machine team_machine;
struct team team;
struct compute compute;

static void *run_thread(void *index)
{
    single_precision(NULL);
    if (team_machine.late_us > 0) {
        usleep(team_machine.late_us);
    }
    team_machine.work(team_machine.context, (uint32_t)(uintptr_t)index);
    __atomic_add_fetch(&team_machine.returned, 1, __ATOMIC_SEQ_CST);
    return NULL;
}

static uint32_t other_processors(struct platform *platform)
{
    assert_ptr_equal(platform, &team_machine.platform);
    return team_machine.others;
}

static uint32_t start_processors(struct platform *platform, void (*work)(void *context, uint32_t index), void *context)
{
    assert_ptr_equal(platform, &team_machine.platform);
    assert_false(team_machine.started);
    assert_false(team_machine.is_exclusive);
    team_machine.started = true;
    team_machine.starts++;
    team_machine.work = work;
    team_machine.context = context;
    team_machine.threads = team_machine.returned = 0;
    for (uint32_t i = 1; i + team_machine.absent <= team_machine.others; i++) {
        assert_int_equal(
            pthread_create(&team_machine.thread[team_machine.threads++], NULL, run_thread, (void *)(uintptr_t)i), 0);
    }
    return team_machine.others;
}

static void stop_processors(struct platform *platform)
{
    assert_ptr_equal(platform, &team_machine.platform);
    assert_true(team_machine.started);
    assert_false(team_machine.is_exclusive);
    while (team_machine.threads > 0) {
        pthread_join(team_machine.thread[--team_machine.threads], NULL);
    }
    team_machine.started = false;
}

static void exclusive(struct platform *platform, bool on)
{
    assert_ptr_equal(platform, &team_machine.platform);
    assert_true(team_machine.is_exclusive != on);
    team_machine.is_exclusive = on;
}

static uint64_t microseconds(struct platform *platform)
{
    assert_ptr_equal(platform, &team_machine.platform);
    return team_machine.now += team_machine.us_a_look;
}

static bool reset_processor(struct platform *platform, uint32_t index)
{
    assert_ptr_equal(platform, &team_machine.platform);
    assert_true(index >= 1 && index <= team_machine.others);
    team_machine.reset = index;
    const uint32_t resets = __atomic_add_fetch(&team_machine.resets, 1, __ATOMIC_SEQ_CST);
    while (!team_machine.waits && __atomic_load_n(&team_machine.ended, __ATOMIC_SEQ_CST) < resets) {
        usleep(100);
    }
    return !team_machine.waits;
}

bool stop_asked(void *context)
{
    assert_ptr_equal(context, &team_machine);
    assert_false(team_machine.is_exclusive);
    return ++team_machine.looks == team_machine.stop_at;
}

void begin_machine(uint32_t processors)
{
    team_machine = (struct team_machine){
        .platform = {.other_processors = other_processors,
                     .start_processors = start_processors,
                     .stop_processors = stop_processors,
                     .reset_processor = reset_processor,
                     .exclusive = exclusive,
                     .microseconds = microseconds},
        .others = processors - 1,
    };
    team_init(&team, &team_machine.platform);
    assert_int_equal(team_processors(&team), processors);
    team_use(&team, processors);
    compute_open(&compute, &team_machine.platform, &kernel_scalar);
}
