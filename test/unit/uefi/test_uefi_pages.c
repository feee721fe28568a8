/* Memory of uefi/ on a firmware made of tables. */
#include "unit.h"

#include "fake_firmware.h"
#include "uefi/pages.h"

static void finds_the_largest_piece(void **state)
{
    static const EFI_MEMORY_DESCRIPTOR map[] = {
        {.Type = EfiConventionalMemory, .NumberOfPages = 160},
        {.Type = EfiBootServicesData, .NumberOfPages = 100000},
        {.Type = EfiConventionalMemory, .NumberOfPages = 0},
        {.Type = EfiConventionalMemory, .PhysicalStart = 1ull << 32, .NumberOfPages = 1 << 20},
        {.Type = EfiConventionalMemory, .NumberOfPages = 4096},
        {.Type = EfiConventionalMemory, .PhysicalStart = 3ull << 30, .NumberOfPages = 1 << 19}, /* a half above 4 GiB */
    };
    const uint64_t reached = sizeof(void *) == 4 ? 1ull << 30 : 1ull << 32;

    (void)state;
    fake_reset();
    assert_int_equal(pages_largest(&fake_boot), 0); /* GetMemoryMap fails */
    fake.map = map;
    fake.map_count = 1;
    assert_int_equal(pages_largest(&fake_boot), 160 * 4096 / 8 * 7);
    fake.map_count = COUNT_OF(map);
    assert_int_equal(pages_largest(&fake_boot), reached - (8 << 20));
}

static void gives_memory_in_pages(void **state)
{
    (void)state;
    fake_reset();
    void *memory = pages_take(&fake_boot, 5000);
    assert_non_null(memory);
    assert_int_equal((uintptr_t)memory % 4096, 0);
    pages_give(&fake_boot, memory, 5000);
    assert_null(pages_take(&fake_boot, fake.memory_limit + 1));
    assert_null(pages_take_low(&fake_boot, fake.memory_limit + 1));
    assert_int_equal(fake.allocations, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(finds_the_largest_piece),
        cmocka_unit_test(gives_memory_in_pages),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
