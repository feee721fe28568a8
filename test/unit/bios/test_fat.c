/* bios/fat*.c on good volumes: reads return what mcopy wrote, and no sector is read more often than necessary. */
#include "fat_volumes.h"

static void files_are_what_was_copied(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        uint32_t fragment = FRAGMENT_CLUSTERS * volume.cluster_sectors * FAT_SECTOR;
        expect_file("/HELLO.TXT", "Hello from a FAT volume.\n", 25);
        expect_file("/EMPTY.TXT", "", 0);
        expect_file("/Ein langer Name, schön & gut 漢字 ab.gguf", "umlaut", 6);
        expect_file("/A/B/C/D/E/DEEP.TXT", "Hello from a FAT volume.\n", 25);
        expect_file("/BIG.BIN", big, BIG_BYTES);
        expect_file("/FRAGMENT.BIN", big + 77, fragment);
        assert_true(file.gap > 0); /* more pieces than marks */
        expect_file("/MANY/model number 299 of many.gguf", "299", 3);
    }
}

static void paths_know_no_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        expect_file("/hello.txt", "Hello from a FAT volume.\n", 25);
        expect_file("//a/B/c/d///E/deep.TXT", "Hello from a FAT volume.\n", 25);
        expect_file("/EIN LANGER NAME, SCHÖN & GUT 漢字 AB.GGUF", "umlaut", 6);
        expect_file("/EINLAN~1.GGU", "umlaut", 6);
        expect_file("/LOWER.TXT", "lower", 5);
    }
}

static void what_is_not_there_is_not_found(void **state)
{
    static const char *const paths[] = {
        "/HELLO", "/HELLO.TX", "/HELLO.TXTT", "/HELLO.TXT/A", "/A/B/X",     "/A",          "/",
        "",       "/LABEL",    "/A/..",       "/A/.",         "/PIECES/P0", "/X/HELLO.TXT"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        for (size_t k = 0; k < COUNT_OF(paths); k++)
            assert_int_equal(fat_file_open(&volume, paths[k], &file), FAT_NOT_FOUND);
        assert_int_equal(fat_directory_list(&volume, &list, "/HELLO.TXT", 0, &entry), FAT_NOT_FOUND);
        assert_int_equal(fat_directory_list(&volume, &list, "/NONE", 0, &entry), FAT_NOT_FOUND);
    }
}

static void random_pieces_are_right(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        for (int fragmented = 0; fragmented < 2; fragmented++) {
            const uint8_t *content = fragmented ? big + 77 : big;
            uint32_t seed = 1;
            assert_int_equal(fat_file_open(&volume, fragmented ? "/FRAGMENT.BIN" : "/BIG.BIN", &file), FAT_OK);
            for (int k = 0; k < 500; k++) {
                seed = seed * 1664525 + 1013904223;
                uint32_t offset = (seed >> 8) % file.size;
                uint32_t n = (seed >> 4) % (k % 2 ? 3000 : 60000) % (file.size - offset) + 1;
                assert_int_equal(fat_file_read(&file, offset, out, n), FAT_OK);
                assert_memory_equal(out, content + offset, n);
            }
        }
    }
}

static void directories_list_everything_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        bool seen[MANY] = {false};
        struct disk *disk = mount_case(i);
        uint32_t count = 0, number;
        while (fat_directory_list(&volume, &list, "/MANY", count, &entry) == FAT_OK) {
            assert_int_equal(sscanf(entry.name, "model number %u of many.gguf", &number), 1);
            assert_true(number < MANY && !seen[number]);
            assert_false(entry.is_directory);
            seen[number] = true;
            count++;
        }
        assert_int_equal(count, MANY);
        assert_int_equal(fat_directory_list(&volume, &list, "/MANY", count, &entry), FAT_NOT_FOUND);
        assert_int_equal(fat_directory_list(&volume, &list, "/MANY", 5000, &entry), FAT_NOT_FOUND);
        assert_true(disk->sectors_read < 300); /* 1,200 slots take 75 sectors; twice 5,000 entries would take more */
        assert_int_equal(fat_directory_list(&volume, &list, "/MANY", 7, &entry), FAT_OK);
        assert_int_equal(fat_directory_list(&volume, &list, "/a/b", 0, &entry), FAT_OK);
        assert_string_equal(entry.name, "C");
        assert_true(entry.is_directory);
        assert_int_equal(fat_directory_list(&volume, &list, "/a/b", 1, &entry), FAT_NOT_FOUND);
    }
}

