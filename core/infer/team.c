#include "infer/team.h"

#include "base/memory.h"
#include "base/number.h"

/* States of a piece; a smaller number is the processor that has claimed it. */
enum {
    PIECE_FREE = 0xFF,
    PIECE_DONE = 0xFE,
};
_Static_assert(PLATFORM_PROCESSORS_MAX <= (int)PIECE_DONE, "a piece's state names any processor");

enum {
    SHARE_BYTES_MIN = 16384, /* read for a share; reading fewer is faster than handing them over */
    SHARE_TILES_FEW = 16,    /* row tiles of a share that one more or less makes a difference to */
    FEW_VECTORS = 8,         /* that a unit takes then */
    CACHED_BYTES = 24576,    /* that surely stay in a processor's first cache */
    PIECE_SHARES = 2,        /* smallest shares in a piece of a larger one */
    TIMED_US = 30000,        /* steps are timed for this long: a system lets a new thread run for some time first */
    TIMED_STEPS_MAX = 200,
    SLOW_STEP_US = 50000, /* a step this slow needs no warm-up step */
    SAMPLES = 3,
    DOUBLINGS_MAX = 6,

    ANSWER_US = 5000000,  /* to finish a piece after the first processor has finished all of its own */
    STOPPED_US = 1000000, /* the same once computing must stop */
    ANSWER_POLLS = 1024,  /* between two readings of the clock */
};
_Static_assert(PLATFORM_PROCESSORS_MAX <= 1 << DOUBLINGS_MAX, "all processors are so many doublings at most");
#define MODEL_BYTES_MIN (1u << 20) /* a smaller model's matrices are too small to share */

/*
 * Who may touch what. The first processor lays a job out while every piece is done, then frees the pieces (release). To
 * claim one (acquire) is to see the job that it belongs to, whichever job that is: a processor that has slept since it
 * looked takes a piece of today's job or none. Whoever has claimed a piece marks it done after its last write
 * (release), and the first processor goes on when it has seen that of all (acquire). So nobody reads a job while it
 * changes, and what a piece writes is there before the next job begins.
 */

static uint8_t state_of(const uint8_t *piece)
{
    return __atomic_load_n(piece, __ATOMIC_ACQUIRE);
}

static void set_state(uint8_t *piece, uint8_t state)
{
    __atomic_store_n(piece, state, __ATOMIC_RELEASE);
}

