/* Parts of bios/ that need no BIOS: the memory map, code page 437, 64-bit division. */
#include "unit.h"

#include "cp437.h"
#include "memory_map.h"

uint64_t __udivmoddi4(uint64_t n, uint64_t d, uint64_t *rest);
int64_t __divdi3(int64_t n, int64_t d);
int64_t __moddi3(int64_t n, int64_t d);

/* ---- The memory map ---- */

static const uint64_t MIB = 1 << 20, GIB = 1 << 30, TOP = 1ull << 32;

struct map_case {
    const char *name;
    struct memory_entry entry[8];
    uint64_t base, size; /* the largest stretch between 1 MiB and 4 GiB */
};

static const struct map_case maps[] = {
    {"QEMU with 4 MiB",
     {{0, 0x9FC00, true},
      {0x9FC00, 0x400, false},
      {0xF0000, 0x10000, false},
      {0x100000, 0x2E0000, true},
      {0x3E0000, 0x20000, false},
      {0xFFFC0000, 0x40000, false}},
     0x100000,
     0x2E0000},
    {"QEMU with 8 GiB",
     {{0, 0x9FC00, true},
      {0x100000, 0xBFEE0000, true},
      {0xBFFE0000, 0x20000, false},
      {0xFEFFC000, 0x4000, false},
      {0x100000000, 0x140000000, true}},
     0x100000,
     0xBFEE0000},
    {"nothing", {{0, 0, true}}, 0, 0},
    {"nothing above 1 MiB", {{0, 0x100000, true}}, 0, 0},
    {"one entry over everything", {{0, UINT64_MAX, true}}, 0x100000, 0xFFF00000},
    {"past the end of the address space", {{0x200000, UINT64_MAX, true}}, 0x200000, 0xFFE00000},
    {"everything reserved too", {{0, UINT64_MAX, true}, {0, UINT64_MAX, false}}, 0, 0},
    {"unsorted, the larger one first",
     {{0x2000000, 0x1000000, true}, {0x100000, 0x800000, true}},
     0x2000000,
     0x1000000},
    {"touching ones are one", {{0x300000, 0x100000, true}, {0x100000, 0x200000, true}}, 0x100000, 0x300000},
    {"overlapping ones are one", {{0x100000, 0x280000, true}, {0x300000, 0x100000, true}}, 0x100000, 0x300000},
    {"a hole at 15 MiB", {{0x100000, 0x4000000, true}, {0xF00000, 0x100000, false}}, 0x1000000, 0x3100000},
    {"reserved twice",
     {{0x100000, 0x900000, true}, {0x800000, 0x200000, false}, {0x700000, 0x180000, false}},
     0x100000,
     0x600000},
    {"an empty reserved one", {{0x100000, 0x900000, true}, {0x500000, 0, false}}, 0x100000, 0x900000},
    {"whole pages only", {{0x100001, 0x300000, true}, {0x400800, 0x10, false}}, 0x101000, 0x2FF000},
    {"less than a page", {{0x100001, 0xFFF, true}}, 0, 0},
};

static void memory_maps_give_the_largest_stretch(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(maps); i++) {
        struct memory_map map = {0};
        for (size_t k = 0; k < COUNT_OF(maps[i].entry); k++)
            memory_map_add(&map, maps[i].entry[k].base, maps[i].entry[k].size, maps[i].entry[k].usable);
        struct memory_range range = memory_map_largest(&map, MIB, TOP);
        if (range.base != maps[i].base || range.size != maps[i].size)
            fail_test("%s: %#llx bytes at %#llx\n", maps[i].name, (unsigned long long)range.size,
                      (unsigned long long)range.base);
    }
}

static void a_full_map_takes_no_more(void **state)
{
    struct memory_map map = {0};

    (void)state;
    for (uint64_t i = 0; i < 1000; i++)
        memory_map_add(&map, MIB + i * 8192, 4096, true);
    assert_int_equal(map.count, MEMORY_MAP_MAX);
    struct memory_range range = memory_map_largest(&map, MIB, TOP);
    assert_true(range.base == MIB && range.size == 4096);
}

