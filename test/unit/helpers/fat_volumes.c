#include "fat_volumes.h"

#include <unistd.h>

struct volume_case cases[VOLUME_CASES] = {
    {"fat12", "-F 12 -s 1 -r 112", 12, 2, 0, 3, {0}},
    {"fat16", "-F 16 -s 4", 16, 24, PARTITION_LBA, 3, {0}},
    {"fat32", "-F 32 -s 1", 32, 48, PARTITION_LBA, 512 + 492, {0}},
    {"fat32-4096", "-F 32 -s 1 -S 4096", 32, 280, 0, 4096 + 492, {0}},
};

uint8_t big[BIG_BYTES], out[BIG_BYTES];
uint16_t oem[128];
struct fat_volume volume;
struct fat_list list;
struct fat_entry entry;
struct fat_cache cache;
struct fat_disk fat_disk;
static uint8_t pieces[40 * FAT_CACHE_PIECE_BYTES];
struct fat_file file;
static char folder[] = "/tmp/test_fat.XXXXXX";

int read_sectors(void *context, uint32_t lba, uint32_t count, void *buffer)
{
    struct disk *disk = context;

    disk->calls++;
    disk->sectors_read += count;
    if (disk->stop_after > 0 && disk->calls > disk->stop_after)
        return FAT_STOPPED;
    if (count == 0 || lba >= disk->sectors || count > disk->sectors - lba)
        return FAT_READ_FAILED;
    if (disk->bad_count > 0 && lba < disk->bad + disk->bad_count && disk->bad < lba + count)
        return FAT_READ_FAILED;
    memcpy(buffer, disk->bytes + (size_t)lba * FAT_SECTOR, (size_t)count * FAT_SECTOR);
    return 0;
}

void run(const char *script, const struct volume_case *volume_case)
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

/* /FRAGMENT.BIN is written last, into the holes between what is left of PIECES; FAT32's hint at free clusters, `hint`,
   is taken away for that (elsewhere those bytes are the OEM name). */
static const char MAKE_VOLUME[] =
    "rm -f $name.img; truncate -s ${mib}M $name.img; mkfs.fat $mkfs --offset $lba -n LABEL $name.img "
    "$((mib * 1024 - lba / 2)) > $name.log; "
    "mmd -i $image ::/PIECES; mcopy -i $image files/pieces/* ::/PIECES/; "
    "mcopy -i $image files/HELLO.TXT files/EMPTY.TXT files/*.gguf files/lower.txt ::/; "
    "mattrib +h -i $image ::/EMPTY.TXT; mattrib +s -i $image ::/lower.txt; "
    "mcopy -i $image BIG.BIN ::/; mcopy -s -i $image files/MANY ::/; "
    "mmd -i $image ::/A ::/A/B ::/A/B/C ::/A/B/C/D ::/A/B/C/D/E; mcopy -i $image files/HELLO.TXT "
    "::/A/B/C/D/E/DEEP.TXT; "
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

void load(struct volume_case *volume_case)
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

void set_partition(struct disk *disk, int number, uint8_t flag, uint8_t type, uint32_t lba)
{
    uint8_t *slot = disk->bytes + 0x1BE + 16 * number;
    uint32_t sectors = disk->sectors - lba;

    slot[0] = flag;
    slot[4] = type;
    memcpy(slot + 8, &lba, 4);
    memcpy(slot + 12, &sectors, 4);
    disk->bytes[510] = 0x55;
    disk->bytes[511] = 0xAA;
}

void make_folder(void)
{
    for (int i = 0; i < 128; i++)
        oem[i] = (uint16_t)(0x400 + i);
    assert_non_null(mkdtemp(folder));
}

int make_volumes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < BIG_BYTES; i++)
        big[i] = (uint8_t)(i * 2654435761u >> 11);
    make_folder();
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

int remove_volumes(void **state)
{
    char command[64];

    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++)
        free(cases[i].disk.bytes);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}

int mount_disk(struct disk *disk)
{
    fat_cache_init(&cache, read_sectors, disk, pieces, sizeof pieces);
    list = (struct fat_list){0};
    int status = fat_disk_mount(&fat_disk, &cache, 0, oem);
    volume = fat_disk.volume[0];
    return status;
}

struct disk *mount_case(size_t number)
{
    struct disk *disk = &cases[number].disk;

    disk->bad_count = disk->calls = disk->sectors_read = disk->stop_after = 0;
    assert_int_equal(mount_disk(disk), FAT_OK);
    assert_int_equal(volume.bits, cases[number].bits);
    return disk;
}

void expect_file(const char *path, const void *content, uint32_t n)
{
    if (fat_file_open(&volume, path, &file) != FAT_OK)
        fail_test("%s: %s\n", path, volume.error);
    assert_int_equal(file.size, n);
    memset(out, 0xEE, sizeof out);
    assert_int_equal(fat_file_read(&file, 0, out, n), FAT_OK);
    assert_memory_equal(out, content, n);
}

uint8_t *find_slot(struct disk *disk, const char *name)
{
    for (uint8_t *at = disk->bytes; at < disk->bytes + (size_t)disk->sectors * FAT_SECTOR; at += 32) {
        if (memcmp(at, name, 11) == 0)
            return at;
    }
    fail_test("no slot %s\n", name);
    return NULL;
}
