/* bios/fat*.c on damaged volumes: each test changes bytes of the disk and puts them back. */
#include "fat_volumes.h"

struct change {
    uint8_t *place, before[4];
    uint32_t n;
};

static struct change change(uint8_t *place, uint32_t value, uint32_t n)
{
    struct change made = {.place = place, .n = n};
    memcpy(made.before, place, n);
    memcpy(place, &value, n);
    return made;
}

static void undo(const struct change *made)
{
    memcpy(made->place, made->before, made->n);
}

/* Entry `cluster` of the first FAT, found by the boot sector's own numbers. */
static struct change set_link(struct volume_case *volume_case, uint32_t cluster, uint32_t value)
{
    uint8_t *boot = volume_case->disk.bytes + (size_t)volume_case->partition * FAT_SECTOR;
    uint8_t *fat = boot + (boot[14] | boot[15] << 8) * (boot[11] | boot[12] << 8);

    if (volume_case->bits == 12) {
        uint8_t *place = fat + cluster * 3 / 2;
        uint32_t old = (uint32_t)(place[0] | place[1] << 8);
        value &= 0xFFF;
        return change(place, cluster % 2 != 0 ? (old & 0x00F) | value << 4 : (old & 0xF000) | value, 2);
    }
    return change(fat + cluster * (volume_case->bits / 8), value, volume_case->bits / 8);
}

/* What opening and reading a whole file gives. */
static int read_whole(const char *path)
{
    int status = fat_file_open(&volume, path, &file);
    return status == FAT_OK ? fat_file_read(&file, 0, out, file.size) : status;
}

/* The first cluster of /BIG.BIN, which is in one piece. */
static uint32_t first_of_big(size_t number)
{
    mount_case(number);
    assert_int_equal(fat_file_open(&volume, "/BIG.BIN", &file), FAT_OK);
    return file.mark[0].cluster;
}

/* The FAT entry of cluster number `index` of /BIG.BIN is `value`: expects `message`, with the two numbers, from a read
   of the whole file, and no harm before that place. */
static void expect_broken(size_t number, uint32_t index, uint32_t value, const char *message)
{
    char text[128];

    uint32_t cluster = first_of_big(number) + index;
    struct change made = set_link(&cases[number], cluster, value);
    mount_case(number); /* an empty cache */
    int status = read_whole("/BIG.BIN");
    uint32_t before = index * volume.cluster_sectors * FAT_SECTOR;
    assert_int_equal(fat_file_read(&file, 0, out, before), FAT_OK);
    assert_memory_equal(out, big, before);
    undo(&made);
    snprintf(text, sizeof text, message, cluster, value);
    assert_int_equal(status, FAT_DAMAGED);
    assert_string_equal(volume.error, text);
}

static void broken_chains_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t ones = cases[i].bits == 32 ? 0x0FFFFFFF : (1u << cases[i].bits) - 1;
        mount_case(i);
        expect_broken(i, 10, 0, "cluster %u leads to a free cluster: repair the volume");
        expect_broken(i, 10, 1, "cluster %u leads to %u, which does not exist: repair the volume");
        expect_broken(i, 10, volume.clusters + 2, "cluster %u leads to %u, which does not exist: repair the volume");
        expect_broken(i, 10, ones - 9, "cluster %u leads to %u, which does not exist: repair the volume");
        expect_broken(i, 10, ones - 8, "cluster %u leads to a bad cluster: repair the volume");
        expect_broken(i, 10, ones, "the chain of clusters ends too early, at %u: repair the volume");
    }
}

/* A table may go on where the volume has no clusters any more. */
static void a_neighbour_of_the_last_cluster_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        char text[80];
        const uint32_t first = first_of_big(i), end = volume.clusters + 2;
        struct change to_end = set_link(&cases[i], first + 10, end - 2),
                      near_end = set_link(&cases[i], end - 2, end - 1);
        struct change beyond = set_link(&cases[i], end - 1, end);
        mount_case(i);
        const int status = read_whole("/BIG.BIN");
        undo(&beyond);
        undo(&near_end);
        undo(&to_end);
        snprintf(text, sizeof text, "cluster %u leads to %u, which does not exist: repair the volume", end - 1, end);
        assert_int_equal(status, FAT_DAMAGED);
        assert_string_equal(volume.error, text);
    }
}

/* Wherever a chain loops back to, the file cannot be read to its end, and reading ends. */
static void circles_are_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t first = first_of_big(i), last = file.clusters - 1;
        const uint32_t froms[] = {1, 10, last / 2, last - 1, last};
        for (size_t k = 0; k < COUNT_OF(froms); k++) {
            const uint32_t targets[] = {0, 1, froms[k] / 2, froms[k] - 1, froms[k]};
            for (size_t n = 0; n < COUNT_OF(targets); n++) {
                struct change made = set_link(&cases[i], first + froms[k], first + targets[n]);
                mount_case(i);
                int status = read_whole("/BIG.BIN");
                undo(&made);
                assert_int_equal(status, FAT_DAMAGED);
                assert_non_null(strstr(volume.error, "the chain of clusters loops back to"));
            }
        }
    }
}

