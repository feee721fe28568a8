#include "kernel/attention.h"

#include "base/number.h"

#define EIGHT(x) x, x, x, x, x, x, x, x
#define BLOCK(x) EIGHT(x), EIGHT(x), EIGHT(x), EIGHT(x)
_Static_assert(KV_BLOCK == 32, "a block is four times eight");

const float attention_limits[3 * KV_BLOCK] = {BLOCK(-__builtin_inff()), BLOCK(__builtin_inff()),
                                              BLOCK(-__builtin_inff())};

/* The most chunks of a text that fills the context. */
static uint32_t chunks_max(uint32_t context)
{
    return context / ATTENTION_CHUNK + 2;
}

/* Rows of a task's lanes: a factor, a largest value, and what each chunk has. */
static uint32_t rows_max(uint32_t context)
{
    return 2 + 2 * chunks_max(context);
}

static uint32_t lanes_of(uint32_t heads)
{
    return number_round_up(heads, KERNEL_LANES);
}

void attention_layout(struct attention_scratch *scratch, uint32_t heads, uint32_t context, struct arena *arena)
{
    const uint64_t elements = (uint64_t)heads * context, rows = (uint64_t)heads * lanes_of(1) * rows_max(context);
    scratch->scores = arena_take_array(arena, elements, sizeof *scratch->scores, KERNEL_ALIGNMENT);
    scratch->ratios = arena_take_array(arena, elements, sizeof *scratch->ratios, KERNEL_ALIGNMENT);
    scratch->rows = arena_take_array(arena, rows, sizeof *scratch->rows, KERNEL_ALIGNMENT);
}

struct attention_task attention_some_heads(const struct attention_task *task, uint32_t first, uint32_t count)
{
    const struct attention *shape = &task->shape;
    const size_t row = (size_t)(first / attention_queries(shape)) * shape->context, element = row * shape->head_stride;
    const struct kv_cache *cache = &task->cache;
    struct attention_task some = *task;
    some.shape.heads = count;
    some.shape.kv_heads = some.count = 1;
    some.first = 0;
    some.cache = (struct kv_cache){cache->k + element, cache->v + element, cache->k_scale + row, cache->v_scale + row,
                                   cache->v_largest + row};
    some.scratch.scores += (size_t)first * shape->context;
    some.scratch.ratios += (size_t)first * shape->context;
    some.scratch.rows += (size_t)first * lanes_of(1) * rows_max(shape->context);
    some.q += (size_t)first * shape->head_size;
    some.q_scale += first;
    some.out += (size_t)first * shape->head_size;
    return some;
}

/* The largest scale of the values that are attended to; NaN if a value of the text so far is NaN. */
static float largest_value(const struct attention_task *task, uint32_t kv_head)
{
    const struct attention *shape = &task->shape;
    const size_t row = (size_t)kv_head * shape->context;
    const float *v_scale = task->cache.v_scale + row;
    float largest = task->cache.v_largest[row + shape->position];
    uint32_t t = attention_first(shape);
    if (t > 0 && largest == largest) {
        largest = 0;
        for (; t <= shape->position; t++) {
            largest = v_scale[t] > largest ? v_scale[t] : largest;
        }
    }
    return largest;
}

struct attention_lanes attention_prepare(const struct attention_task *task)
{
    const struct attention *shape = &task->shape;
    const uint32_t queries = attention_queries(shape), stride = lanes_of(task->count * queries);
    float *row = task->scratch.rows + (size_t)task->first * rows_max(shape->context) * lanes_of(queries);
    const struct attention_lanes lanes = {stride, row, row + stride, row + 2 * stride,
                                          row + (2 + chunks_max(shape->context)) * stride};
    uint32_t head = 0;
    for (uint32_t i = 0; i < task->count; i++) {
        const float largest = largest_value(task, task->first + i);
        for (uint32_t j = 0; j < queries; j++, head++) {
            lanes.factor[head] = task->q_scale[task->first * queries + head] * shape->score_factor;
            lanes.v_largest[head] = largest;
        }
    }
    return lanes;
}
