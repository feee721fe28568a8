/*
 * pc/acpi*.c: good and malformed tables. Each table ends right before an unreadable page, below 4 GiB, so that a 32-bit
 * pointer reaches it.
 */
#include "unit.h"

#include <sys/mman.h>

#include "pc/acpi.h"
#include "pc/acpi_fadt.h"
#include "pc/acpi_madt.h"

enum {
    PAGE = 4096,
    TABLES = 12,
    HEADER = ACPI_HEADER,
    MADT_HEADER = 44,
    FADT_1 = 116, /* bytes of revisions 1 and 3 */
    FADT_3 = 244,
    MOST = 4,
    ALL_IDS = 0xFE,
};

static uint8_t *memory; /* [TABLES] of two pages */
static uint32_t used;

static int take_memory(void **state)
{
    (void)state;
    memory = mmap((void *)0x10000000, TABLES * 2 * PAGE, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    assert_ptr_equal(memory, (void *)0x10000000);
    for (uint32_t i = 0; i < TABLES; i++) {
        assert_int_equal(mprotect(memory + (2 * i + 1) * PAGE, PAGE, PROT_NONE), 0);
    }
    return 0;
}

static void put_number(uint8_t *at, uint32_t bytes, uint64_t value)
{
    for (uint32_t i = 0; i < bytes; i++) {
        at[i] = (uint8_t)(value >> 8 * i);
    }
}

/* Makes bytes [count] add up to zero by the one at `sum`. */
static void seal(uint8_t *bytes, uint32_t count, uint32_t sum)
{
    bytes[sum] = 0;
    for (uint32_t i = 0; i < count; i++) {
        bytes[sum] = (uint8_t)(bytes[sum] - (i != sum ? bytes[i] : 0));
    }
}

/* A place for a table of so many bytes, at the end of what can be read. */
static uint8_t *take(uint32_t bytes)
{
    uint8_t *table = memory + 2 * PAGE * used + PAGE - bytes;

    assert_true(used++ < TABLES && bytes <= PAGE);
    memset(table, 0, bytes);
    return table;
}

static void seal_table(uint8_t *table, uint32_t bytes, const char *signature)
{
    memcpy(table, signature, 4);
    put_number(table + 4, 4, bytes);
    seal(table, bytes, 9);
}

static uint8_t *make_table(const char *signature, const void *content, uint32_t bytes)
{
    uint8_t *table = take(HEADER + bytes);

    memcpy(table + HEADER, content, bytes);
    seal_table(table, HEADER + bytes, signature);
    return table;
}

/* A list of up to two tables as an RSDT (pointers of 4 bytes) or XSDT (of 8). */
static uint8_t *make_list(uint32_t pointer_bytes, const uint8_t *first, const uint8_t *second)
{
    uint8_t content[16];

    put_number(content, pointer_bytes, (uintptr_t)first);
    put_number(content + pointer_bytes, pointer_bytes, (uintptr_t)second);
    return make_table(pointer_bytes == 8 ? "XSDT" : "RSDT", content, (second != NULL ? 2 : 1) * pointer_bytes);
}

/* A root pointer of revision 0, or 2 with an XSDT. */
static uint8_t *make_root(const uint8_t *rsdt, const uint8_t *xsdt)
{
    const uint32_t bytes = xsdt != NULL ? 36 : ACPI_ROOT_BYTES;
    uint8_t *root = take(bytes);

    memcpy(root, "RSD PTR ", 8);
    root[15] = xsdt != NULL ? 2 : 0;
    put_number(root + 16, 4, (uintptr_t)rsdt);
    seal(root, ACPI_ROOT_BYTES, 8);
    if (xsdt != NULL) {
        put_number(root + 20, 4, bytes);
        put_number(root + 24, 8, (uintptr_t)xsdt);
        seal(root, ACPI_ROOT_BYTES, 8);
        seal(root, bytes, 32);
    }
    return root;
}

/* A machine whose RSDT names one table. */
static uint8_t *root_of(uint8_t *table)
{
    return make_root(make_list(4, table, NULL), NULL);
}

/* ---- The walk ---- */

static void the_xsdt_comes_first(void **state)
{
    (void)state;
    used = 0;
    uint8_t *old = make_table("TEST", "old", 3), *new = make_table("TEST", "new", 3),
            *other = make_table("ONLY", "", 0);
    uint8_t *rsdt = make_list(4, old, other), *xsdt = make_list(8, new, NULL), *root = make_root(rsdt, xsdt);
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, new);
    assert_int_equal(acpi_find(root, "TEST", HEADER).length, HEADER + 3);
    assert_ptr_equal(acpi_find(root, "ONLY", HEADER).bytes, other); /* which the RSDT alone names */
    assert_int_equal(acpi_find(root, "NONE", HEADER).length, 0);
    root[32]++; /* the checksum of the longer root pointer */
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, old);
    root[32]--;
    xsdt[9]++;
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, old);
    xsdt[9]--;
    new[9]++;
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, old);
    new[9]--;
    root[15] = 1; /* of a revision that has no XSDT; what lies behind is not its own */
    seal(root, ACPI_ROOT_BYTES, 8);
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, old);
}

