/* fat_boot.c and the models of a disk: in folders, in the root, on one of two volumes, and in damaged folders. */
#include "fat_volumes.h"

#include "fat_boot.h"

enum { SECTORS = 2048, FIRST_LBA = 64, DISK_SECTORS = FIRST_LBA + 2 * SECTORS };

static uint8_t bytes[DISK_SECTORS * FAT_SECTOR];
static struct disk disk = {.bytes = bytes, .sectors = DISK_SECTORS};
static struct fat_boot boot;

/* Makes volume `number` of the disk, FAT12 of 1 MiB, with what `script` puts there. $v is the image. */
static void put_volume(int number, const char *script)
{
    char text[2048];
    struct volume_case made = {.name = "models", .mib = 1};
    snprintf(text, sizeof text, "v=$name.img; truncate -s 0 $v; truncate -s 1M $v; mkfs.fat -F 12 $v > /dev/null; %s",
             script);
    run(text, &made);
    load(&made);
    memcpy(bytes + (FIRST_LBA + number * SECTORS) * FAT_SECTOR, made.disk.bytes, SECTORS * FAT_SECTOR);
    free(made.disk.bytes);
    set_partition(&disk, number, number == 0 ? 0x80 : 0, 0x01, FIRST_LBA + (uint32_t)number * SECTORS);
}

static void begin(void)
{
    disk.calls = disk.stop_after = 0;
    fat_cache_init(&cache, read_sectors, &disk, NULL, 0);
    fat_boot_init(&boot, &cache, 0, oem);
}

static void expect_text(const char *path, const char *text)
{
    char read[64] = "";
    if (fat_boot_open(&boot, path, &file) != FAT_OK) {
        fail_test("%s: %s\n", path, boot.error);
    }
    assert_int_equal(file.size, strlen(text));
    assert_int_equal(fat_file_read(&file, 0, read, file.size), FAT_OK);
    assert_string_equal(read, text);
}

static int list_platform(void *context, const char *directory, uint32_t index, struct platform_entry *named)
{
    (void)context;
    const int status = fat_boot_list(&boot, directory, index, &entry);
    if (status != FAT_OK) {
        return status == FAT_NOT_FOUND ? PLATFORM_NOT_FOUND : PLATFORM_IO_ERROR;
    }
    fat_boot_describe(&entry, named);
    return PLATFORM_OK;
}

/* What the session finds, through the platform's list: names, a line each, "!" for a folder that cannot be listed. */
static const char *found(void)
{
    static struct model_walk walk;
    static char text[1 << 17];
    struct platform_entry named;
    size_t used = 0;
    int status;
    text[0] = 0;
    model_walk_begin(&walk, list_platform, NULL);
    while ((status = model_walk_next(&walk, &named)) != PLATFORM_NOT_FOUND) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s%s\n", status != PLATFORM_OK ? "! " : "",
                                 status != PLATFORM_OK ? model_walk_folder(&walk) : named.name);
    }
    return text;
}

#define PUT(text, path) "printf '" text "' | mcopy -i $v - '::" path "'; "

static void models_lie_in_folders_and_in_the_root(void **state)
{
    (void)state;
    put_volume(0, PUT("x", "/NOTHING.TXT"));
    put_volume(1, "mmd -i $v ::/models ::/models/llama '::/models/llama/漢字 株式' ::/models/.Trashes; "
                  "mmd -i $v '::/models/$RECYCLE.BIN' '::/models/System Volume Information'; " PUT(
                      "GGUF a", "/models/a.gguf") PUT("GGUF b", "/models/llama/a.gguf")
                      PUT("GGUF c", "/models/llama/漢字 株式/é ü.gguf") PUT("GGUF d", "/my model.gguf")
                          PUT("GGUF e", "/models/.Trashes/e.gguf") PUT("GGUF f", "/models/$RECYCLE.BIN/$R1.gguf")
                              PUT("GGUF g", "/models/System Volume Information/g.gguf") PUT("text", "/BOOTLLAM.CFG"));
    begin();
    assert_string_equal(found(), "a.gguf\nllama/a.gguf\nllama/漢字 株式/é ü.gguf\n/my model.gguf\n");
    expect_text("/MODELS/A.GGUF", "GGUF a");
    expect_text("/MODELS/llama/a.gguf", "GGUF b");
    expect_text("/MODELS/LLAMA/漢字 株式/É Ü.GGUF", "GGUF c");
    expect_text("/my model.gguf", "GGUF d");
    assert_int_equal(fat_boot_list(&boot, "/", 0, &entry), FAT_OK); /* of the first volume */
    assert_string_equal(entry.name, "NOTHING.TXT");
}

/* The first volume with a model is the one, wherever on it the model lies. */
static void the_volume_is_chosen_by_all_its_models(void **state)
{
    static const struct {
        const char *script, *path;
    } ways[] = {
        {PUT("GGUF x", "/x.gguf"), "/x.gguf"},
        {"mmd -i $v ::/MODELS ::/MODELS/a; " PUT("GGUF x", "/MODELS/a/x.gguf"), "/MODELS/a/x.gguf"},
        {"mmd -i $v ::/MODELS ::/MODELS/a ::/MODELS/a/b; " PUT("none", "/MODELS/n.gguf")
             PUT("GGUF x", "/MODELS/a/b/x.gguf"),
         "/MODELS/a/b/x.gguf"},
    };
    static const char *const others[] = {
        "mmd -i $v ::/EFI; " PUT("GGUF y", "/EFI/y.gguf"),                       /* not a folder for models */
        "mmd -i $v ::/MODELS ::/MODELS/.a; " PUT("GGUF y", "/MODELS/.a/y.gguf"), /* of another system */
        PUT("none", "/y.gguf") PUT("GGUF y", "/._y.gguf") PUT("GGUF y", "/y.gguf.part"),
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        put_volume(0, others[i]);
        put_volume(1, ways[i].script);
        begin();
        expect_text(ways[i].path, "GGUF x");
        assert_int_equal(boot.models, 1);
        put_volume(0, ways[i].script);
        put_volume(1, "mmd -i $v ::/MODELS; " PUT("GGUF other", "/MODELS/o.gguf"));
        begin();
        expect_text(ways[i].path, "GGUF x");
        assert_int_equal(boot.models, 0);
        assert_int_equal(fat_boot_open(&boot, "/MODELS/o.gguf", &file), FAT_NOT_FOUND);
    }
}

