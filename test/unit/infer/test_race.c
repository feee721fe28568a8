/* The race of kernels: its rule with a fake clock, and all kernels on slices of models. */
#include "unit.h"

#include "gguf/header.h"
#include "infer/race.h"
#include "memory_platform.h"
#include "sample_model.h"

enum { A_MILLISECOND = 1000000, SLICE_MAX = 64 << 20 };

/* Kernels that take as long as the test says. */
static struct {
    uint64_t now;           /* nanoseconds */
    uint64_t unit;          /* of the clock, nanoseconds; 0 = it stands still */
    uint64_t cost[KERNELS]; /* of a piece */
    uint64_t pieces[KERNELS];
    uint64_t pause_at; /* the machine pauses once, for a second, from here on */
} fake;

static uint64_t microseconds(struct platform *platform)
{
    (void)platform;
    return fake.unit > 0 ? fake.now / fake.unit * fake.unit / 1000 : 0;
}

static void work(void *context, uint32_t index, uint32_t pieces)
{
    assert_ptr_equal(context, &fake);
    fake.now += fake.cost[index] * pieces;
    fake.pieces[index] += pieces;
    if (fake.pause_at > 0 && fake.now >= fake.pause_at) {
        fake.now += 1000 * A_MILLISECOND;
        fake.pause_at = 0;
    }
}

/* The race of the first `count` kernels. */
static struct race race(uint32_t count)
{
    struct platform platform = {.microseconds = microseconds};
    bool usable[KERNELS] = {false};
    struct race result;
    memset(&result, 0xFF, sizeof result);
    memset(fake.pieces, 0, sizeof fake.pieces);
    for (uint32_t i = 0; i < count; i++) {
        usable[i] = true;
    }
    race_time(&result, &platform, usable, work, &fake);
    return result;
}

static void fresh(void)
{
    memset(&fake, 0, sizeof fake);
    fake.unit = 1000;
    for (uint32_t i = 0; i < KERNELS; i++) {
        fake.cost[i] = 100000;
    }
}

/* But for the scalar one. */
static void the_fastest_wins(void **state)
{
    (void)state;
    for (uint32_t fastest = 0; fastest < KERNELS; fastest++) {
        fresh();
        fake.cost[fastest] = 80000;
        const struct race result = race(KERNELS);
        for (uint32_t i = 0; i < KERNELS; i++) {
            assert_int_equal(result.ns[i], i == fastest ? 80000 : 100000);
        }
        assert_ptr_equal(race_winner(&result, NULL), kernel_at(fastest == KERNEL_INDEX_scalar ? KERNELS - 1 : fastest));
    }
}

/* Of kernels that are as fast, give or take a twentieth, the last in the list wins. */
static void noise_changes_nothing(void **state)
{
    (void)state;
    fresh();
    struct race result = race(KERNELS);
    assert_ptr_equal(race_winner(&result, NULL), kernel_at(KERNELS - 1));
    fake.cost[1] = 95300;
    result = race(KERNELS);
    assert_ptr_equal(race_winner(&result, NULL), kernel_at(KERNELS - 1));
    fake.cost[1] = 95200;
    result = race(KERNELS);
    assert_ptr_equal(race_winner(&result, NULL), kernel_at(1));
    fake.cost[2] = 99900;
    result = race(KERNELS);
    assert_ptr_equal(race_winner(&result, NULL), kernel_at(2));
}

/* Without a race, the caller's choice stands. */
static void no_race(const struct race *result)
{
    for (uint32_t i = 0; i < KERNELS; i++) {
        assert_int_equal(result->ns[i], 0);
    }
    assert_ptr_equal(race_winner(result, kernel_at(1)), kernel_at(1));
}

static void a_clock_that_stands_still_ends_it(void **state)
{
    (void)state;
    fresh();
    fake.unit = 0;
    const struct race result = race(KERNELS);
    no_race(&result);
    for (uint32_t i = 0; i < KERNELS; i++) {
        assert_true(i == KERNELS - 1 ? fake.pieces[i] < 1100 : fake.pieces[i] == 0);
    }
}

/* Of one that moves by 55 ms, as the BIOS's does, or by seconds. */
static void a_coarse_clock_ends_it(void **state)
{
    static const uint64_t units[] = {55 * A_MILLISECOND, 1000 * A_MILLISECOND};
    (void)state;
    for (uint64_t start = 0; start < 1000; start += 13) {
        for (size_t i = 0; i < COUNT_OF(units); i++) {
            fresh();
            fake.unit = units[i];
            fake.now = start * A_MILLISECOND;
            const struct race result = race(KERNELS);
            no_race(&result);
        }
    }
}

