/* bios/fat_disk.c and fat_boot.c: which volumes a disk has, in which order, and which of them gives a file. */
#include "fat_volumes.h"

#include "fat_boot.h"

enum {
    SMALL_SECTORS = 2048, /* of each small volume */
    SMALL = 4,
    FIRST_LBA = 64, /* of the first small volume on `joined`; each next one follows it */
    JOINED_SECTORS = FIRST_LBA + SMALL * SMALL_SECTORS,
};

/* Small volumes: with nothing, with files that only look like models, with a model, with another model and settings. */
static const char *const contents[SMALL] = {
    "printf none | mcopy -i $name.img - ::/NOTHING.TXT",
    "mmd -i $name.img ::/MODELS; printf nope | mcopy -i $name.img - ::/MODELS/A.GGUF; "
    "printf GG | mcopy -i $name.img - ::/MODELS/B.GGUF; mmd -i $name.img ::/MODELS/C.GGUF; "
    "printf 'GGUF dot' | mcopy -i $name.img - ::/MODELS/._D.GGUF; "
    "printf 'GGUF text' | mcopy -i $name.img - ::/MODELS/GGUF.TXT",
    "mmd -i $name.img ::/MODELS; printf nope | mcopy -i $name.img - ::/MODELS/A.GGUF; "
    "printf 'GGUF third' | mcopy -i $name.img - ::/MODELS/M.GGUF",
    "mmd -i $name.img ::/models; printf 'GGUF fourth' | mcopy -i $name.img - ::/models/m.gguf; "
    "printf 'steps = 4' | mcopy -i $name.img - ::/BOOTLLAM.CFG",
};

static uint8_t small[SMALL][SMALL_SECTORS * FAT_SECTOR], joined_bytes[JOINED_SECTORS * FAT_SECTOR];
static struct disk joined = {.bytes = joined_bytes, .sectors = JOINED_SECTORS};
static struct fat_boot boot;

static int make_small(void **state)
{
    char script[1024];

    (void)state;
    make_folder();
    for (int i = 0; i < SMALL; i++) {
        struct volume_case made = {.name = "small", .mib = 1};
        snprintf(script, sizeof script, "truncate -s 1M $name.img; mkfs.fat -F 12 $name.img > /dev/null; %s",
                 contents[i]);
        run(script, &made);
        load(&made);
        memcpy(small[i], made.disk.bytes, sizeof small[i]);
        free(made.disk.bytes);
    }
    return 0;
}

static uint32_t place(int number)
{
    return FIRST_LBA + (uint32_t)number * SMALL_SECTORS;
}

/* An empty disk with small volume order[i] at place(i). */
static void join(const int *order, int count)
{
    memset(joined_bytes, 0, sizeof joined_bytes);
    for (int i = 0; i < count; i++)
        memcpy(joined_bytes + place(i) * FAT_SECTOR, small[order[i]], sizeof small[0]);
}

/* The same with the partitions of a table, of which `active` is (-1: none). */
static void join_partitions(const int *order, int count, int active)
{
    join(order, count);
    for (int i = 0; i < count; i++)
        set_partition(&joined, i, i == active ? 0x80 : 0, 0x0C, place(i));
}

static void expect_volumes(uint32_t origin, const uint32_t *starts, uint32_t count)
{
    fat_cache_init(&cache, read_sectors, &joined, NULL, 0);
    assert_int_equal(fat_disk_mount(&fat_disk, &cache, origin, oem), FAT_OK);
    assert_int_equal(fat_disk.count, count);
    for (uint32_t i = 0; i < count; i++)
        assert_int_equal(fat_disk.volume[i].start, starts[i]);
}

static void expect_failure(int status, const char *error)
{
    fat_cache_init(&cache, read_sectors, &joined, NULL, 0);
    assert_int_equal(fat_disk_mount(&fat_disk, &cache, 0, oem), status);
    assert_string_equal(fat_disk.error, error);
}

/* ---- Places ---- */

static const int all[] = {0, 1, 2, 3};