/* Claims a free piece, unless another processor is first. */
static bool claim(uint8_t *piece, uint32_t processor)
{
    uint8_t state = PIECE_FREE;
    return __atomic_load_n(piece, __ATOMIC_RELAXED) == PIECE_FREE &&
           __atomic_compare_exchange_n(piece, &state, (uint8_t)processor, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

/* Computes a piece that this processor has claimed. */
static void compute_piece(struct team *team, struct team_share *share, uint32_t piece)
{
    const uint32_t first = share->first + piece * share->step;
    team->work(team->context, first, number_min(share->step, share->end - first));
    set_state(&share->piece[piece], PIECE_DONE);
}

/* Computes what is free of all shares: those of its own first. */
static void take_part(struct team *team, uint32_t processor)
{
    const uint32_t shares = team->chosen;
    for (uint32_t i = 0; i < shares; i++) {
        struct team_share *share = &team->share[(processor + i) % shares];
        for (uint32_t j = 0; j < TEAM_PIECES; j++) {
            const uint32_t piece = i == 0 ? j : TEAM_PIECES - 1 - j;
            if (claim(&share->piece[piece], processor)) {
                compute_piece(team, share, piece);
            }
        }
    }
}

static bool is_dismissed(const struct team_share *share)
{
    return __atomic_load_n(&share->dismissed, __ATOMIC_ACQUIRE);
}

/* The work of a processor from start to dismissal. Its first piece is the last one that others take. */
static void serve(void *context, uint32_t index)
{
    struct team *team = context;
    const struct team_share *self = &team->share[index];
    if (is_dismissed(self)) {
        return;
    }
    kernel_begin(team->kernel);
    while (!is_dismissed(self)) {
        if (state_of(&self->piece[0]) == PIECE_FREE) {
            take_part(team, index);
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
    for (uint32_t i = 0; i < PLATFORM_PROCESSORS_MAX; i++) {
        memset(team->share[i].piece, PIECE_DONE, TEAM_PIECES);
    }
}

uint32_t team_processors(const struct team *team)
{
    return team->present;
}

void team_use(struct team *team, uint32_t processors)
{
    team->chosen = processors < 1 ? 1 : processors < team->present ? processors : team->present;
}

/* Lets the processors below `count` serve, and dismisses the others. */
static void keep(struct team *team, uint32_t count)
{
    for (uint32_t i = 1; i < PLATFORM_PROCESSORS_MAX; i++) {
        __atomic_store_n(&team->share[i].dismissed, i >= count, __ATOMIC_RELEASE);
    }
}

void team_begin(struct team *team, const struct kernel *kernel)
{
    struct platform *platform = team->platform;
    if (team->chosen <= 1) {
        return;
    }
    team->kernel = kernel;
    keep(team, team->chosen); /* processors that are not needed return immediately */
    const uint32_t started = 1 + platform->start_processors(platform, serve, team);
    team->at_work = started < team->chosen ? started : team->chosen;
}

void team_end(struct team *team)
{
    if (team->chosen <= 1) {
        return;
    }
    keep(team, 1);
    team->platform->stop_processors(team->platform);
    team->at_work = 1;
}

/* Divides units begin .. end - 1 into at most so many pieces, and frees them, the first one last. */
static void lay_out(struct team_share *share, uint32_t begin, uint32_t end, uint32_t pieces)
{
    share->first = begin;
    share->end = end;
    share->step = (end - begin + pieces - 1) / pieces;
    for (uint32_t i = pieces; i-- > 0;) {
        if (i * share->step < end - begin) {
            set_state(&share->piece[i], PIECE_FREE);
        }
    }
}

/* Whether a processor that has been waited for since `start` has hung. Looks for the stop key meanwhile: whoever wants
   to stop waits less. compute may be NULL. */
static bool has_hung(const struct team *team, struct compute *compute, uint64_t start)
{
    const uint64_t now = team->platform->microseconds(team->platform);
    if (compute != NULL && now - compute->since > COMPUTE_PERIOD_US) {
        compute_interrupt(compute);
    }
    return now - start > (compute != NULL && compute->stopped ? STOPPED_US : ANSWER_US);
}

/* Waits until a claimed piece is done. A processor that has hung within it is reset, and the piece computed again. The
   clock is rarely read, and the number of polls is bounded in case it has stopped too. */
static void wait_for(struct team *team, struct compute *compute, struct team_share *share, uint32_t piece)
{
    struct platform *platform = team->platform;
    uint64_t start = 0;
    uint8_t state;
    for (uint32_t i = 1; (state = state_of(&share->piece[piece])) != PIECE_DONE; i++) {
        __builtin_ia32_pause();
        if (i == ANSWER_POLLS) {
            start = platform->microseconds(platform);
        }
        if ((i == UINT32_MAX || (i % ANSWER_POLLS == 0 && has_hung(team, compute, start))) &&
            state_of(&share->piece[piece]) != PIECE_DONE && platform->reset_processor(platform, state)) {
            team->lost = true;
            compute_piece(team, share, piece);
        }
    }
}

/* Divides units begin .. begin + units - 1 among `members` processors, at most one per unit. */
static void divide(struct team *team, struct compute *compute, uint32_t members, uint32_t pieces, uint32_t begin,
                   uint32_t units)
{
    for (uint32_t i = members; i-- > 0;) { /* the others may begin before the first */
        lay_out(&team->share[i], begin + units * i / members, begin + units * (i + 1) / members, pieces);
    }
    take_part(team, 0);
    for (uint32_t i = 0; i < members; i++) {
        for (uint32_t piece = 0; piece < TEAM_PIECES; piece++) {
            wait_for(team, compute, &team->share[i], piece);
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

/* Units first .. first + units - 1 of a job. */
static void run_units(struct team *team, struct compute *compute, const struct team_job *job, uint32_t first,
                      uint32_t units)
{
    const uint64_t bytes = units * job->unit_bytes;
    const uint32_t shares = (bytes < UINT32_MAX ? (uint32_t)bytes : UINT32_MAX) / SHARE_BYTES_MIN;
    const uint32_t members = is_alone(team) ? 1 : number_min(number_min(team->at_work, units), shares);
    if (members <= 1) {
        job->work(job->context, first, units);
        return;
    }
    team->work = job->work;
    team->context = job->context;
    divide(team, compute, members, number_max(number_min(shares / members / PIECE_SHARES, TEAM_PIECES), 1), first,
           units);
}

bool team_split(struct team *team, struct compute *compute, const struct team_job *job)
{
    uint32_t first = 0, share;
    bool going;
    do {
        share = compute_share(compute, job->unit_work, job->units - first);
        run_units(team, compute, job, first, share);
        first += share;
        going = compute_done(compute, job->unit_work * share);
    } while (going && first < job->units);
    return going;
}

struct matmul_call {
    const struct kernel *kernel;
    float *out;
    size_t out_stride;
    const struct q8_matrix *w;
    const struct q8_vector *x;
    uint32_t count;
    bool add;
    uint32_t vectors; /* that a unit takes: all, or some and the next units the rest */
};

/* Row tiles for the first of the vectors, then for the next. A range of row tiles is a matrix as well. */
static void matmul_part(void *context, uint32_t first, uint32_t count)
{
    const struct matmul_call *call = context;
    const struct q8_matrix *w = call->w;
    for (uint32_t tiles; count > 0; first += tiles, count -= tiles) {
        const uint32_t tile = first % w->row_tiles, vector = first / w->row_tiles * call->vectors;
        tiles = number_min(count, w->row_tiles - tile);
        const struct q8_matrix part = {
            .rows = tiles * Q8_GROUP,
            .cols = w->cols,
            .row_tiles = tiles,
            .groups = w->groups,
            .tiles = w->tiles + tile * kernel_row_bytes(call->kernel, w->narrow, w->groups),
            .narrow = w->narrow,
        };
        kernel_matmul(call->kernel, call->out + vector * call->out_stride + (size_t)tile * Q8_GROUP, call->out_stride,
                      &part, call->x + vector, number_min(call->vectors, call->count - vector), call->add);
    }
}

/* How many vectors a unit takes: some, where row tiles alone would not divide well. */
static uint32_t vectors_for(const struct team *team, uint32_t row_tiles, uint32_t count)
{
    const bool uneven =
        !is_alone(team) && row_tiles < SHARE_TILES_FEW * team->at_work && row_tiles % team->at_work != 0;
    return uneven ? number_min(count, FEW_VECTORS) : count;
}

/* Rows that have the same kind of tiles, divided. */
static bool matmul_split(struct team *team, struct compute *compute, const struct kernel *kernel, float *out,
                         size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                         bool add)
{
    const uint32_t vectors = vectors_for(team, w->row_tiles, count), parts = (count + vectors - 1) / vectors;
    struct matmul_call call = {kernel, out, out_stride, w, x, count, add, vectors};
    const struct team_job job = {w->row_tiles * parts,
                                 (uint64_t)kernel_row_bytes(kernel, w->narrow, w->groups) * vectors,
                                 (uint64_t)w->groups * vectors, matmul_part, &call};
    return team_split(team, compute, &job);
}

bool team_multiplies_at_once(const struct team *team, const struct compute *compute, const struct q8_matrix *w,
                             uint32_t count)
{
    return is_alone(team) && compute_share(compute, (uint64_t)w->groups * count, w->row_tiles) == w->row_tiles;
}

/* Rows that have the same kind of tiles; at once where possible, because small models have many of these. */
static bool matmul_one(struct team *team, struct compute *compute, const struct kernel *kernel, float *out,
                       size_t out_stride, const struct q8_matrix *w, const struct q8_vector *x, uint32_t count,
                       bool add)
{
    const uint64_t work = (uint64_t)w->groups * count;
    if (!team_multiplies_at_once(team, compute, w, count)) {
        return matmul_split(team, compute, kernel, out, out_stride, w, x, count, add);
    }
    kernel_matmul(kernel, out, out_stride, w, x, count, add);
    return compute_done(compute, work * w->row_tiles);
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
    uint32_t parts; /* units of a KV head */
    uint32_t heads; /* of a unit, or fewer in the last one of a KV head */
};

/* Moves a task, of some of so many heads, on to a later position. */
static void advance(struct attention_task *task, uint32_t heads, size_t row, uint32_t positions)
{
    task->shape.position += positions;
    task->q += row * positions;
    task->q_scale += (size_t)heads * positions;
    task->out += row * positions;
}

/* All positions of a unit, then of the next: its keys and values stay in the processor's cache. */
static void attention_part(void *context, uint32_t first, uint32_t count)
{
    const struct attention_call *call = context;
    const uint32_t queries = attention_queries(&call->task.shape);
    for (uint32_t unit = first; unit < first + count; unit++) {
        const uint32_t head = unit % call->parts * call->heads;
        struct attention_task part = attention_some_heads(&call->task, unit / call->parts * queries + head,
                                                          number_min(call->heads, queries - head));
        for (uint32_t i = 0; i < call->count; i++) {
            call->kernel->attention(&part);
            advance(&part, call->task.shape.heads, call->row, 1);
        }
    }
}

/* How many positions are attended to from `position`. */
static uint32_t attended(const struct attention *shape, uint32_t position)
{
    return shape->window != 0 && position >= shape->window ? shape->window : position + 1;
}

/* The work of one KV head and one position: its heads' products of int16, which take twice as long as those of int8,
   and exponentials. */
static uint64_t attention_work(const struct attention *shape, uint32_t position)
{
    const uint64_t heads = attention_queries(shape);
    return heads * attended(shape, position) * (shape->head_size + 16) / 256 + 1;
}

/* Divides KV heads where there are fewer than two for each processor. */
static void choose_units(struct attention_call *call, const struct team *team)
{
    const struct attention *shape = &call->task.shape;
    const uint32_t queries = attention_queries(shape), wanted = is_alone(team) ? 1 : 2 * team->at_work;
    const uint32_t parts = number_min((wanted + shape->kv_heads - 1) / shape->kv_heads, queries);
    call->heads = queries / parts;
    call->parts = (queries + call->heads - 1) / call->heads;
}

/* The positions of a call. */
static bool attention_positions(struct team *team, struct compute *compute, struct attention_call *call)
{
    const struct attention *shape = &call->task.shape;
    const uint64_t row_bytes = (uint64_t)shape->head_stride * 2 * sizeof *call->task.cache.k;
    const uint64_t positions = (uint64_t)attended(shape, shape->position) * call->count;
    const uint64_t work = attention_work(shape, shape->position + call->count - 1) * call->count;
    const struct team_job job = {shape->kv_heads * call->parts, row_bytes * call->heads * positions,
                                 (uint32_t)work / call->parts + 1, attention_part, call};
    return team_split(team, compute, &job);
}

/* Positions at once, or one by one where that would take too long. */
static bool attention_split(struct team *team, struct compute *compute, const struct kernel *kernel,
                            const struct attention_task *first, size_t row, uint32_t count, bool at_once)
{
    struct attention_call call = {.kernel = kernel, .task = *first, .row = row, .count = count};
    choose_units(&call, team);
    if (at_once) {
        return attention_positions(team, compute, &call);
    }
    bool going = true;
    call.count = 1;
    for (uint32_t i = 0; going && i < count; i++, advance(&call.task, first->shape.heads, row, 1)) {
        going = attention_positions(team, compute, &call);
    }
    return going;
}

/* Bytes of all KV heads' keys and values that are attended to from `position`. */
static uint64_t attended_bytes(const struct attention *shape, uint32_t position)
{
    return (uint64_t)attended(shape, position) * shape->kv_heads * shape->head_stride * 2 * sizeof(int16_t);
}

bool team_attention(struct team *team, struct compute *compute, const struct kernel *kernel,
                    const struct attention_task *first, size_t row, uint32_t count)
{
    const struct attention *shape = &first->shape;
    const uint32_t last = shape->position + count - 1;
    const uint64_t most = attention_work(shape, last) * shape->kv_heads;
    const bool at_once = compute == NULL || most * count <= compute->left;
    if (!at_once || !is_alone(team) || (count > 1 && attended_bytes(shape, last) > CACHED_BYTES)) {
        return attention_split(team, compute, kernel, first, row, count, at_once);
    }
    kernel->attention(first); /* all KV heads at once are faster in small models */
    for (uint32_t i = 1; i < count; i++) {
        struct attention_task task = *first;
        advance(&task, shape->heads, row, i);
        kernel->attention(&task);
    }
    return compute_done(compute, most * count);
}

/* Nanoseconds of a step, from as many as take so long, or TIMED_STEPS_MAX. */
static uint64_t time_steps(struct compute *compute, uint32_t microseconds, void (*step)(void *context), void *context)
{
    struct platform *platform = compute->platform;
    const uint64_t start = platform->microseconds(platform);
    uint64_t elapsed;
    uint32_t steps = 0;
    compute_begin(compute);
    do {
        step(context);
        elapsed = platform->microseconds(platform) - start;
    } while (++steps < TIMED_STEPS_MAX && elapsed < microseconds);
    compute_end(compute);
    return elapsed * 1000 / steps;
}

/* Nanoseconds of a step by this many processors, the median of several samples: a system under load takes a processor
   away for milliseconds, which most samples suffer from only if it does so often. */
static uint64_t step_time(struct team *team, struct compute *compute, uint32_t processors, void (*step)(void *context),
                          void *context)
{
    uint64_t least = UINT64_MAX, most = 0, total = 0;
    team->at_work = processors;
    const uint64_t once = time_steps(compute, 0, step, context);
    if (once >= SLOW_STEP_US * 1000) {
        return once;
    }
    for (uint32_t i = 0; i < SAMPLES; i++) {
        const uint64_t time = time_steps(compute, TIMED_US, step, context);
        least = time < least ? time : least;
        most = time > most ? time : most;
        total += time;
    }
    return total - least - most;
}

/* Times one processor before the others are there, whose spinning may slow it down, then all, half of them ... and two,
   those that are not needed dismissed. More processors must gain an eighth, because they make heat. Two may be threads
   of one core, so a number without a gain does not rule out the next. */
uint32_t team_choose(struct team *team, struct compute *compute, uint64_t weight_bytes, void (*step)(void *context),
                     void *context)
{
    uint64_t time[DOUBLINGS_MAX + 1];
    uint32_t best = 1, doublings = 0;
    team_use(team, weight_bytes < MODEL_BYTES_MIN ? 1 : team->present);
    if (team->chosen <= 1) {
        return best;
    }
    time[0] = step_time(team, compute, 1, step, context);
    team_begin(team, compute->kernel);
    const uint32_t all = team->at_work;
    while (1u << doublings < all) {
        doublings++;
    }
    for (uint32_t i = doublings; i > 0 && !compute->stopped; i--) {
        keep(team, number_min(1u << i, all));
        time[i] = step_time(team, compute, number_min(1u << i, all), step, context);
    }
    team_end(team);
    for (uint32_t i = 1; i <= doublings && !compute->stopped; i++) {
        if (time[i] < time[0] - time[0] / 8) {
            best = number_min(1u << i, all);
            time[0] = time[i];
        }
    }
    team_use(team, compute->stopped ? team->present : best);
    return team->chosen;
}
