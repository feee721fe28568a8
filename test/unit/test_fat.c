/* bios/fat*.c on volumes made by mkfs.fat and mtools: what mcopy put in comes out, and damage ends in its message. */
#include "unit.h"

#include <unistd.h>

#include "fat.h"

enum {
    PARTITION_LBA = 2048,
    MANY = 300,         /* files in /MANY */
    BIG_BYTES = 780001, /* /BIG.BIN */
    PIECES = 400,       /* files of a cluster each, every other one deleted: where /FRAGMENT.BIN goes */
    FRAGMENT_CLUSTERS = 190,
};

struct disk { /* in memory, with what the driver did to it */
    uint8_t *bytes;
    uint32_t sectors;
    uint32_t calls, sectors_read;
    uint32_t bad, bad_count; /* sectors that cannot be read */
};

struct volume_case {
    const char *name, *mkfs; /* options of mkfs.fat */
    uint32_t bits, mib;
    uint32_t partition; /* its LBA, or 0 for none */
    uint32_t hint;      /* offset of the number of the next free cluster, from the volume's start */
    struct disk disk;
};

static struct volume_case cases[] = {
    {"fat12", "-F 12 -s 1 -r 112", 12, 2, 0, 3, {0}},
    {"fat16", "-F 16 -s 4", 16, 24, PARTITION_LBA, 3, {0}},
    {"fat32", "-F 32 -s 1", 32, 48, PARTITION_LBA, 512 + 492, {0}},
    {"fat32-4096", "-F 32 -s 1 -S 4096", 32, 280, 0, 4096 + 492, {0}},
};

static char folder[] = "/tmp/test_fat.XXXXXX";
static uint8_t big[BIG_BYTES], out[BIG_BYTES];
static uint16_t oem[128];
static struct fat_volume volume;
static struct fat_file file;

static int read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer)
{
    struct disk *disk = context;

    disk->calls++;
    disk->sectors_read += count;
    if (count == 0 || lba >= disk->sectors || count > disk->sectors - lba)
        return -1;
    if (disk->bad_count > 0 && lba < disk->bad + disk->bad_count && disk->bad < lba + count)
        return -1;
    memcpy(buffer, disk->bytes + (size_t)lba * FAT_SECTOR, (size_t)count * FAT_SECTOR);
    return 0;
}

/* ---- Volumes ---- */

static void run(const char *script, const struct volume_case *volume_case)
{
    char command[4096];
    int n = snprintf(command, sizeof command,
                     "set -e; export LC_ALL=C.UTF-8 MTOOLS_SKIP_CHECK=1 MTOOLSRC=/dev/null; cd %s; name=%s; mib=%u; "
                     "lba=%u; hint=%u; mkfs='%s'; image=$name.img@@$((lba * 512)); %s",
                     folder, volume_case->name, volume_case->mib, volume_case->partition,
                     volume_case->partition * FAT_SECTOR + volume_case->hint, volume_case->mkfs, script);

    assert_true(n > 0 && (size_t)n < sizeof command);
    if (system(command) != 0)
        fail_test("failed: %s\n", command);
}

/* The files of all volumes, once. Every MANY name is long; PIECES are small. */
static const char MAKE_FILES[] =
    "mkdir -p files/MANY files/pieces; cd files; printf 'Hello from a FAT volume.\\n' > HELLO.TXT; : > EMPTY.TXT; "
    "printf 'umlaut' > 'Ein langer Name, schön & gut 漢字 ab.gguf'; printf 'lower' > lower.txt; "
    "i=0; while [ $i -lt 300 ]; do printf $i > \"MANY/model number $i of many.gguf\"; i=$((i + 1)); done; "
    "i=0; while [ $i -lt 400 ]; do printf $i > pieces/P$i; i=$((i + 1)); done";

/* /FRAGMENT.BIN is written last, into the holes between what is left of PIECES; FAT32's hint at free clusters, `hint`, is
   taken away for that (elsewhere those bytes are the OEM name). */