static void one_kernel_does_not_race(void **state)
{
    (void)state;
    fresh();
    const struct race result = race(1);
    no_race(&result);
    assert_int_equal(fake.now, 0);
}

/* It takes part, but not for long. */
static void a_slow_kernel_is_cut_short(void **state)
{
    (void)state;
    fresh();
    fake.cost[0] = 2 * A_MILLISECOND;
    const struct race result = race(2);
    assert_int_equal(result.ns[0], 2 * A_MILLISECOND);
    assert_true(fake.pieces[0] <= 12);
    assert_ptr_equal(race_winner(&result, NULL), kernel_at(1));
}

static void a_pause_of_the_machine_changes_nothing(void **state)
{
    (void)state;
    for (uint64_t at = 1; at < 30; at++) {
        fresh();
        fake.cost[1] = 80000;
        fake.pause_at = at * A_MILLISECOND;
        const struct race result = race(3);
        assert_ptr_equal(race_winner(&result, NULL), kernel_at(1));
    }
}

/* ---- Slices of models ---- */

static struct {
    uint32_t blocks;   /* that are taken */
    size_t most, room; /* the largest block, and the largest that can be had */
    uint64_t now;
    bool exclusive;
} machine;

static void *reserve(struct platform *platform, size_t bytes)
{
    (void)platform;
    machine.most = bytes > machine.most ? bytes : machine.most;
    if (bytes > machine.room) {
        return NULL;
    }
    machine.blocks++;
    return aligned_alloc(4096, (bytes + 4095) / 4096 * 4096);
}

static void release(struct platform *platform, void *memory, size_t bytes)
{
    (void)platform;
    (void)bytes;
    machine.blocks--;
    free(memory);
}

static uint64_t read_clock(struct platform *platform)
{
    (void)platform;
    return machine.now += 1000;
}

static void exclusive(struct platform *platform, bool on)
{
    (void)platform;
    assert_true(on != machine.exclusive);
    machine.exclusive = on;
}

static struct platform platform = {
    .reserve = reserve, .release = release, .microseconds = read_clock, .exclusive = exclusive};

/* The header of the sample model. */
static struct gguf *header(void)
{
    static struct gguf gguf;
    static const struct change none[SAMPLE_CHANGES];
    static uint8_t window[16384];
    struct memory_platform memory;
    struct memory_file file = {.path = "/MODELS/A.GGUF"};
    struct reader reader;
    struct error error;
    size_t size;
    uint8_t *bytes = sample_model(none, &size);
    file.data = bytes;
    file.size = size;
    memory_platform_init(&memory, &file, 1);
    assert_int_equal(reader_open(&reader, &memory.platform, file.path, window, sizeof window, &error), 0);
    assert_int_equal(gguf_read(&gguf, &reader, &error), 0);
    reader_close(&reader);
    free(bytes);
    memset(&machine, 0, sizeof machine);
    machine.room = SIZE_MAX;
    return &gguf;
}

/* Runs the race with a clock at which all are equally fast; returns how many took part. */
static uint32_t racers(const struct gguf *gguf)
{
    bool usable[KERNELS];
    struct cpu_features cpu;
    struct race result;
    uint32_t count = 0;
    cpu_detect(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) {
        usable[i] = kernel_usable(kernel_at(i), &cpu);
    }
    race_run(&result, &platform, gguf, usable);
    assert_ptr_equal(race_winner(&result, kernel_best(&cpu)), kernel_best(&cpu));
    for (uint32_t i = 0; i < KERNELS; i++) {
        count += result.ns[i] > 0;
        assert_true(result.ns[i] == 0 || usable[i]);
    }
    assert_int_equal(machine.blocks, 0);
    assert_false(machine.exclusive);
    return count;
}

/* How many kernels race on this processor. */
static uint32_t usable_here(void)
{
    struct cpu_features cpu;
    uint32_t count = 0;
    cpu_detect(&cpu);
    for (uint32_t i = 0; i < KERNELS; i++) {
        count += kernel_usable(kernel_at(i), &cpu);
    }
    return count > 1 ? count : 0;
}