/* Random entries, against a plain map of pages. */
static void random_maps_agree_with_a_table(void **state)
{
    enum { PAGES = 256 };
    uint32_t seed = 1;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        struct memory_map map = {0};
        bool given[PAGES] = {false}, reserved[PAGES] = {false};
        for (int i = 0; i < 6; i++) {
            seed = seed * 1664525 + 1013904223;
            uint32_t first = seed >> 24, pages = seed >> 16 & 63, usable = seed >> 10 & 3;
            memory_map_add(&map, GIB + first * 4096ull, pages * 4096ull, usable != 0);
            for (uint32_t page = first; page < first + pages && page < PAGES; page++)
                *(usable != 0 ? &given[page] : &reserved[page]) = true;
        }
        uint32_t best = 0, best_at = 0, length = 0;
        for (uint32_t page = 0; page < PAGES; page++) {
            length = given[page] && !reserved[page] ? length + 1 : 0;
            if (length > best) {
                best = length;
                best_at = page + 1 - length;
            }
        }
        struct memory_range range = memory_map_largest(&map, GIB, GIB + PAGES * 4096);
        assert_int_equal(range.size, best * 4096ull);
        assert_int_equal(range.base, best > 0 ? GIB + best_at * 4096ull : 0);
    }
}

/* ---- Code page 437 ---- */

static void characters_go_both_ways(void **state)
{
    (void)state;
    for (int byte = 0x20; byte < 0x100; byte++) {
        if (byte != 0x7F)
            assert_int_equal(cp437_from_unicode(cp437_to_unicode((uint8_t)byte)), byte);
    }
}

static void characters_without_a_glyph_have_a_likeness(void **state)
{
    static const struct {
        uint32_t code_point;
        int byte;
    } cases[] = {
        {0xE9, 0x82},  {0xDF, 0xE1},  {0x2588, 0xDB}, {0x263A, 0x01}, {0x2192, 0x1A}, {0x2019, '\''}, {0x201C, '"'},
        {0x2014, '-'}, {0x2026, '.'}, {0xA0, 0xFF},   {0x3B2, 0xE1},  {0x6F22, '?'},  {0x1F600, '?'}, {0xFFFD, '?'},
        {0, '?'},      {'\a', '?'},   {0x7F, '?'},    {0x1B, '?'},    {'\t', '?'},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        assert_int_equal(cp437_from_unicode(cases[i].code_point), cases[i].byte);
}

/* ---- Division ---- */

static void division_is_exact(void **state)
{
    static const uint64_t numbers[] = {0,
                                       1,
                                       2,
                                       3,
                                       7,
                                       10,
                                       0x7FFFFFFF,
                                       0x80000000,
                                       0xFFFFFFFF,
                                       0x100000000,
                                       0x100000001,
                                       0x1FFFFFFFF,
                                       1000000000000,
                                       0x7FFFFFFFFFFFFFFF,
                                       0x8000000000000000,
                                       0x8000000000000001,
                                       0xFFFFFFFF00000000,
                                       0xFFFFFFFFFFFFFFFF};
    uint64_t random = 88172645463325252ull, quotient, rest;

    (void)state;
    for (size_t i = 0; i < COUNT_OF(numbers); i++) {
        for (size_t k = 1; k < COUNT_OF(numbers); k++) {
            quotient = __udivmoddi4(numbers[i], numbers[k], &rest);
            assert_true(rest < numbers[k] && quotient * numbers[k] + rest == numbers[i]);
            assert_true(numbers[i] - rest >= quotient); /* no wrap */
        }
    }
    for (int i = 0; i < 100000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        uint64_t n = random >> i % 40, d = random * 2654435761u >> i % 61 | 1;
        quotient = __udivmoddi4(n, d, &rest);
        assert_true(rest < d && quotient * d + rest == n && quotient <= n);
    }
    assert_int_equal(__udivmoddi4(1000000007, 1000, NULL), 1000000);
}

static void signs_follow_c(void **state)
{
    (void)state;
    assert_int_equal(__divdi3(7, 2), 3);
    assert_int_equal(__divdi3(-7, 2), -3);
    assert_int_equal(__divdi3(7, -2), -3);
    assert_int_equal(__divdi3(-7, -2), 3);
    assert_int_equal(__moddi3(7, -2), 1);
    assert_int_equal(__moddi3(-7, 2), -1);
    assert_int_equal(__moddi3(-7, -2), -1);
    assert_int_equal(__divdi3(INT64_MIN, 1), INT64_MIN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_maps_give_the_largest_stretch),
        cmocka_unit_test(a_full_map_takes_no_more),
        cmocka_unit_test(random_maps_agree_with_a_table),
        cmocka_unit_test(characters_go_both_ways),
        cmocka_unit_test(characters_without_a_glyph_have_a_likeness),
        cmocka_unit_test(division_is_exact),
        cmocka_unit_test(signs_follow_c),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