/* As fsck, Windows and UEFI firmware take it: the size counts. */
static void a_chain_longer_than_the_file_does_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t ones = cases[i].bits == 32 ? 0x0FFFFFFF : (1u << cases[i].bits) - 1;
        uint32_t last = first_of_big(i) + file.clusters - 1;
        mount_case(i);
        assert_int_equal(fat_file_open(&volume, "/HELLO.TXT", &file), FAT_OK);
        const uint32_t surplus[] = {file.mark[0].cluster, 0, 1, ones - 8, ones - 9}; /* the last two are none */
        for (size_t k = 0; k < COUNT_OF(surplus); k++) {
            struct change made = set_link(&cases[i], last, surplus[k]);
            mount_case(i);
            expect_file("/BIG.BIN", big, BIG_BYTES);
            undo(&made);
        }
    }
}

static void a_looping_directory_ends(void **state)
{
    uint32_t count = 0;
    int status;

    (void)state;
    struct disk *disk = mount_case(2);
    assert_int_equal(fat_directory_list(&volume, &list, "/", 6, &entry), FAT_OK);
    assert_string_equal(entry.name, "MANY");
    uint32_t first = entry.cluster;
    struct change made = set_link(&cases[2], first, first);
    mount_case(2);
    while ((status = fat_directory_list(&volume, &list, "/MANY", count, &entry)) == FAT_OK)
        count++;
    undo(&made);
    assert_int_equal(status, FAT_DAMAGED);
    assert_non_null(strstr(volume.error, "has no end"));
    assert_true(count < 65536 && disk->calls < 100000);
}

static void directory_entries_are_checked(void **state)
{
    (void)state;
    struct disk *disk = mount_case(0);
    uint8_t *slot = find_slot(disk, "BIG     BIN");

    struct change made = change(slot + 28, 0xFFFFFFFF, 4);
    mount_case(0);
    assert_int_equal(fat_file_open(&volume, "/BIG.BIN", &file), FAT_DAMAGED);
    assert_string_equal(volume.error, "the file is larger than the volume: repair the volume");
    undo(&made);

    made = change(slot + 26, 0, 2);
    mount_case(0);
    assert_int_equal(fat_file_open(&volume, "/BIG.BIN", &file), FAT_DAMAGED);
    assert_string_equal(volume.error, "the file begins at cluster 0, which does not exist: repair the volume");
    undo(&made);
}

static void long_names_must_belong(void **state)
{
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        struct disk *disk = mount_case(i);
        uint8_t *slot = find_slot(disk, "EINLAN~1GGU");
        static const struct {
            int slot, byte;
            uint8_t value;
        } harms[] = {{-1, 13, 0}, {-1, 0, 3}, {-2, 0, 0xE5}, {-1, 11, 0x08}, {0, 0, 'F'}, {-3, 0, 0x7F}};
        for (size_t k = 0; k < COUNT_OF(harms); k++) {
            struct change made = change(slot + harms[k].slot * 32 + harms[k].byte, harms[k].value, 1);
            mount_case(i);
            assert_int_equal(fat_directory_list(&volume, &list, "/", 3, &entry), FAT_OK);
            assert_string_equal(entry.name, k == 4 ? "FINLAN~1.GGU" : "EINLAN~1.GGU");
            undo(&made);
        }
    }
}

/* "ab" at the end of the long name becomes one character beyond 16 bits, then halves of one. */
static void surrogates_are_decoded(void **state)
{
    static const struct {
        uint16_t units[2];
        const char *name;
    } names[] = {
        {{0xD83D, 0xDE00}, "Ein langer Name, schön & gut 漢字 😀.gguf"},
        {{0xDBFF, 0xDFFF}, "Ein langer Name, schön & gut 漢字 \xF4\x8F\xBF\xBF.gguf"},
        {{0xD83D, 'x'}, "Ein langer Name, schön & gut 漢字 \xEF\xBF\xBDx.gguf"},
        {{0xDE00, 0xD83D}, "Ein langer Name, schön & gut 漢字 \xEF\xBF\xBD\xEF\xBF\xBD.gguf"},
    };

    (void)state;
    struct disk *disk = mount_case(0);
    uint8_t *slot = find_slot(disk, "EINLAN~1GGU") - 3 * 32; /* units 26 to 38; "ab" are 32 and 33 */
    assert_int_equal(slot[16] | slot[18] << 8, 'a' | 'b' << 8);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        struct change first = change(slot + 16, names[i].units[0], 2), second = change(slot + 18, names[i].units[1], 2);
        mount_case(0);
        assert_int_equal(fat_directory_list(&volume, &list, "/", 3, &entry), FAT_OK);
        assert_string_equal(entry.name, names[i].name);
        expect_file(names[i].name, "umlaut", 6);
        undo(&second);
        undo(&first);
    }
}