static const char MAKE_VOLUME[] =
    "rm -f $name.img; truncate -s ${mib}M $name.img; mkfs.fat $mkfs --offset $lba -n LABEL $name.img "
    "$((mib * 1024 - lba / 2)) > $name.log; "
    "mmd -i $image ::/PIECES; mcopy -i $image files/pieces/* ::/PIECES/; "
    "mcopy -i $image files/HELLO.TXT files/EMPTY.TXT files/*.gguf files/lower.txt ::/; "
    "mcopy -i $image BIG.BIN ::/; mcopy -s -i $image files/MANY ::/; "
    "mmd -i $image ::/A ::/A/B ::/A/B/C ::/A/B/C/D ::/A/B/C/D/E; mcopy -i $image files/HELLO.TXT ::/A/B/C/D/E/DEEP.TXT; "
    "mdel -i $image '::/PIECES/P*[02468]'; "
    "printf '\\377\\377\\377\\377' | dd of=$name.img bs=1 seek=$hint conv=notrunc status=none; "
    "mcopy -i $image FRAGMENT.BIN ::/FRAGMENT.BIN";

static void write_file(const char *name, const uint8_t *bytes, size_t n)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    assert_int_equal(fwrite(bytes, 1, n, stream), n);
    fclose(stream);
}

static void load(struct volume_case *volume_case)
{
    char path[128];
    size_t bytes = (size_t)volume_case->mib << 20;

    snprintf(path, sizeof path, "%s/%s.img", folder, volume_case->name);
    FILE *stream = fopen(path, "rb");
    assert_non_null(stream);
    volume_case->disk = (struct disk){.bytes = malloc(bytes), .sectors = (uint32_t)(bytes / FAT_SECTOR)};
    assert_non_null(volume_case->disk.bytes);
    assert_int_equal(fread(volume_case->disk.bytes, 1, bytes, stream), bytes);
    fclose(stream);
    unlink(path);
}

/* An active FAT partition to the end of the disk, as entry number `entry`. */
static void set_partition(struct disk *disk, int entry, uint8_t flag, uint8_t type, uint32_t lba)
{
    uint8_t *slot = disk->bytes + 0x1BE + 16 * entry;
    uint32_t sectors = disk->sectors - lba;

    slot[0] = flag;
    slot[4] = type;
    memcpy(slot + 8, &lba, 4);
    memcpy(slot + 12, &sectors, 4);
    disk->bytes[510] = 0x55;
    disk->bytes[511] = 0xAA;
}

static int set_up(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < BIG_BYTES; i++)
        big[i] = (uint8_t)(i * 2654435761u >> 11);
    for (int i = 0; i < 128; i++)
        oem[i] = (uint16_t)(0x400 + i);
    assert_non_null(mkdtemp(folder));
    write_file("BIG.BIN", big, BIG_BYTES);
    run(MAKE_FILES, &cases[0]);
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        uint32_t cluster = i == 1 ? 2048 : i == 3 ? 4096 : 512;
        write_file("FRAGMENT.BIN", big + 77, FRAGMENT_CLUSTERS * cluster);
        run(MAKE_VOLUME, &cases[i]);
        load(&cases[i]);
        if (cases[i].partition != 0)
            set_partition(&cases[i].disk, 0, 0x80, 0x0C, cases[i].partition);
    }
    return 0;
}

