#include "infer/team.h"

#include "base/memory.h"
#include "base/number.h"

/* States of a mailbox. The first processor offers and dismisses; an offer belongs to whoever changes the state
   first. */
enum member_state {
    TEAM_IDLE,
    TEAM_OFFERED,
    TEAM_TAKEN,
    TEAM_DISMISSED,
};

enum {
    SHARE_BYTES_MIN = 16384, /* read for a share; reading fewer is faster than handing them over */
    TIMED_US = 10000,        /* steps are timed for this long */
    TIMED_STEPS_MAX = 16,
    SLOW_STEP_US = 50000, /* a step this slow needs no warm-up step */

    ANSWER_US = 5000000, /* to finish a share after the first processor has finished its own */
    ANSWER_POLLS = 1024, /* between two readings of the clock */
};
#define MODEL_BYTES_MIN (1u << 20) /* a smaller model's matrices are too small to share */

static uint32_t state_of(const struct team_member *member)
{
    return __atomic_load_n(&member->state, __ATOMIC_ACQUIRE);
}

static void set_state(struct team_member *member, enum member_state state)
{
    __atomic_store_n(&member->state, state, __ATOMIC_RELEASE);
}

/* Changes one state to another, unless another processor was first. */
static bool change_state(struct team_member *member, uint32_t from, enum member_state to)
{
    return __atomic_compare_exchange_n(&member->state, &from, to, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
}

/* The work of a processor from start to dismissal. */
static void serve(void *context, uint32_t index)
{
    struct team *team = context;
    struct team_member *self = &team->member[index];
    uint32_t state = state_of(self);
    if (state == TEAM_DISMISSED) {
        return;
    }
    kernel_begin(team->kernel);
    for (; state != TEAM_DISMISSED; state = state_of(self)) {
        if (state == TEAM_OFFERED && change_state(self, TEAM_OFFERED, TEAM_TAKEN)) {
            self->work(self->context, self->first, self->count);
            change_state(self, TEAM_TAKEN, TEAM_IDLE); /* unless dismissed in the meantime */
        }
        __builtin_ia32_pause();
    }
    kernel_end(team->kernel);
}

void team_init(struct team *team, struct platform *platform)
{
    memset(team, 0, sizeof *team);
    team->platform = platform;
    team->present = 1 + platform->other_processors(platform);
    team->chosen = team->at_work = 1;
}

uint32_t team_processors(const struct team *team)
{
    return team->present;
}

void team_use(struct team *team, uint32_t processors)
{
    team->chosen = processors < 1 ? 1 : processors < team->present ? processors : team->present;
}

void team_begin(struct team *team, const struct kernel *kernel)
{
    struct platform *platform = team->platform;
    if (team->chosen <= 1) {
        return;
    }
    team->kernel = kernel;
    for (uint32_t i = 1; i < PLATFORM_PROCESSORS_MAX; i++) { /* processors that are not needed return immediately */
        set_state(&team->member[i], i < team->chosen ? TEAM_IDLE : TEAM_DISMISSED);
    }
    const uint32_t started = 1 + platform->start_processors(platform, serve, team);
    team->at_work = started < team->chosen ? started : team->chosen;
}

void team_end(struct team *team)
{
    if (team->chosen <= 1) {
        return;
    }
    for (uint32_t i = 1; i < PLATFORM_PROCESSORS_MAX; i++) {
        set_state(&team->member[i], TEAM_DISMISSED);
    }
    team->platform->stop_processors(team->platform);
    team->at_work = 1;
}

/* Where the share of member `index` begins if `members` share `units`. */
static uint32_t share_begin(uint32_t units, uint32_t members, uint32_t index)
{
    const uint32_t larger = units % members; /* shares with one more unit */
    return units / members * index + (index < larger ? index : larger);
}

static void offer(struct team_member *member, team_work *work, void *context, uint32_t first, uint32_t end)
{
    member->first = first;
    member->count = end - first;
    member->work = work;
    member->context = context;
    set_state(member, TEAM_OFFERED);
}

/* Waits until the member has finished its share; false if it has hung. The clock is rarely read, and the number of
   polls is bounded in case it has stopped too. */
static bool answers(struct team *team, const struct team_member *member)
{
    struct platform *platform = team->platform;
    uint64_t start = 0;
    for (uint32_t i = 1; state_of(member) != TEAM_IDLE; i++) {
        __builtin_ia32_pause();
        if (i == ANSWER_POLLS) {
            start = platform->microseconds(platform);
        }
        if (i == UINT32_MAX || (i % ANSWER_POLLS == 0 && platform->microseconds(platform) - start > ANSWER_US)) {
            return false;
        }
    }
    return true;
}

/* Divides units begin .. begin + units - 1 among `members` processors, at least 1 and at most one per unit. */
static void split(struct team *team, uint32_t members, uint32_t begin, uint32_t units, team_work *work, void *context)
{
    if (members == 1) {
        work(context, begin, units);
        return;
    }
    uint32_t first = begin + share_begin(units, members, 1);
    for (uint32_t i = 1; i < members; i++) {
        const uint32_t end = begin + share_begin(units, members, i + 1);
        offer(&team->member[i], work, context, first, end);
        first = end;
    }
    work(context, begin, share_begin(units, members, 1));
    for (uint32_t i = 1; i < members; i++) {
        struct team_member *member = &team->member[i];
        if (change_state(member, TEAM_OFFERED, TEAM_IDLE)) {
            work(context, member->first, member->count);
        }
    }
    for (uint32_t i = 1; i < members; i++) {
        struct team_member *member = &team->member[i];
        if (!answers(team, member)) {
            work(context, member->first, member->count);
            team->at_work = 1;
            team->lost = true;
        }
    }
}

bool team_lost(struct team *team)
{
    const bool lost = team != NULL && team->lost;
    if (lost) {
        team->lost = false;
    }
    return lost;
}

/* Whether the first processor computes alone. */
static bool is_alone(const struct team *team)
{
    return team == NULL || team->at_work <= 1;
}

/* How many processors should share `units` that read `bytes` in total. */
static uint32_t members_for(const struct team *team, uint32_t units, uint64_t bytes)
{
    if (is_alone(team)) {
        return 1;
    }
    const uint64_t shares = bytes / SHARE_BYTES_MIN;
    const uint32_t members = shares < team->at_work ? (uint32_t)shares : team->at_work;
    return members < 1 ? 1 : number_min(members, units);
}

void team_split(struct team *team, uint32_t units, team_work *work, void *context)
{
    if (units > 0) {
        split(team, members_for(team, units, UINT64_MAX), 0, units, work, context);
    }
}

struct matmul_call {
    const struct kernel *kernel;
    float *out;
    size_t out_stride;
    const struct q8_matrix *w;
    const struct q8_vector *x;
    uint32_t count;
    bool add;
};

/* A range of row tiles is a matrix as well. */
static void matmul_part(void *context, uint32_t first, uint32_t count)
{
    const struct matmul_call *call = context;
    const struct q8_matrix *w = call->w;
    const struct q8_matrix part = {
        .rows = count * Q8_GROUP,
        .cols = w->cols,
        .row_tiles = count,
        .groups = w->groups,
        .tiles = w->tiles + first * kernel_row_bytes(call->kernel, w->q4, w->groups),
        .q4 = w->q4,
    };
    kernel_matmul(call->kernel, call->out + (size_t)first * Q8_GROUP, call->out_stride, &part, call->x, call->count,
                  call->add);
}

/* Row tiles first .. first + count - 1. */
static void matmul_rows(struct team *team, struct matmul_call *call, uint32_t first, uint32_t count)
{
    const uint64_t row = kernel_row_bytes(call->kernel, call->w->q4, call->w->groups);
    const uint64_t bytes = count * row * call->count;
    split(team, members_for(team, count, bytes), first, count, matmul_part, call);
}

/* Rows that have the same kind of tiles. */
static bool matmul_one(struct team *team, struct compute *compute, const struct kernel *kernel, float *out,
                       size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                       bool add)
{
    struct matmul_call call = {kernel, out, out_stride, w, x, count, add};
    const uint64_t work = (uint64_t)w->groups * count; /* of a row tile */
    uint32_t first = 0, share;
    bool going;
    if (is_alone(team) && compute_share(compute, work, w->row_tiles) == w->row_tiles) {
        kernel_matmul(kernel, out, out_stride, w, x, count, add); /* small models have many of these */
        return compute_done(compute, work * w->row_tiles);
    }
    do {
        share = compute_share(compute, work, w->row_tiles - first);
        matmul_rows(team, &call, first, share);
        first += share;
        going = compute_done(compute, work * share);
    } while (going && first < w->row_tiles);
    return going;
}

bool team_matmul(struct team *team, struct compute *compute, const struct kernel *kernel, float *out, size_t out_stride,
                 const struct q8_matrix *w, const struct q8_vector *x, uint32_t count, bool add)
{
    bool going = matmul_one(team, compute, kernel, out, out_stride, w, x, count, add);
    while (going && w->next != NULL) {
        out += (size_t)w->row_tiles * Q8_GROUP;
        w = w->next;
        going = matmul_one(team, compute, kernel, out, out_stride, w, x, count, add);
    }
    return going;
}

struct attention_call {
    const struct kernel *kernel;
    struct attention_task task; /* of the first position */
    size_t row;
    uint32_t count;
};

/* Moves a task on to a later position. */
static void advance(struct attention_task *task, size_t row, uint32_t positions)
{
    task->shape.position += positions;
    task->q += row * positions;
    task->q_scale += (size_t)task->shape.heads * positions;
    task->out += row * positions;
}

static void attention_part(void *context, uint32_t first, uint32_t count)
{
    const struct attention_call *call = context;
    struct attention_task task = call->task;
    task.first = first;
    task.count = count;
    for (uint32_t i = 0; i < call->count; i++) {
        call->kernel->attention(&task);
        advance(&task, call->row, 1);
    }
}

/* How many positions are attended to from `position`. */
static uint32_t attended(const struct attention *shape, uint32_t position)
{
    return shape->window != 0 && position >= shape->window ? shape->window : position + 1;
}

/* The positions of a call, for some of the KV heads. */
static void attention_some(struct team *team, struct attention_call *call, uint32_t first, uint32_t count)
{
    const struct attention *shape = &call->task.shape;
    const uint64_t row_bytes = (uint64_t)shape->head_stride * 2 * sizeof *call->task.cache.k;
    const uint64_t bytes =
        row_bytes * attention_queries(shape) * count * attended(shape, shape->position) * call->count;
    split(team, members_for(team, count, bytes), first, count, attention_part, call);
}

/* The work of one KV head and one position: its heads' products of int16, which take twice as long as those of int8,
   and exponentials. */
static uint64_t attention_work(const struct attention *shape, uint32_t position)
{
    const uint64_t heads = attention_queries(shape);
    return heads * attended(shape, position) * (shape->head_size + 16) / 256 + 1;
}

bool team_attention(struct team *team, struct compute *compute, const struct kernel *kernel,
                    const struct attention_task *first, size_t row, uint32_t count)
{
    const struct attention *shape = &first->shape;
    struct attention_call call = {kernel, *first, row, count};
    const uint64_t most = attention_work(shape, shape->position + count - 1) * shape->kv_heads;
    if (compute == NULL || most * count <= compute->left) {
        if (is_alone(team)) {
            attention_part(&call, 0, shape->kv_heads); /* as in team_matmul */
        } else {
            attention_some(team, &call, 0, shape->kv_heads);
        }
        return compute_done(compute, most * count);
    }
    call.count = 1;
    for (uint32_t i = 0; i < count; i++, advance(&call.task, row, 1)) {
        const uint64_t work = attention_work(shape, shape->position + i);
        for (uint32_t head = 0, share; head < shape->kv_heads; head += share) {
            share = compute_share(compute, work, shape->kv_heads - head);
            attention_some(team, &call, head, share);
            if (!compute_done(compute, work * share)) {
                return false;
            }
        }
    }
    return true;
}

/* Microseconds that a number of steps take. */
static uint64_t time_steps(struct compute *compute, uint32_t steps, void (*step)(void *context), void *context)
{
    struct platform *platform = compute->platform;
    const uint64_t start = platform->microseconds(platform);
    compute_begin(compute);
    for (uint32_t i = 0; i < steps; i++) {
        step(context);
    }
    compute_end(compute);
    return platform->microseconds(platform) - start;
}

/* Nanoseconds of a step by this many processors. */
static uint64_t step_time(struct team *team, struct compute *compute, uint32_t processors, void (*step)(void *context),
                          void *context)
{
    team->at_work = processors;
    const uint64_t once = time_steps(compute, 1, step, context);
    if (once >= SLOW_STEP_US) {
        return once * 1000;
    }
    const uint32_t steps = number_min(TIMED_STEPS_MAX, TIMED_US / ((uint32_t)once + 1) + 1);
    return time_steps(compute, steps, step, context) * 1000 / steps;
}

/* Times one processor before the others are there, whose spinning may slow it down, then two, four ... and all. More
   processors must gain an eighth, because they make heat. Two may be threads of one core, so a number without a gain
   does not rule out the next. */
uint32_t team_choose(struct team *team, struct compute *compute, uint64_t weight_bytes, void (*step)(void *context),
                     void *context)
{
    uint32_t best = 1, processors = 1;
    team_use(team, weight_bytes < MODEL_BYTES_MIN ? 1 : team->present);
    if (team->chosen <= 1) {
        return best;
    }
    uint64_t best_time = step_time(team, compute, 1, step, context);
    team_begin(team, compute->kernel);
    const uint32_t most = team->at_work;
    while (processors < most && !compute->stopped) {
        processors = number_min(2 * processors, most);
        const uint64_t time = step_time(team, compute, processors, step, context);
        if (time < best_time - best_time / 8) {
            best = processors;
            best_time = time;
        }
    }
    team_end(team);
    team_use(team, compute->stopped ? team->present : best);
    return team->chosen;
}
