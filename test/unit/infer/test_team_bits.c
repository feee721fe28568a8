/* team.c with threads as processors: matrix products and attention have the bits of one processor, and they stop. */
#include "kernel_input.h"
#include "team_machine.h"

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
    compute_ask(&compute, (struct compute_stop){stop_asked, &team_machine});
    compute.allowance = compute.left = 1;
    team_machine.us_a_look = 1000000;
    team_machine.looks = 0;
    compute_begin(&compute);
}

enum {
    ROW_TILES = 43,
    NARROW_ROW_TILES = 17,
    GROUPS = 7,
    VECTORS = 11,
    ROWS = (ROW_TILES + NARROW_ROW_TILES) * Q8_GROUP
};

/* What several processors divide a product into: row tiles; where few do not divide evenly, vectors as well. */
static uint32_t units_of(uint32_t row_tiles, uint32_t count, uint32_t processors)
{
    const bool uneven = processors > 1 && row_tiles < 16 * processors && row_tiles % processors != 0;
    return row_tiles * (uneven ? (count + 7) / 8 : 1);
}

/* A stack of two kinds of tiles. */
static void check_matmul(const struct kernel *kernel, uint32_t count, bool add)
{
    struct q8_matrix w = random_matrix(kernel, ROW_TILES, GROUPS),
                     narrow = random_narrow_matrix(Q4_MINIMUM, NARROW_ROW_TILES, GROUPS);
    struct q8_vector x[VECTORS];
    float *start = random_floats(ROWS * VECTORS, 4.0f), *expected = take(ROWS * VECTORS * sizeof(float));
    float *out = take(ROWS * VECTORS * sizeof(float));
    for (uint32_t i = 0; i < VECTORS; i++) {
        x[i] = random_vector(kernel, GROUPS);
    }
    memcpy(expected, start, ROWS * VECTORS * sizeof(float));
    kernel->matmul(expected, ROWS, &w, x, count, add);
    kernel->matmul_narrow(expected + ROW_TILES * Q8_GROUP, ROWS, &narrow, x, count, add);
    w.next = &narrow;
    for (uint32_t processors = 1; processors <= TEAM_MOST; processors++) {
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
        assert_int_equal(team_machine.looks,
                         units_of(ROW_TILES, count, processors) + units_of(NARROW_ROW_TILES, count, processors));
        assert_memory_equal(out, expected, ROWS * VECTORS * sizeof(float));
    }
    for (uint32_t i = 0; i < VECTORS; i++) {
        free_q8(&x[i]);
    }
    free(w.tiles);
    free(narrow.tiles);
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

/* What several processors divide a position's attention into: KV heads, or groups of their heads. */
static uint32_t parts_of(const struct attention *shape, uint32_t processors)
{
    const uint32_t queries = attention_queries(shape);
    uint32_t heads = queries; /* in a part */
    while (processors > 1 && heads > 1 && shape->kv_heads * ((queries + heads - 1) / heads) < 2 * processors) {
        heads--;
    }
    return shape->kv_heads * ((queries + heads - 1) / heads);
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
    for (uint32_t processors = 1; processors <= TEAM_MOST; processors++) {
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
        assert_int_equal(team_machine.looks,
                         parts_of(shape, processors) * count); /* one for each part of each position */
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
    check_attention(kernel, 1, 8, 3);
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
        team_machine.stop_at = stop_at;
        memset(out, 0xA5, ROWS * sizeof(float));
        team_begin(&team, &kernel_scalar);
        begin_slow_stretch();
        assert_false(team_matmul(&team, &compute, &kernel_scalar, out, 0, &w, &x, 1, false));
        assert_true(compute.stopped);
        assert_int_equal(team_machine.looks, stop_at);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(matmul_gives_the_same_bits),
        cmocka_unit_test(attention_gives_the_same_bits),
        cmocka_unit_test(computing_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, single_precision, NULL);
}