static void partitions_come_in_order_the_active_one_first(void **state)
{
    (void)state;
    for (int active = -1; active < SMALL; active++) {
        uint32_t starts[SMALL], count = 0;
        join_partitions(all, SMALL, active);
        if (active >= 0)
            starts[count++] = place(active);
        for (int i = 0; i < SMALL; i++) {
            if (i != active)
                starts[count++] = place(i);
        }
        expect_volumes(0, starts, SMALL);
    }
}

/* Whatever the table calls them: Windows leaves type 7, Linux 83h. */
static void types_do_not_matter(void **state)
{
    static const uint8_t types[] = {0x01, 0x04, 0x06, 0x07, 0x0B, 0x0C, 0x0E, 0x17, 0x83, 0xEF};
    const uint32_t start = place(0);

    (void)state;
    for (size_t i = 0; i < sizeof types; i++) {
        join(all, 1);
        set_partition(&joined, i % 4, 0, types[i], place(0));
        expect_volumes(0, &start, 1);
    }
}

static void a_disk_without_partitions_is_a_volume(void **state)
{
    const uint32_t start = 0;

    (void)state;
    join(all, 0);
    memcpy(joined_bytes, small[2], sizeof small[2]);
    expect_volumes(0, &start, 1);
    memset(joined_bytes + 0x1BE, 0x41, 64); /* boot code where a table would be */
    expect_volumes(0, &start, 1);
}

static void what_cannot_be_mounted_is_passed_over(void **state)
{
    const uint32_t starts[] = {place(1), place(3)};

    (void)state;
    join_partitions(all, SMALL, 0);
    memset(joined_bytes + place(0) * FAT_SECTOR, 0, FAT_SECTOR);
    joined.bad = place(2);
    joined.bad_count = 1;
    expect_volumes(0, starts, 2);
    joined.bad_count = 0;
}

static void logical_partitions_are_found(void **state)
{
    const uint32_t starts[] = {place(0), place(1), place(2), place(3)};

    (void)state;
    join(all, SMALL);
    set_partition(&joined, 0, 0x80, 0x0C, place(0));
    set_partition(&joined, 1, 0, 0x0F, 1); /* records in sectors 1, 11 and 21 */
    for (uint32_t i = 0; i < 3; i++) {
        struct disk record = {.bytes = joined_bytes + (1 + 10 * i) * FAT_SECTOR, .sectors = JOINED_SECTORS};
        set_partition(&record, 0, 0, 0x0B, place((int)i + 1) - (1 + 10 * i));
        if (i < 2)
            set_partition(&record, 1, 0, 0x05, 10 * (i + 1)); /* from the extended partition's start */
    }
    expect_volumes(0, starts, 4);
    struct disk record = {.bytes = joined_bytes + 21 * FAT_SECTOR, .sectors = JOINED_SECTORS};
    set_partition(&record, 1, 0, 0x05, 10); /* a circle */
    expect_volumes(0, starts, 4);
}

static void gpt_partitions_are_found(void **state)
{
    const uint32_t starts[] = {place(2), place(0)};
    uint8_t *header = joined_bytes + FAT_SECTOR, *entries = joined_bytes + 2 * FAT_SECTOR;

    (void)state;
    join(all, 3);
    set_partition(&joined, 0, 0, 0xEE, 1);
    memcpy(header, "EFI PART", 8);
    header[72] = 2;
    header[80] = 128;
    header[84] = 128;
    memcpy(entries + 32, &starts[0], 4);
    memcpy(entries + 5 * 128 + 32, &starts[1], 4);
    expect_volumes(0, starts, 2);
    header[84] = 100; /* no size of an entry */
    expect_failure(FAT_DAMAGED, "no FAT file system at LBA 0");
}

/* The image was written into the second partition: its own table counts from there, and its volumes come first. */
static void an_image_within_a_partition_comes_first(void **state)
{
    const uint32_t starts[] = {place(2), place(0)};

    (void)state;
    join(all, 3);
    set_partition(&joined, 0, 0x80, 0x0C, place(0));
    set_partition(&joined, 1, 0, 0x0C, place(1));
    memset(joined_bytes + place(1) * FAT_SECTOR, 0, FAT_SECTOR);
    struct disk image = {.bytes = joined_bytes + place(1) * FAT_SECTOR, .sectors = JOINED_SECTORS};
    set_partition(&image, 0, 0x80, 0x0C, place(2) - place(1));
    expect_volumes(place(1), starts, 2);
}