static int tear_down(void **state)
{
    char command[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        free(cases[i].disk.bytes);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

/* Mounts a volume of the table, which must work, with no sector bad and nothing counted yet. */
static struct disk *mount_case(size_t number)
{
    struct disk *disk = &cases[number].disk;

    disk->bad_count = disk->calls = disk->sectors_read = 0;
    assert_int_equal(fat_mount(&volume, read_sectors, disk, oem), FAT_OK);
    assert_int_equal(volume.bits, cases[number].bits);
    return disk;
}

/* ---- Sound volumes ---- */

static void expect_file(const char *path, const void *content, uint32_t n)
{
    if (fat_open(&volume, path, &file) != FAT_OK)
        fail_test("%s: %s\n", path, volume.error);
    assert_int_equal(file.size, n);
    memset(out, 0xEE, sizeof out);
    assert_int_equal(fat_read(&volume, &file, 0, out, n), FAT_OK);
    assert_memory_equal(out, content, n);
}

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
        assert_int_equal(file.complete, false); /* more pieces than marks */
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
    static const char *const paths[] = {"/HELLO", "/HELLO.TX", "/HELLO.TXTT", "/HELLO.TXT/A", "/A/B/X", "/A", "/", "",
                                        "/LABEL", "/A/..", "/A/.", "/PIECES/P0", "/X/HELLO.TXT"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        for (size_t k = 0; k < COUNT_OF(paths); k++)
            assert_int_equal(fat_open(&volume, paths[k], &file), FAT_NOT_FOUND);
        assert_int_equal(fat_list(&volume, "/HELLO.TXT", 0), FAT_NOT_FOUND);
        assert_int_equal(fat_list(&volume, "/NONE", 0), FAT_NOT_FOUND);
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
            assert_int_equal(fat_open(&volume, fragmented ? "/FRAGMENT.BIN" : "/BIG.BIN", &file), FAT_OK);
            for (int k = 0; k < 500; k++) {
                seed = seed * 1664525 + 1013904223;
                uint32_t offset = (seed >> 8) % file.size;
                uint32_t n = (seed >> 4) % (k % 2 ? 3000 : 60000) % (file.size - offset) + 1;
                assert_int_equal(fat_read(&volume, &file, offset, out, n), FAT_OK);
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
        while (fat_list(&volume, "/MANY", count) == FAT_OK) {
            assert_int_equal(sscanf(volume.entry.name, "model number %u of many.gguf", &number), 1);
            assert_true(number < MANY && !seen[number]);
            assert_false(volume.entry.is_directory);
            seen[number] = true;
            count++;
        }
        assert_int_equal(count, MANY);
        assert_int_equal(fat_list(&volume, "/MANY", count), FAT_NOT_FOUND);
        assert_int_equal(fat_list(&volume, "/MANY", 5000), FAT_NOT_FOUND);
        assert_true(disk->sectors_read < 300); /* 1,200 slots take 75 sectors; twice 5,000 entries would take more */
        assert_int_equal(fat_list(&volume, "/MANY", 7), FAT_OK);
        assert_int_equal(fat_list(&volume, "/a/b", 0), FAT_OK);
        assert_string_equal(volume.entry.name, "C");
        assert_true(volume.entry.is_directory);
        assert_int_equal(fat_list(&volume, "/a/b", 1), FAT_NOT_FOUND);
    }
}

static void root_lists_names_as_written(void **state)
{
    static const char *const names[] = {
        "PIECES", "HELLO.TXT", "EMPTY.TXT", "Ein langer Name, schön & gut 漢字 ab.gguf", "lower.txt",
        "BIG.BIN", "MANY", "A", "FRAGMENT.BIN"};

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        for (uint32_t k = 0; k < COUNT_OF(names); k++) {
            assert_int_equal(fat_list(&volume, "/", k), FAT_OK);
            assert_string_equal(volume.entry.name, names[k]);
        }
        assert_int_equal(volume.entry.size, FRAGMENT_CLUSTERS * volume.cluster_sectors * FAT_SECTOR);
        assert_int_equal(fat_list(&volume, "/", COUNT_OF(names)), FAT_NOT_FOUND);
    }
}

static void one_piece_is_one_read(void **state)
{
    (void)state;
    struct disk *disk = mount_case(2);
    assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_OK);
    assert_true(file.complete && file.marks == 1);
    disk->calls = 0;
    assert_int_equal(fat_read(&volume, &file, 0, out, BIG_BYTES / 512 * 512), FAT_OK);
    assert_int_equal(disk->calls, 1);
}

