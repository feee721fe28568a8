/*
 * core/memory.c under other names, so that the sanitizers' own memcpy and memset stay in place. Every length and every
 * pair of alignments up to a few words, and the bytes around what was asked for.
 */
#include "unit.h"

#define memcpy core_memcpy
#define memmove core_memmove
#define memset core_memset
#define memcmp core_memcmp
#include "base/memory.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp

enum { SIZE = 64, LENGTH = 24, OFFSETS = 16 };

static void fill(uint8_t *bytes, uint8_t seed)
{
    for (int i = 0; i < SIZE; i++) {
        bytes[i] = (uint8_t)(seed + 7 * i);
    }
}

static void copying(void **state)
{
    uint8_t from[SIZE], to[SIZE], expected[SIZE];
    (void)state;
    fill(from, 1);
    for (int n = 0; n <= LENGTH; n++) {
        for (int a = 0; a < OFFSETS; a++) {
            for (int b = 0; b < OFFSETS; b++) {
                fill(to, 99);
                fill(expected, 99);
                for (int i = 0; i < n; i++) {
                    expected[b + i] = from[a + i];
                }
                assert_ptr_equal(core_memcpy(to + b, from + a, (size_t)n), to + b);
                assert_memory_equal(to, expected, SIZE);
            }
        }
    }
}

static void moving(void **state)
{
    uint8_t bytes[SIZE], expected[SIZE];
    (void)state;
    for (int n = 0; n <= LENGTH; n++) {
        for (int a = 0; a < OFFSETS; a++) {
            for (int b = 0; b < OFFSETS; b++) {
                fill(bytes, 3);
                fill(expected, 3);
                for (int i = 0; i < n; i++) {
                    expected[b + i] = bytes[a + i];
                }
                assert_ptr_equal(core_memmove(bytes + b, bytes + a, (size_t)n), bytes + b);
                assert_memory_equal(bytes, expected, SIZE);
            }
        }
    }
}

static void setting(void **state)
{
    uint8_t bytes[SIZE], expected[SIZE];
    (void)state;
    for (int n = 0; n <= LENGTH; n++) {
        for (int a = 0; a < OFFSETS; a++) {
            fill(bytes, 5);
            fill(expected, 5);
            for (int i = 0; i < n; i++) {
                expected[a + i] = 0xA5;
            }
            assert_ptr_equal(core_memset(bytes + a, 0x7A5, (size_t)n), bytes + a);
            assert_memory_equal(bytes, expected, SIZE);
        }
    }
}

static void comparing(void **state)
{
    uint8_t a[] = {1, 2, 0x80, 4}, b[] = {1, 2, 0x7F, 5};
    (void)state;
    assert_int_equal(core_memcmp(a, b, 0), 0);
    assert_int_equal(core_memcmp(a, b, 2), 0);
    assert_true(core_memcmp(a, b, 3) > 0);
    assert_true(core_memcmp(b, a, 4) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copying),
        cmocka_unit_test(moving),
        cmocka_unit_test(setting),
        cmocka_unit_test(comparing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