static void all_kernels_run_a_slice(void **state)
{
    (void)state;
    assert_int_equal(racers(header()), usable_here());
}

/* Shapes of models from 15M to 70B: the slice stays small, and its numbers stay finite and in range (UBSan). */
static void slices_of_large_models_are_small(void **state)
{
    static const uint32_t shapes[][6] = {
        /* dim, hidden, layers, heads, KV heads, head size */
        {288, 768, 6, 6, 6, 48},       {768, 2048, 12, 12, 12, 64},   {2048, 5632, 22, 32, 4, 64},
        {4096, 14336, 32, 32, 8, 128}, {8192, 28672, 80, 64, 8, 128}, {64, 172, 5, 8, 4, 8},
        {576, 1536, 30, 9, 3, 64},     {2304, 9216, 26, 8, 4, 256},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(shapes); i++) {
        struct gguf *gguf = header();
        const uint32_t layers = gguf->layers;
        gguf->dim = shapes[i][0];
        gguf->hidden = shapes[i][1];
        gguf->layers = shapes[i][2];
        gguf->heads = shapes[i][3];
        gguf->kv_heads = shapes[i][4];
        gguf->head_size = gguf->rope_size = gguf->score_size = shapes[i][5];
        for (uint32_t l = layers; l < gguf->layers; l++) {
            struct gguf_tensor *layer = gguf->tensor + GGUF_TENSOR_LAYERS + l * GGUF_LAYER_TENSORS;
            memcpy(layer, layer - layers * GGUF_LAYER_TENSORS, GGUF_LAYER_TENSORS * sizeof *layer);
        }
        assert_int_equal(racers(gguf), usable_here());
        assert_true(machine.most <= SLICE_MAX);
    }
}

/* Bytes of a slice whose rows of 256 and of 1280 columns, which it divides by two, are of that type. */
static size_t bytes_with(uint8_t type)
{
    struct gguf *gguf = header();
    struct gguf_tensor *layer = gguf->tensor + GGUF_TENSOR_LAYERS;
    gguf->dim = 256;
    gguf->hidden = 1280;
    gguf->layers = 1;
    gguf->heads = gguf->kv_heads = 8;
    gguf->head_size = gguf->rope_size = gguf->score_size = 32;
    layer[GGUF_LAYER_ATTN_OUTPUT].type = layer[GGUF_LAYER_FFN_DOWN].type = type;
    assert_int_equal(racers(gguf), usable_here());
    return machine.most;
}

/* Kernels take eight tiles of Q4_K and Q6_K at once, so a slice's rows are whole blocks as well: 256 and 768 columns of
   eight row tiles in two layers. */
static void blocks_are_not_divided(void **state)
{
    const size_t tiles = 2 * 8 * (256 + 768) / Q8_GROUP;
    const size_t q4_bytes = narrow_row_bytes(Q4_FACTORS, 8) / 8, q6_bytes = narrow_row_bytes(Q6_FACTORS, 8) / 8;
    (void)state;
    assert_int_equal(bytes_with(GGUF_TYPE_Q6_K) - bytes_with(GGUF_TYPE_Q4_K), tiles * (q6_bytes - q4_bytes));
}

/* With less memory the slice has fewer layers; with too little there is no race. */
static void memory_is_enough_or_there_is_no_race(void **state)
{
    struct gguf *gguf = header();
    (void)state;
    gguf->hidden = 32768; /* three megabytes a layer */
    assert_int_equal(racers(gguf), usable_here());
    machine.room = machine.most * 3 / 4;
    assert_int_equal(racers(gguf), usable_here());
    machine.room = sizeof *gguf;
    assert_int_equal(racers(gguf), 0);
    machine.room = 4096;
    assert_int_equal(racers(gguf), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fastest_wins),
        cmocka_unit_test(noise_changes_nothing),
        cmocka_unit_test(a_clock_that_stands_still_ends_it),
        cmocka_unit_test(a_coarse_clock_ends_it),
        cmocka_unit_test(one_kernel_does_not_race),
        cmocka_unit_test(a_slow_kernel_is_cut_short),
        cmocka_unit_test(a_pause_of_the_machine_changes_nothing),
        cmocka_unit_test(all_kernels_run_a_slice),
        cmocka_unit_test(slices_of_large_models_are_small),
        cmocka_unit_test(blocks_are_not_divided),
        cmocka_unit_test(memory_is_enough_or_there_is_no_race),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