/* Where a folder begins, in its slot. */
static void move_folder(const char *name, uint32_t cluster)
{
    uint8_t *slot = find_slot(&disk, name);
    slot[26] = (uint8_t)cluster;
    slot[27] = (uint8_t)(cluster >> 8);
}

static uint32_t cluster_of(const char *name)
{
    const uint8_t *slot = find_slot(&disk, name);
    return (uint32_t)(slot[26] | slot[27] << 8);
}

/* A damaged folder hides only its own models, whether it leads nowhere, back, to the root or round in a circle. */
static void damaged_folders_end(void **state)
{
    static const char script[] = "mmd -i $v ::/MODELS ::/MODELS/ONE ::/MODELS/TWO; " PUT("GGUF 1", "/MODELS/ONE/A.GGUF")
        PUT("GGUF 2", "/MODELS/TWO/B.GGUF") PUT("GGUF 3", "/C.GGUF");
    (void)state;
    put_volume(1, PUT("x", "/NOTHING.TXT"));
    put_volume(0, script);
    move_folder("ONE        ", 0xFFFF);
    begin();
    assert_string_equal(found(), "! /MODELS/ONE\nTWO/B.GGUF\n/C.GGUF\n");
    assert_string_equal(boot.error, "a directory begins at cluster 65535, which does not exist: repair the volume");
    put_volume(0, script);
    move_folder("ONE        ", cluster_of("MODELS     "));
    begin();
    const char *text = found();
    assert_non_null(strstr(text, "TWO/B.GGUF\n"));
    assert_non_null(strstr(text, "ONE/ONE/ONE/TWO/B.GGUF\n"));
    assert_null(strstr(text, "ONE/ONE/ONE/ONE/TWO"));
    assert_non_null(strstr(text, "/C.GGUF\n"));
    put_volume(0, script);
    move_folder("ONE        ", 0); /* the root */
    begin();
    text = found();
    assert_non_null(strstr(text, "ONE/MODELS/TWO/B.GGUF\n"));
    assert_non_null(strstr(text, "ONE/C.GGUF\n"));
    put_volume(0, script);
    uint8_t *fat = bytes + (FIRST_LBA + 1) * FAT_SECTOR;
    const uint32_t one = cluster_of("ONE        "), place = one * 3 / 2;
    assert_true(one % 2 == 0 || one > 2);
    if (one % 2 == 0) { /* its chain leads to itself */
        fat[place] = (uint8_t)one;
        fat[place + 1] = (uint8_t)((fat[place + 1] & 0xF0) | one >> 8);
    } else {
        fat[place] = (uint8_t)((fat[place] & 0x0F) | one << 4);
        fat[place + 1] = (uint8_t)(one >> 4);
    }
    memset(find_slot(&disk, "A~1     GGU") + 32, 0xE5, 4 * FAT_SECTOR - 64); /* it has no end mark */
    begin();
    assert_non_null(strstr(found(), "TWO/B.GGUF\n/C.GGUF\n"));
}

/* Thousands of other files do not make the search slow: every sector of the folder is read a few times at most. */
static void a_large_folder_is_read_once(void **state)
{
    enum { PICTURES = 6000, BYTES = (PICTURES + 1) * FAT_SLOT_BYTES };
    char script[256];
    (void)state;
    put_volume(1, PUT("x", "/NOTHING.TXT"));
    snprintf(script, sizeof script, "mmd -i $v ::/IN; %s head -c %d /dev/zero | mcopy -i $v - ::/MODELS",
             PUT("GGUF x", "/IN/x.gguf"), BYTES);
    put_volume(0, script);
    uint8_t *models = find_slot(&disk, "MODELS     ");
    models[FAT_SLOT_ATTRIBUTES] = FAT_ATTRIBUTE_DIRECTORY;
    const uint8_t *in = find_slot(&disk, "IN         ");
    begin();
    assert_int_equal(fat_boot_list(&boot, "/", 0, &entry), FAT_OK); /* mounts the volume */
    uint8_t *slot = bytes + (size_t)fat_volume_lba(&boot.disk.volume[0], cluster_of("MODELS     ")) * FAT_SECTOR;
    for (uint32_t i = 0; i < PICTURES; i++, slot += FAT_SLOT_BYTES) {
        char name[24];
        snprintf(name, sizeof name, "P%07uJPG", i);
        memcpy(slot, name, FAT_SLOT_NAME_BYTES);
    }
    memcpy(slot, in, FAT_SLOT_BYTES);
    begin();
    disk.sectors_read = 0;
    assert_string_equal(found(), "IN/x.gguf\n");
    assert_true(disk.sectors_read < 6 * BYTES / FAT_SECTOR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_lie_in_folders_and_in_the_root),
        cmocka_unit_test(the_volume_is_chosen_by_all_its_models),
        cmocka_unit_test(damaged_folders_end),
        cmocka_unit_test(a_large_folder_is_read_once),
    };
    make_folder();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    return remove_volumes(NULL) != 0 || failed;
}
