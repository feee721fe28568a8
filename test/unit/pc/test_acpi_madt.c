/* bios/processors_madt.c: tables as firmware makes them, and as nothing should. */
#include "unit.h"

#include "processors_madt.h"

enum { MOST = 4, ROOM = 512, ALL_IDS = 0xFE };

static struct {
    uint8_t bytes[ROOM];
    uint32_t size;
} table;

static void begin(void)
{
    memset(&table, 0, sizeof table);
    table.size = MADT_HEADER;
}

static void put(const void *entry, uint32_t bytes)
{
    memcpy(table.bytes + table.size, entry, bytes);
    table.size += bytes;
}

static void put_apic(uint8_t id, uint8_t flags)
{
    const uint8_t entry[] = {0, 8, 77, id, flags, 0, 0, 0};
    put(entry, sizeof entry);
}

static void put_x2apic(uint32_t id, uint8_t flags)
{
    const uint8_t entry[] = {9,    16, 0, 0, (uint8_t)id, (uint8_t)(id >> 8), (uint8_t)(id >> 16), (uint8_t)(id >> 24),
                             flags};
    uint8_t whole[16] = {0};
    memcpy(whole, entry, sizeof entry);
    put(whole, sizeof whole);
}

static void put_other(uint8_t type, uint8_t length)
{
    uint8_t entry[255] = {type, length};
    put(entry, length);
}

/* From a copy that ends where the table does, so that the sanitizers see a read beyond it. */
static void check(uint32_t own, uint32_t id_max, uint32_t count, const uint32_t *expected)
{
    uint32_t ids[MOST] = {0};
    uint8_t *copy = malloc(table.size);
    memcpy(copy, table.bytes, table.size);
    const uint32_t found = madt_processors(copy, table.size, own, id_max, ids, MOST);
    free(copy);
    assert_int_equal(found, count);
    assert_memory_equal(ids, expected, count * sizeof *expected);
}

static void enabled_processors_are_found(void **state)
{
    (void)state;
    begin();
    put_other(1, 12); /* an I/O APIC */
    put_apic(0, 1);
    put_apic(2, 1);
    put_other(4, 6);
    put_apic(4, 0); /* an empty socket */
    put_apic(6, 3);
    put_apic(8, 2); /* can be plugged in later */
    check(0, ALL_IDS, 2, (const uint32_t[]){2, 6});
    check(6, ALL_IDS, 2, (const uint32_t[]){0, 2});
    check(99, ALL_IDS, 3, (const uint32_t[]){0, 2, 6});
}

static void ids_beyond_reach_and_doubles_are_left_out(void **state)
{
    (void)state;
    begin();
    put_apic(1, 1);
    put_x2apic(1, 1);
    put_x2apic(0x100, 1);
    put_x2apic(3, 1);
    put_x2apic(5, 0);
    put_apic(0xFF, 1);
    check(0, ALL_IDS, 2, (const uint32_t[]){1, 3});
    check(0, UINT32_MAX - 1, 4, (const uint32_t[]){1, 0x100, 3, 0xFF});
}

static void no_more_than_there_is_room_for(void **state)
{
    (void)state;
    begin();
    for (uint8_t id = 0; id < 20; id++) {
        put_apic(id, 1);
    }
    check(0, ALL_IDS, MOST, (const uint32_t[]){1, 2, 3, 4});
}

static void damaged_tables_end_the_search(void **state)
{
    static const struct {
        uint8_t bytes[20];
        uint32_t size;
    } ends[] = {
        {{0}, 0},
        {{0}, 1},                        /* half an entry's head */
        {{0, 0, 0, 9, 1, 0, 0, 0}, 8},   /* length 0 */
        {{0, 1, 0, 9, 1, 0, 0, 0}, 8},   /* length 1 */
        {{0, 8, 0, 9, 1, 0, 0}, 7},      /* cut off */
        {{0, 255, 0, 9, 1, 0, 0, 0}, 8}, /* longer than the table */
        {{0, 7, 0, 9, 1, 0, 0}, 7},      /* too short for what it is */
        {{9, 15, 0, 0, 9, 0, 0, 0, 1}, 15},
        {{9, 16, 0, 0, 9, 0, 0, 0, 1}, 15},
    };
    (void)state;
    for (uint32_t i = 0; i < COUNT_OF(ends); i++) {
        begin();
        put_apic(7, 1);
        put(ends[i].bytes, ends[i].size);
        check(0, ALL_IDS, 1, (const uint32_t[]){7});
    }
    begin();
    check(0, ALL_IDS, 0, (const uint32_t[]){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(enabled_processors_are_found),
        cmocka_unit_test(ids_beyond_reach_and_doubles_are_left_out),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(damaged_tables_end_the_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