static void short_names_are_decoded(void **state)
{
    static const struct {
        const char bytes[12];
        uint8_t flags;
        const char *name;
    } names[] = {
        {"HELLO   TXT", 0x18, "hello.txt"},
        {"HELLO   TXT", 0x08, "hello.TXT"},
        {"HELLO   TXT", 0x10, "HELLO.txt"},
        {"HELLO      ", 0x00, "HELLO"},
        {"A B     C  ", 0x00, "A B.C"},
        {"\x05"
         "ELLO   TXT",
         0x00, "ѥELLO.TXT"},
        {"\x81"
         "ELLO   T\xFF ",
         0x18, "Ёello.tѿ"},
        {"ABCDEFGHIJK", 0x00, "ABCDEFGH.IJK"},
    };

    (void)state;
    struct disk *disk = mount_case(0);
    uint8_t *slot = find_slot(disk, "HELLO   TXT"), before[32];
    memcpy(before, slot, sizeof before);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        memcpy(slot, names[i].bytes, 11);
        slot[12] = names[i].flags;
        mount_case(0);
        assert_int_equal(fat_directory_list(&volume, &list, "/", 1, &entry), FAT_OK);
        assert_string_equal(entry.name, names[i].name);
        assert_int_equal(fat_file_open(&volume, names[i].name, &file), FAT_OK);
        memcpy(slot, before, sizeof before);
    }
}

/* A name of 255 characters that are three bytes each in UTF-8 does not fit: the short one stands for it. */
static void names_that_do_not_fit_are_short(void **state)
{
    (void)state;
    run("n=; i=0; while [ $i -lt 200 ]; do n=$n漢; i=$((i + 1)); done; printf x > x; "
        "truncate -s 1M long.img; mkfs.fat -F 12 long.img > /dev/null; mcopy -i long.img x \"::/$n\"",
        &cases[0]);
    struct volume_case made = {.name = "long", .mib = 1};
    load(&made);
    assert_int_equal(mount_disk(&made.disk), FAT_OK);
    assert_int_equal(fat_directory_list(&volume, &list, "/", 0, &entry), FAT_OK);
    assert_string_equal(entry.name, entry.short_name);
    char name[40];
    strcpy(name, entry.short_name);
    assert_int_equal(fat_file_open(&volume, name, &file), FAT_OK);
    assert_int_equal(file.size, 1);
    free(made.disk.bytes);
}

/* ---- Sectors that cannot be read ---- */

static void the_second_fat_helps(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        disk->bad = volume.fat_start;
        disk->bad_count = volume.fat_sectors;
        expect_file("/BIG.BIN", big, BIG_BYTES);
        mount_case(i);
        disk->bad = volume.fat_start;
        disk->bad_count = 2 * volume.fat_sectors;
        assert_int_equal(read_whole("/BIG.BIN"), FAT_READ_FAILED);
    }
}

/* The entry of the last cluster that is read says nothing about it: whether it can be read does not matter. */
static void the_table_is_read_no_further_than_the_file(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        const uint32_t first = first_of_big(i), bits = cases[i].bits;
        uint32_t last = first + 2;
        while (last * bits % (8 * FAT_SECTOR) != 0)
            last++; /* to the first entry of a sector */
        assert_true(last < first + file.clusters - 1);
        const uint32_t cluster = volume.cluster_sectors * FAT_SECTOR, bytes = (last + 1 - first) * cluster;
        struct disk *disk = mount_case(i);
        disk->bad = volume.fat_start + last * bits / (8 * FAT_SECTOR);
        disk->bad_count = volume.fat_sectors + 1; /* the same sector of the second one, too */
        assert_int_equal(fat_file_open(&volume, "/BIG.BIN", &file), FAT_OK);
        for (uint32_t at = 0, n; at < bytes; at += n) { /* the last two clusters by a read of their own, too */
            n = bytes - at > 2 * cluster ? bytes - at - 2 * cluster : 2 * cluster;
            assert_int_equal(fat_file_read(&file, at, out + at, n), FAT_OK);
        }
        assert_memory_equal(out, big, bytes);
        assert_int_equal(fat_file_read(&file, bytes, out, 1), FAT_READ_FAILED);
    }
}