/* The FAT of a file in many pieces is not gone through again and again. */
static void fragments_are_read_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        assert_int_equal(fat_open(&volume, "/FRAGMENT.BIN", &file), FAT_OK);
        disk->sectors_read = 0;
        for (uint32_t offset = 0; offset < file.size; offset += 1024)
            assert_int_equal(fat_read(&volume, &file, offset, out, 1024), FAT_OK);
        assert_true(disk->sectors_read < file.size / FAT_SECTOR + 100);
    }
}

/* ---- Damage: each test changes a copy of the volume's sectors and puts them back ---- */

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

/* Opens a file whose FAT entry of cluster number `index` is `value` and expects `message`, with the two numbers. */
static void expect_broken(size_t number, uint32_t index, uint32_t value, const char *message)
{
    char text[128];

    mount_case(number);
    assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_OK);
    assert_true(file.complete && file.marks == 1);
    uint32_t cluster = file.mark[0].cluster + index;
    struct change made = set_link(&cases[number], cluster, value);
    mount_case(number); /* an empty cache */
    int status = fat_open(&volume, "/BIG.BIN", &file);
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
        assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_OK);
        uint32_t first = file.mark[0].cluster, last = file.clusters - 1;
        expect_broken(i, 10, 0, "cluster %u leads to a free cluster: repair the volume");
        expect_broken(i, 10, 1, "cluster %u leads to %u, which is none: repair the volume");
        expect_broken(i, 10, volume.clusters + 2, "cluster %u leads to %u, which is none: repair the volume");
        expect_broken(i, 10, ones - 9, "cluster %u leads to %u, which is none: repair the volume");
        expect_broken(i, 10, ones - 8, "cluster %u leads to a bad cluster: repair the volume");
        expect_broken(i, 10, ones, "the chain of clusters ends too early, at %u: repair the volume");
        expect_broken(i, last, first, "the chain of clusters goes on after its end, %u: repair the volume");
    }
}

/* A loop inside the chain: wherever the file would end, the chain does not. */
static void loops_end(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        mount_case(i);
        assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_OK);
        struct change made = set_link(&cases[i], file.mark[0].cluster + 10, file.mark[0].cluster);
        mount_case(i);
        int status = fat_open(&volume, "/BIG.BIN", &file);
        undo(&made);
        assert_int_equal(status, FAT_DAMAGED);
        assert_non_null(strstr(volume.error, "the chain of clusters goes on after its end"));
    }
}

static void a_looping_directory_ends(void **state)
{
    uint32_t count = 0;
    int status;

    (void)state;
    struct disk *disk = mount_case(2);
    assert_int_equal(fat_list(&volume, "/", 6), FAT_OK);
    assert_string_equal(volume.entry.name, "MANY");
    uint32_t first = volume.entry.cluster;
    struct change made = set_link(&cases[2], first, first);
    mount_case(2);
    while ((status = fat_list(&volume, "/MANY", count)) == FAT_OK)
        count++;
    undo(&made);
    assert_int_equal(status, FAT_DAMAGED);
    assert_non_null(strstr(volume.error, "has no end"));
    assert_true(count < 65536 && disk->calls < 100000);
}

/* The slot of a file in the root directory, by its short name. */
static uint8_t *find_slot(struct disk *disk, const char *name)
{
    for (uint8_t *at = disk->bytes; at < disk->bytes + (size_t)disk->sectors * FAT_SECTOR; at += 32) {
        if (memcmp(at, name, 11) == 0)
            return at;
    }
    fail_test("no slot %s\n", name);
    return NULL;
}