static void other_file_systems_are_named(void **state)
{
    static const struct {
        const char *signature, *error;
    } others[] = {
        {"EXFAT   ", "the partition at LBA 64 holds exFAT: format it as FAT32 or write the image again"},
        {"NTFS    ", "the partition at LBA 64 holds NTFS: format it as FAT32 or write the image again"},
        {"-FVE-FS-", "the partition at LBA 64 holds BitLocker: format it as FAT32 or write the image again"},
        {"SOMETHIN", "no FAT file system at LBA 64"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(others); i++) {
        join_partitions(all, 1, 0);
        memset(joined_bytes + place(0) * FAT_SECTOR, 0, FAT_SECTOR);
        memcpy(joined_bytes + place(0) * FAT_SECTOR + 3, others[i].signature, 8);
        expect_failure(FAT_DAMAGED, others[i].error);
    }
}

static void unreadable_sectors_are_told(void **state)
{
    (void)state;
    join_partitions(all, 1, 0);
    joined.bad = 0;
    joined.bad_count = 1;
    expect_failure(FAT_READ_FAILED, "");
    joined.bad = place(0);
    expect_failure(FAT_READ_FAILED, "");
    joined.bad_count = 0;
}

/* ---- Files ---- */

static void expect_text(const char *path, const char *text)
{
    char read[64] = "";

    assert_int_equal(fat_boot_open(&boot, path, &file), FAT_OK);
    assert_int_equal(file.size, strlen(text));
    assert_int_equal(fat_file_read(&file, 0, read, file.size), FAT_OK);
    assert_string_equal(read, text);
}

static void begin(const int *order, int count, int active)
{
    join_partitions(order, count, active);
    joined.calls = joined.stop_after = 0;
    fat_cache_init(&cache, read_sectors, &joined, NULL, 0);
    fat_boot_init(&boot, &cache, 0, oem);
}

static void the_first_volume_with_a_model_gives_the_models(void **state)
{
    static const struct {
        int order[SMALL], active;
        const char *model;
    } orders[] = {
        {{0, 1, 2, 3}, -1, "GGUF third"},  {{0, 1, 2, 3}, 0, "GGUF third"}, {{0, 1, 2, 3}, 3, "GGUF fourth"},
        {{3, 2, 1, 0}, -1, "GGUF fourth"}, {{3, 2, 1, 0}, 1, "GGUF third"}, {{1, 0, 3, 2}, 0, "GGUF fourth"},
    };

    (void)state;
    for (size_t i = 0; i < COUNT_OF(orders); i++) {
        begin(orders[i].order, SMALL, orders[i].active);
        expect_text("/MODELS/M.GGUF", orders[i].model);
        expect_text("/models/m.gguf", orders[i].model);
        expect_text("/BOOTLLAM.CFG", "steps = 4"); /* which only one has */
        expect_text("/NOTHING.TXT", "none");
        assert_int_equal(fat_boot_open(&boot, "/MODELS/NONE.GGUF", &file), FAT_NOT_FOUND);
        assert_int_equal(fat_boot_open(&boot, "/NONE.TXT", &file), FAT_NOT_FOUND);
    }
}

static void files_that_look_like_models_can_at_least_be_named(void **state)
{
    static const int order[] = {0, 1};

    (void)state;
    begin(order, 2, 0);
    assert_int_equal(fat_boot_list(&boot, "/MODELS", 0, &entry), FAT_OK);
    assert_string_equal(entry.name, "A.GGUF");
}

/* The first cluster of BOOTLLAM.CFG on the volume at place(number) becomes none. */
static void damage_settings(int number)
{
    struct disk part = {.bytes = joined_bytes + place(number) * FAT_SECTOR, .sectors = SMALL_SECTORS};
    uint8_t *slot = find_slot(&part, "BOOTLLAMCFG");
    slot[26] = slot[27] = 0xFF;
}

/* Reported for the first volume; skipped on others, which may be the remains of one. */
static void damage_counts_on_the_first_volume(void **state)
{
    static const int order[] = {3, 3, 3};

    (void)state;
    begin(order, 3, -1);
    damage_settings(0);
    assert_int_equal(fat_boot_open(&boot, "/BOOTLLAM.CFG", &file), FAT_DAMAGED);
    assert_string_equal(boot.error, "the file begins at cluster 65535, which does not exist: repair the volume");
    begin((const int[]){0, 3, 3}, 3, -1);
    damage_settings(1);
    expect_text("/BOOTLLAM.CFG", "steps = 4");
    damage_settings(2);
    fat_boot_forget(&boot);
    assert_int_equal(fat_boot_open(&boot, "/BOOTLLAM.CFG", &file), FAT_NOT_FOUND);
}

/* A model may be brought while the prompt waits. */
static void a_disk_without_a_model_is_looked_at_again(void **state)
{
    static const int order[] = {0, 0, 2};

    (void)state;
    begin(order, 2, 0);
    assert_int_equal(fat_boot_list(&boot, "/MODELS", 0, &entry), FAT_NOT_FOUND);
    join_partitions(order, 3, 0);
    assert_int_equal(fat_boot_list(&boot, "/MODELS", 0, &entry), FAT_OK);
    assert_int_equal(fat_boot_list(&boot, "/MODELS", 1, &entry), FAT_OK);
    assert_string_equal(entry.name, "M.GGUF");
    uint32_t calls = joined.calls;
    assert_int_equal(fat_boot_list(&boot, "/MODELS", 0, &entry), FAT_OK);
    assert_int_equal(joined.calls, calls); /* not once there is one */
}

/* Reported once, by the search for models. */
static void a_disk_without_a_volume_has_no_settings(void **state)
{
    (void)state;
    begin(all, 0, 0);
    assert_int_equal(fat_boot_open(&boot, "/BOOTLLAM.CFG", &file), FAT_NOT_FOUND);
    assert_int_equal(fat_boot_open(&boot, "/MODELS/M.GGUF", &file), FAT_DAMAGED);
    assert_int_equal(fat_boot_list(&boot, "/MODELS", 0, &entry), FAT_DAMAGED);
    assert_string_equal(boot.error, "no FAT file system at LBA 0");
}

static void another_disk_is_looked_at_anew(void **state)
{
    static const int order[] = {2}, other[] = {3};

    (void)state;
    begin(order, 1, 0);
    expect_text("/MODELS/M.GGUF", "GGUF third");
    join_partitions(other, 1, 0);
    fat_boot_forget(&boot);
    expect_text("/MODELS/M.GGUF", "GGUF fourth");
}

/* Wherever it happens, it is reported, nothing counts as damaged, and the next call starts again. */
static void stopping_is_told(void **state)
{
    int status = FAT_STOPPED;

    (void)state;
    for (uint32_t calls = 1; status == FAT_STOPPED; calls++) {
        assert_true(calls < 100);
        begin(all, SMALL, 0);
        joined.stop_after = calls;
        status = fat_boot_open(&boot, "/MODELS/M.GGUF", &file);
        joined.stop_after = 0;
        expect_text("/MODELS/M.GGUF", "GGUF third");
    }
    assert_int_equal(status, FAT_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partitions_come_in_order_the_active_one_first),
        cmocka_unit_test(types_do_not_matter),
        cmocka_unit_test(a_disk_without_partitions_is_a_volume),
        cmocka_unit_test(what_cannot_be_mounted_is_passed_over),
        cmocka_unit_test(logical_partitions_are_found),
        cmocka_unit_test(gpt_partitions_are_found),
        cmocka_unit_test(an_image_within_a_partition_comes_first),
        cmocka_unit_test(other_file_systems_are_named),
        cmocka_unit_test(unreadable_sectors_are_told),
        cmocka_unit_test(the_first_volume_with_a_model_gives_the_models),
        cmocka_unit_test(files_that_look_like_models_can_at_least_be_named),
        cmocka_unit_test(damage_counts_on_the_first_volume),
        cmocka_unit_test(a_disk_without_a_model_is_looked_at_again),
        cmocka_unit_test(a_disk_without_a_volume_has_no_settings),
        cmocka_unit_test(another_disk_is_looked_at_anew),
        cmocka_unit_test(stopping_is_told),
    };
    return cmocka_run_group_tests(tests, make_small, remove_volumes);
}