static void a_root_pointer_may_be_none(void **state)
{
    (void)state;
    used = 0;
    uint8_t *root = root_of(make_table("TEST", "", 0));
    assert_true(acpi_is_root(root));
    assert_int_equal(acpi_find(root, "TEST", HEADER).length, HEADER);
    assert_int_equal(acpi_find(NULL, "TEST", HEADER).length, 0);
    root[8]++;
    assert_false(acpi_is_root(root));
    assert_int_equal(acpi_find(root, "TEST", HEADER).length, 0);
    root[8]--;
    root[0] = 'r';
    assert_false(acpi_is_root(root));
    root = make_root(NULL, NULL);
    assert_int_equal(acpi_find(root, "TEST", HEADER).length, 0);
}

static void tables_that_are_not_whole_are_passed_over(void **state)
{
    (void)state;
    used = 0;
    uint8_t *bad = make_table("TEST", "1", 1), *good = make_table("TEST", "22", 2);
    uint8_t *root = make_root(make_list(4, bad, good), NULL);
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, bad);
    assert_ptr_equal(acpi_find(root, "TEST", HEADER + 2).bytes, good); /* the first that is long enough */
    assert_int_equal(acpi_find(root, "TEST", HEADER + 3).length, 0);
    bad[9]++;
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, good);
    put_number(bad + 4, 4, 0xFFFFFFFF);
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, good);
    put_number(bad + 4, 4, HEADER - 1);
    assert_ptr_equal(acpi_find(root, "TEST", HEADER).bytes, good);
}

/* ---- FADT ---- */

struct fadt_case {
    uint32_t bytes;
    uint32_t timer, timer_length, pm1a, pm1b;
    uint32_t x_space;
    uint64_t x_timer, x_pm1a, x_pm1b;
};

static uint8_t *make_fadt(const struct fadt_case *fields, const uint8_t *dsdt, const uint8_t *x_dsdt)
{
    uint8_t *fadt = take(fields->bytes);

    put_number(fadt + 40, 4, (uintptr_t)dsdt);
    put_number(fadt + 48, 4, 0xB2);
    fadt[52] = 0xF1;
    put_number(fadt + 64, 4, fields->pm1a);
    put_number(fadt + 68, 4, fields->pm1b);
    put_number(fadt + 76, 4, fields->timer);
    fadt[91] = (uint8_t)fields->timer_length;
    if (fields->bytes >= FADT_3) {
        put_number(fadt + 140, 8, (uintptr_t)x_dsdt);
        fadt[172] = fadt[184] = fadt[208] = (uint8_t)fields->x_space;
        put_number(fadt + 176, 8, fields->x_pm1a);
        put_number(fadt + 188, 8, fields->x_pm1b);
        put_number(fadt + 212, 8, fields->x_timer);
    }
    seal_table(fadt, fields->bytes, "FACP");
    return fadt;
}

static void the_timer_port_is_found(void **state)
{
    static const struct {
        struct fadt_case fadt;
        uint16_t port;
    } cases[] = {
        {{.bytes = FADT_1, .timer = 0x608, .timer_length = 4}, 0x608},
        {{.bytes = FADT_1 - 1, .timer = 0x608, .timer_length = 4}, 0}, /* too short to be one */
        {{.bytes = FADT_1, .timer = 0x608}, 0},                        /* a machine without the timer */
        {{.bytes = FADT_1, .timer = 0x10608, .timer_length = 4}, 0},
        {{.bytes = FADT_3, .timer = 0x608, .timer_length = 4, .x_space = 1, .x_timer = 0x1808}, 0x1808},
        {{.bytes = FADT_3, .timer = 0x608, .timer_length = 4, .x_space = 1}, 0x608},
        {{.bytes = FADT_3, .timer = 0x608, .timer_length = 4, .x_space = 0, .x_timer = 0x1808}, 0x608}, /* in memory */
        {{.bytes = FADT_3, .timer = 0x608, .timer_length = 4, .x_space = 1, .x_timer = 1ull << 32}, 0x608},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        used = 0;
        assert_int_equal(acpi_timer_port(root_of(make_fadt(&cases[i].fadt, NULL, NULL))), cases[i].port);
    }
    assert_int_equal(acpi_timer_port(NULL), 0);
}

static const uint8_t s5_bytes[] = {'_', 'S', '5', '_', 0x12, 0x0A, 4, 0x0A, 5, 6, 0, 0, 0, 0, 0, 0};    /* 5 and 6 */
static const uint8_t s5_other[] = {'_', 'S', '5', '_', 0x12, 0x4A, 0, 4, 0x0A, 7, 0x0A, 1, 0, 0, 0, 0}; /* 7 and 1 */

