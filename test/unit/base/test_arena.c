/* core/arena.c */
#include "unit.h"

#include "base/arena.h"

static void hands_out_in_order(void **state)
{
    _Alignas(64) uint8_t memory[256];
    struct arena arena = {memory, sizeof memory, 0};
    (void)state;
    assert_ptr_equal(arena_take(&arena, 3, 1), memory);
    assert_ptr_equal(arena_take(&arena, 4, 4), memory + 4);
    assert_ptr_equal(arena_take(&arena, 0, 64), memory + 64);
    assert_int_equal(arena.used, 64);
    assert_ptr_equal(arena_take(&arena, 192, 1), memory + 64);
    assert_ptr_equal(arena_take(&arena, 0, 1), memory + 256);
    assert_null(arena_take(&arena, 1, 1));
    assert_int_equal(arena.used, 256);
}

static void aligns_addresses(void **state)
{
    _Alignas(64) uint8_t memory[256];
    struct arena arena = {memory + 1, 255, 0};
    (void)state;
    assert_ptr_equal(arena_take(&arena, 1, 64), memory + 64);
    assert_int_equal(arena.used, 64);
}

/* What is too large is refused, and all that comes after it. */
static void is_full_once_it_has_refused(void **state)
{
    static const struct {
        uint64_t bytes;
        size_t alignment;
    } cases[] = {{12, 1},       {9, 8 /* three bytes of padding before it */},
                 {SIZE_MAX, 1}, {SIZE_MAX - 4, 8},
                 {1, 4096},     {UINT64_MAX, 1},
                 {1ull << 32, 1}};
    _Alignas(16) uint8_t memory[16];
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct arena arena = {memory, sizeof memory, 5};
        assert_null(arena_take(&arena, cases[i].bytes, cases[i].alignment));
        assert_int_equal(arena.used, sizeof memory);
        assert_null(arena_take(&arena, 1, 1));
        arena.used = 5; /* a mark rewinds */
        assert_ptr_equal(arena_take(&arena, 1, 1), memory + 5);
    }
}

static void counts(void **state)
{
    struct arena arena = {NULL, 0, 0};
    (void)state;
    assert_null(arena_take(&arena, 10, 1));
    assert_null(arena_take(&arena, 8, 8));
    assert_int_equal(arena.used, 24);
    assert_null(arena_take(&arena, 5ull << 32, 1)); /* more than 32 bits address, for a plan that says so */
    assert_true(arena.used == (5ull << 32) + 24);
    assert_null(arena_take_array(&arena, 1ull << 33, 16, 1));
    assert_true(arena.used == (37ull << 32) + 24);
    assert_null(arena_take(&arena, UINT64_MAX - 20, 1));
    assert_true(arena.used == UINT64_MAX);
    assert_null(arena_take(&arena, 1, 1));
    assert_true(arena.used == UINT64_MAX);
    arena.used = 0;
    assert_null(arena_take_array(&arena, UINT64_MAX / 2, 3, 1));
    assert_true(arena.used == UINT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hands_out_in_order),
        cmocka_unit_test(aligns_addresses),
        cmocka_unit_test(is_full_once_it_has_refused),
        cmocka_unit_test(counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