static void directory_entries_are_checked(void **state)
{
    (void)state;
    struct disk *disk = mount_case(0);
    uint8_t *slot = find_slot(disk, "BIG     BIN");

    struct change made = change(slot + 28, 0xFFFFFFFF, 4);
    mount_case(0);
    assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_DAMAGED);
    assert_string_equal(volume.error, "the file is larger than the volume: repair the volume");
    undo(&made);

    made = change(slot + 26, 0, 2);
    mount_case(0);
    assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_DAMAGED);
    assert_string_equal(volume.error, "the file begins at cluster 0, which is none: repair the volume");
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
            assert_int_equal(fat_list(&volume, "/", 3), FAT_OK);
            assert_string_equal(volume.entry.name, k == 4 ? "FINLAN~1.GGU" : "EINLAN~1.GGU");
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
        assert_int_equal(fat_list(&volume, "/", 3), FAT_OK);
        assert_string_equal(volume.entry.name, names[i].name);
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
        {"HELLO   TXT", 0x18, "hello.txt"},  {"HELLO   TXT", 0x08, "hello.TXT"}, {"HELLO   TXT", 0x10, "HELLO.txt"},
        {"HELLO      ", 0x00, "HELLO"},      {"A B     C  ", 0x00, "A B.C"},     {"\x05" "ELLO   TXT", 0x00, "ѥELLO.TXT"},
        {"\x81" "ELLO   T\xFF ", 0x18, "Ёello.tѿ"}, {"ABCDEFGHIJK", 0x00, "ABCDEFGH.IJK"},
    };

    (void)state;
    struct disk *disk = mount_case(0);
    uint8_t *slot = find_slot(disk, "HELLO   TXT"), before[32];
    memcpy(before, slot, sizeof before);
    for (size_t i = 0; i < COUNT_OF(names); i++) {
        memcpy(slot, names[i].bytes, 11);
        slot[12] = names[i].flags;
        mount_case(0);
        assert_int_equal(fat_list(&volume, "/", 1), FAT_OK);
        assert_string_equal(volume.entry.name, names[i].name);
        assert_int_equal(fat_open(&volume, names[i].name, &file), FAT_OK);
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
    assert_int_equal(fat_mount(&volume, read_sectors, &made.disk, oem), FAT_OK);
    assert_int_equal(fat_list(&volume, "/", 0), FAT_OK);
    assert_string_equal(volume.entry.name, volume.entry.short_name);
    char name[40];
    strcpy(name, volume.entry.short_name);
    assert_int_equal(fat_open(&volume, name, &file), FAT_OK);
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
        assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_READ_FAILED);
    }
}

static void a_bad_neighbour_does_no_harm(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_OK);
        uint32_t lba = volume.data_start + (file.mark[0].cluster - 2) * volume.cluster_sectors;
        for (uint32_t k = 100; k < 120; k++) {
            disk->bad = lba + (k % 2 != 0 ? k + 1 : k - 1);
            disk->bad_count = 1;
            assert_int_equal(fat_read(&volume, &file, k * 512 + 7, out, 11), FAT_OK);
            assert_memory_equal(out, big + k * 512 + 7, 11);
        }
    }
}

static void unreadable_data_is_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct disk *disk = mount_case(i);
        assert_int_equal(fat_open(&volume, "/BIG.BIN", &file), FAT_OK);
        disk->bad = volume.data_start + (file.mark[0].cluster - 2) * volume.cluster_sectors + 100;
        disk->bad_count = 1;
        assert_int_equal(fat_read(&volume, &file, 0, out, 100 * 512), FAT_OK);
        assert_int_equal(fat_read(&volume, &file, 0, out, 100 * 512 + 1), FAT_READ_FAILED);
        assert_int_equal(fat_read(&volume, &file, 101 * 512, out, 1000), FAT_OK);
    }
}

/* ---- Finding the volume ---- */

static void expect_mount(struct disk *disk, int status, const char *error)
{
    assert_int_equal(fat_mount(&volume, read_sectors, disk, oem), status);
    if (status == FAT_DAMAGED)
        assert_string_equal(volume.error, error);
}