static void root_lists_names_as_written(void **state)
{
    static const char *const names[] = {
        "PIECES", "HELLO.TXT", "EMPTY.TXT",   "Ein langer Name, schön & gut 漢字 ab.gguf", "lower.txt", "BIG.BIN",
        "MANY",   "A",         "FRAGMENT.BIN"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        for (uint32_t k = 0; k < COUNT_OF(names); k++) {
            assert_int_equal(fat_directory_list(&volume, &list, "/", k, &entry), FAT_OK);
            assert_string_equal(entry.name, names[k]);
            assert_int_equal(entry.is_hidden, k == 2 || k == 4); /* +h and +s */
        }
        assert_int_equal(entry.size, FRAGMENT_CLUSTERS * volume.cluster_sectors * FAT_SECTOR);
        assert_int_equal(fat_directory_list(&volume, &list, "/", COUNT_OF(names), &entry), FAT_NOT_FOUND);
    }
}

static void one_piece_is_one_read(void **state)
{
    (void)state;
    struct disk *disk = mount_case(2);
    assert_int_equal(fat_file_open(&volume, "/BIG.BIN", &file), FAT_OK);
    disk->calls = 0;
    assert_int_equal(fat_file_read(&file, 0, out, BIG_BYTES / 512 * 512), FAT_OK);
    assert_int_equal(disk->calls, 2); /* one of them for the FAT */
    assert_true(file.gap == 0 && file.marks == 1);
    assert_int_equal(fat_file_read(&file, 0, out, BIG_BYTES / 512 * 512), FAT_OK);
    assert_int_equal(disk->calls, 3);
}

/* The FAT of a file in many pieces is not gone through again and again. */
static void fragments_are_read_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        assert_int_equal(fat_file_open(&volume, "/FRAGMENT.BIN", &file), FAT_OK);
        disk->sectors_read = 0;
        for (uint32_t offset = 0; offset < file.size; offset += 1024)
            assert_int_equal(fat_file_read(&file, offset, out, 1024), FAT_OK);
        assert_true(disk->sectors_read < file.size / FAT_SECTOR + 100);
    }
}

/* Opening does not follow the chain, whatever the file's size, and the first bytes come after a read or two. */
static void opening_reads_no_chain(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        assert_int_equal(fat_directory_find(&volume, "/FRAGMENT.BIN", &entry), FAT_OK);
        disk->calls = 0;
        assert_int_equal(fat_file_open(&volume, "/FRAGMENT.BIN", &file), FAT_OK);
        assert_int_equal(disk->calls, 0);
        assert_int_equal(fat_file_read(&file, 0, out, 100), FAT_OK);
        assert_true(disk->calls <= 2);
    }
}

/* In pieces of 32 KiB, of which each is read once: the memory holds all of these tables. */
static void tables_are_read_in_pieces(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        uint32_t next = 0, pieces = (volume.fat_sectors + FAT_CACHE_PIECE_SECTORS - 1) / FAT_CACHE_PIECE_SECTORS;
        uint32_t seed = 1;
        disk->calls = disk->sectors_read = 0;
        for (uint32_t k = 0; k < 20000; k++) {
            seed = seed * 1664525 + 1013904223;
            assert_int_equal(fat_volume_next(&volume, 2 + (seed >> 8) % volume.clusters, &next), FAT_OK);
        }
        assert_int_equal(disk->calls, pieces);
        assert_int_equal(disk->sectors_read, volume.fat_sectors);
    }
}

/* Without memory for pieces everything works, only slower. */
static void no_memory_for_pieces_is_needed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        fat_cache_init(&cache, read_sectors, disk, NULL, 0);
        expect_file("/FRAGMENT.BIN", big + 77, FRAGMENT_CLUSTERS * volume.cluster_sectors * FAT_SECTOR);
        expect_file("/BIG.BIN", big, BIG_BYTES);
    }
}

/* At whatever read it is asked for; afterwards all is as if it had not been. */
static void reading_can_be_stopped(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        int status = FAT_STOPPED;
        for (uint32_t calls = 1; status == FAT_STOPPED; calls++) {
            struct disk *disk = mount_case(i);
            uint32_t size = FRAGMENT_CLUSTERS * volume.cluster_sectors * FAT_SECTOR;
            disk->calls = 0;
            disk->stop_after = calls;
            status = fat_file_open(&volume, "/FRAGMENT.BIN", &file);
            if (status == FAT_OK)
                status = fat_file_read(&file, 0, out, size);
            disk->stop_after = 0;
            expect_file("/FRAGMENT.BIN", big + 77, size);
            assert_true(calls < 500);
        }
        assert_int_equal(status, FAT_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_are_what_was_copied),
        cmocka_unit_test(paths_know_no_case),
        cmocka_unit_test(what_is_not_there_is_not_found),
        cmocka_unit_test(random_pieces_are_right),
        cmocka_unit_test(directories_list_everything_once),
        cmocka_unit_test(root_lists_names_as_written),
        cmocka_unit_test(one_piece_is_one_read),
        cmocka_unit_test(fragments_are_read_once),
        cmocka_unit_test(opening_reads_no_chain),
        cmocka_unit_test(tables_are_read_in_pieces),
        cmocka_unit_test(no_memory_for_pieces_is_needed),
        cmocka_unit_test(reading_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, make_volumes, remove_volumes);
}