static void a_bad_neighbour_does_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        assert_int_equal(fat_file_open(&volume, "/BIG.BIN", &file), FAT_OK);
        uint32_t lba = volume.data_start + (file.mark[0].cluster - 2) * volume.cluster_sectors;
        for (uint32_t k = 100; k < 120; k++) {
            disk->bad = lba + (k % 2 != 0 ? k + 1 : k - 1);
            disk->bad_count = 1;
            assert_int_equal(fat_file_read(&file, k * 512 + 7, out, 11), FAT_OK);
            assert_memory_equal(out, big + k * 512 + 7, 11);
        }
    }
}

static void unreadable_data_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        assert_int_equal(fat_file_open(&volume, "/BIG.BIN", &file), FAT_OK);
        disk->bad = volume.data_start + (file.mark[0].cluster - 2) * volume.cluster_sectors + 100;
        disk->bad_count = 1;
        assert_int_equal(fat_file_read(&file, 0, out, 100 * 512), FAT_OK);
        assert_int_equal(fat_file_read(&file, 0, out, 100 * 512 + 1), FAT_READ_FAILED);
        assert_int_equal(fat_file_read(&file, 101 * 512, out, 1000), FAT_OK);
    }
}

/* ---- Boot sectors ---- */

static void expect_mount(struct disk *disk, int status, const char *error)
{
    assert_int_equal(mount_disk(disk), status);
    assert_string_equal(fat_disk.error, error);
}

static void boot_sectors_are_checked(void **state)
{
    static const struct {
        int place, bytes;
        uint32_t value;
        const char *error;
    } harms[] = {
        {510, 2, 0, "no FAT file system at LBA 2048"},
        {11, 2, 0, "no FAT file system at LBA 2048"},
        {11, 2, 513, "no FAT file system at LBA 2048"},
        {11, 2, 8192, "no FAT file system at LBA 2048"},
        {11, 2, 256, "no FAT file system at LBA 2048"},
        {13, 1, 0, "no FAT file system at LBA 2048"},
        {13, 1, 3, "no FAT file system at LBA 2048"},
        {14, 2, 0, "no FAT file system at LBA 2048"},
        {16, 1, 0, "no FAT file system at LBA 2048"},
        {36, 4, 0, "no FAT file system at LBA 2048"},
        {32, 4, 0, "no FAT file system at LBA 2048"},
        {32, 4, 0xFFFFFFFF, "no FAT file system at LBA 2048"},
        {32, 4, 100, "the FAT file system at LBA 2048 has no room for data"},
        {36, 4, 0x40000000, "the FAT file system at LBA 2048 has no room for data"},
        {36, 4, 0xFFFFFFFF, "the FAT file system at LBA 2048 has no room for data"},
        {17, 2, 16, "the FAT file system at LBA 2048 contradicts itself"},
        {22, 2, 9, "the FAT file system at LBA 2048 contradicts itself"},
        {40, 1, 0x82, "the FAT file system at LBA 2048 contradicts itself"},
        {42, 2, 1, "the FAT file system at LBA 2048 contradicts itself"},
    };

    (void)state;
    struct disk *disk = mount_case(2);
    uint8_t *boot = disk->bytes + PARTITION_LBA * FAT_SECTOR;
    for (size_t i = 0; i < COUNT_OF(harms); i++) {
        struct change made = change(boot + harms[i].place, harms[i].value, (uint32_t)harms[i].bytes);
        expect_mount(disk, FAT_DAMAGED, harms[i].error);
        undo(&made);
    }
    mount_case(2);
    uint32_t first = volume.fat_start;
    struct change made = change(boot + 40, 0x81, 1); /* only the second FAT counts */
    mount_case(2);
    assert_int_equal(volume.fat_start, first + volume.fat_sectors);
    expect_file("/BIG.BIN", big, BIG_BYTES);
    undo(&made);
    made = change(boot + 44, 1, 4);
    mount_case(2);
    assert_int_equal(fat_directory_list(&volume, &list, "/", 0, &entry), FAT_DAMAGED);
    assert_string_equal(volume.error, "a directory begins at cluster 1, which does not exist: repair the volume");
    undo(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_chains_are_told),   cmocka_unit_test(a_neighbour_of_the_last_cluster_is_told),
        cmocka_unit_test(circles_are_told),         cmocka_unit_test(a_chain_longer_than_the_file_does_no_harm),
        cmocka_unit_test(a_looping_directory_ends), cmocka_unit_test(directory_entries_are_checked),
        cmocka_unit_test(long_names_must_belong),   cmocka_unit_test(surrogates_are_decoded),
        cmocka_unit_test(short_names_are_decoded),  cmocka_unit_test(names_that_do_not_fit_are_short),
        cmocka_unit_test(the_second_fat_helps),     cmocka_unit_test(the_table_is_read_no_further_than_the_file),
        cmocka_unit_test(unreadable_data_is_told),  cmocka_unit_test(a_bad_neighbour_does_no_harm),
        cmocka_unit_test(boot_sectors_are_checked),
    };
    return cmocka_run_group_tests(tests, make_volumes, remove_volumes);
}