static void partitions_are_found(void **state)
{
    uint8_t before[64];

    (void)state;
    struct disk *disk = mount_case(1);
    uint8_t *table = disk->bytes + 0x1BE;
    memcpy(before, table, sizeof before);
    for (int entry = 0; entry < 4; entry++) {
        static const uint8_t types[] = {0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E, 0xEF};
        for (size_t k = 0; k < sizeof types; k++) {
            memset(table, 0, 64);
            set_partition(disk, entry, k % 2 ? 0x80 : 0, types[k], PARTITION_LBA);
            mount_case(1);
        }
    }
    memset(table, 0, 64); /* the active one comes first, one that does not work is passed over */
    set_partition(disk, 0, 0, 0x0C, 5000);
    set_partition(disk, 1, 0x80, 0x06, PARTITION_LBA);
    mount_case(1);
    set_partition(disk, 1, 0x80, 0x06, 6000);
    set_partition(disk, 3, 0, 0x0B, PARTITION_LBA);
    mount_case(1);
    set_partition(disk, 3, 0, 0x83, PARTITION_LBA);
    expect_mount(disk, FAT_DAMAGED, "no FAT file system at LBA 5000");
    set_partition(disk, 0, 0, 0x0C, 0xFFFFFFFF);
    expect_mount(disk, FAT_READ_FAILED, NULL);
    memset(table, 0, 64);
    expect_mount(disk, FAT_DAMAGED, "no FAT file system at LBA 0");
    memcpy(table, before, sizeof before);
    disk->bad = 0;
    disk->bad_count = 1;
    expect_mount(disk, FAT_READ_FAILED, NULL);
    disk->bad = PARTITION_LBA;
    expect_mount(disk, FAT_READ_FAILED, NULL);
}

static void boot_sectors_are_checked(void **state)
{
    static const struct {
        int place, bytes;
        uint32_t value;
        const char *error;
    } harms[] = {
        {510, 2, 0, "no FAT file system at LBA 2048"},         {11, 2, 0, "no FAT file system at LBA 2048"},
        {11, 2, 513, "no FAT file system at LBA 2048"},        {11, 2, 8192, "no FAT file system at LBA 2048"},
        {11, 2, 256, "no FAT file system at LBA 2048"},        {13, 1, 0, "no FAT file system at LBA 2048"},
        {13, 1, 3, "no FAT file system at LBA 2048"},          {14, 2, 0, "no FAT file system at LBA 2048"},
        {16, 1, 0, "no FAT file system at LBA 2048"},          {36, 4, 0, "no FAT file system at LBA 2048"},
        {32, 4, 0, "no FAT file system at LBA 2048"},          {32, 4, 0xFFFFFFFF, "no FAT file system at LBA 2048"},
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
    struct change made = change(boot + 40, 0x81, 1); /* only the second FAT counts */
    uint32_t first = volume.fat_start;
    mount_case(2);
    assert_int_equal(volume.fat_start, first + volume.fat_sectors);
    expect_file("/BIG.BIN", big, BIG_BYTES);
    undo(&made);
    made = change(boot + 44, 1, 4);
    mount_case(2);
    assert_int_equal(fat_list(&volume, "/", 0), FAT_DAMAGED);
    assert_string_equal(volume.error, "a directory begins at cluster 1, which is none: repair the volume");
    undo(&made);
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
        cmocka_unit_test(broken_chains_are_told),
        cmocka_unit_test(loops_end),
        cmocka_unit_test(a_looping_directory_ends),
        cmocka_unit_test(directory_entries_are_checked),
        cmocka_unit_test(long_names_must_belong),
        cmocka_unit_test(surrogates_are_decoded),
        cmocka_unit_test(short_names_are_decoded),
        cmocka_unit_test(names_that_do_not_fit_are_short),
        cmocka_unit_test(the_second_fat_helps),
        cmocka_unit_test(a_bad_neighbour_does_no_harm),
        cmocka_unit_test(unreadable_data_is_told),
        cmocka_unit_test(partitions_are_found),
        cmocka_unit_test(boot_sectors_are_checked),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