static void check_off(const uint8_t *root, uint16_t pm1a, uint16_t pm1b, uint8_t type_a, uint8_t type_b)
{
    struct acpi_soft_off off;

    assert_true(acpi_find_soft_off(root, &off));
    assert_int_equal(off.control[0], pm1a);
    assert_int_equal(off.control[1], pm1b);
    assert_int_equal(off.sleep_type[0], type_a);
    assert_int_equal(off.sleep_type[1], type_b);
    assert_int_equal(off.smi_command, 0xB2);
    assert_int_equal(off.acpi_enable, 0xF1);
}

static void soft_off_is_found(void **state)
{
    struct fadt_case first = {.bytes = FADT_1, .pm1a = 0x604, .pm1b = 0x704};
    struct fadt_case third = {.bytes = FADT_3, .pm1a = 0x604, .x_space = 1, .x_pm1a = 0x1804, .x_pm1b = 0x1904};
    struct acpi_soft_off off;

    (void)state;
    used = 0;
    uint8_t *dsdt = make_table("DSDT", s5_bytes, sizeof s5_bytes),
            *other = make_table("DSDT", s5_other, sizeof s5_other);
    check_off(root_of(make_fadt(&first, dsdt, NULL)), 0x604, 0x704, 5, 6);
    used = 2;
    check_off(root_of(make_fadt(&third, dsdt, other)), 0x1804, 0x1904, 7, 1);
    used = 2;
    third.x_space = 0;
    check_off(root_of(make_fadt(&third, dsdt, NULL)), 0x604, 0, 5, 6);
    used = 2;
    first.pm1a = 0;
    assert_false(acpi_find_soft_off(root_of(make_fadt(&first, dsdt, NULL)), &off));
    used = 2;
    first.pm1a = 0x604;
    assert_false(acpi_find_soft_off(root_of(make_fadt(&first, NULL, NULL)), &off));
    used = 0;
    dsdt = make_table("DSDT", s5_bytes, sizeof s5_bytes - 1); /* what would be cut off is not looked at */
    assert_false(acpi_find_soft_off(root_of(make_fadt(&first, dsdt, NULL)), &off));
    assert_false(acpi_find_soft_off(NULL, &off));
}

/* ---- MADT ---- */

static struct {
    uint8_t bytes[512];
    uint32_t size;
} entries;

static void put(const void *entry, uint32_t bytes)
{
    memcpy(entries.bytes + entries.size, entry, bytes);
    entries.size += bytes;
}

static void put_apic(uint8_t id, uint8_t flags)
{
    const uint8_t entry[] = {0, 8, 77, id, flags, 0, 0, 0};
    put(entry, sizeof entry);
}

static void put_x2apic(uint32_t id, uint8_t flags)
{
    uint8_t entry[16] = {9, 16, [8] = flags};
    put_number(entry + 4, 4, id);
    put(entry, sizeof entry);
}

static void put_other(uint8_t type, uint8_t length)
{
    uint8_t entry[255] = {type, length};
    put(entry, length);
}

static void begin_entries(void)
{
    entries.size = MADT_HEADER - HEADER;
    memset(entries.bytes, 0, sizeof entries.bytes);
}

static void check(uint32_t own, uint32_t id_max, uint32_t count, const uint32_t *expected)
{
    uint32_t ids[MOST] = {0};

    used = 0;
    uint8_t *root = root_of(make_table("APIC", entries.bytes, entries.size));
    assert_int_equal(acpi_find_processors(root, own, id_max, ids, MOST), count);
    assert_memory_equal(ids, expected, count * sizeof *expected);
}

static void enabled_processors_are_found(void **state)
{
    (void)state;
    begin_entries();
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
    assert_int_equal(acpi_find_processors(NULL, 0, ALL_IDS, NULL, MOST), 0);
}

static void ids_beyond_reach_and_doubles_are_left_out(void **state)
{
    (void)state;
    begin_entries();
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
    begin_entries();
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
        begin_entries();
        put_apic(7, 1);
        put(ends[i].bytes, ends[i].size);
        check(0, ALL_IDS, 1, (const uint32_t[]){7});
    }
    begin_entries();
    check(0, ALL_IDS, 0, (const uint32_t[]){0});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_xsdt_comes_first),
        cmocka_unit_test(a_root_pointer_may_be_none),
        cmocka_unit_test(tables_that_are_not_whole_are_passed_over),
        cmocka_unit_test(the_timer_port_is_found),
        cmocka_unit_test(soft_off_is_found),
        cmocka_unit_test(enabled_processors_are_found),
        cmocka_unit_test(ids_beyond_reach_and_doubles_are_left_out),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(damaged_tables_end_the_search),
    };
    return cmocka_run_group_tests(tests, take_memory, NULL);
}
