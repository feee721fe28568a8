/* uefi/volume.c and the models of a volume: in folders, in the root, and which volume is the one. */
#include "unit.h"

#include "fake_firmware.h"
#include "uefi/files.h"

static const struct fake_node no_model[] = {{"", "BOOTLLAM.CFG", 7}, {"", "MODELS", -1}, {"MODELS", "NOTES.TXT", 4}};

static const struct fake_node tree[] = {
    {"", "MODELS", -1},
    {"MODELS", "llama", -1},
    {"MODELS", ".Trashes", -1},
    {"MODELS", "System Volume Information", -1},
    {"MODELS\\.Trashes", "T.GGUF", 9},
    {"MODELS\\System Volume Information", "S.GGUF", 9},
    {"MODELS\\llama", "A.GGUF", 1000},
    {"MODELS\\llama", "\U0001F43B 株式.gguf", 2000},
    {"MODELS\\llama", "deep", -1},
    {"MODELS\\llama\\deep", "A.GGUF", 3000},
    {"", "root \U0001F600.gguf", 4000},
    {"", "BOOTLLAM.CFG", 19},
};

static int list_platform(void *context, const char *directory, uint32_t index, struct platform_entry *entry)
{
    char error[96];
    return files_list(context, directory, index, entry, error);
}

/* Every model of folders and root is found, listed and opened by its path, surrogates or not. */
static void models_lie_in_folders_and_in_the_root(void **state)
{
    static const struct {
        const char *name;
        uint64_t size;
    } expected[] = {{"llama/A.GGUF", 1000},
                    {"llama/\U0001F43B 株式.gguf", 2000},
                    {"llama/deep/A.GGUF", 3000},
                    {"/root \U0001F600.gguf", 4000}};
    struct fake_volume boots = fake_volume_of(no_model, COUNT_OF(no_model));
    struct fake_volume holds = fake_volume_of(tree, COUNT_OF(tree));
    static struct model_walk walk;
    struct files files;
    struct platform_file file;
    struct platform_entry entry;
    char error[96], path[MODEL_PATH_MAX];
    (void)state;
    fake_reset();
    fake_plug_in(&boots);
    fake_plug_in(&holds);
    files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
    model_walk_begin(&walk, list_platform, &files);
    for (size_t i = 0; i < COUNT_OF(expected); i++) {
        assert_int_equal(model_walk_next(&walk, &entry), PLATFORM_OK);
        assert_string_equal(entry.name, expected[i].name);
        model_walk_path(path, entry.name);
        assert_int_equal(files_open(&files, path, &file, error), PLATFORM_OK);
        assert_int_equal(file.size, expected[i].size);
        files_close(&files, &file);
    }
    assert_int_equal(model_walk_next(&walk, &entry), PLATFORM_NOT_FOUND);
    assert_int_equal(files_list(&files, "/", 0, &entry, error), PLATFORM_OK); /* of the program's volume */
    assert_string_equal(entry.name, "BOOTLLAM.CFG");
    assert_int_equal(entry.size, 7);
    files_end(&files);
    assert_int_equal(boots.open_handles + holds.open_handles, 0);
}

/* Wherever on it the model lies, the first volume with one is the one. */
static void the_volume_is_chosen_by_all_its_models(void **state)
{
    static const struct fake_node ways[][3] = {
        {{"", "x.gguf", 9}},
        {{"", "MODELS", -1}, {"MODELS", "a", -1}, {"MODELS\\a", "x.gguf", 9}},
        {{"", "MODELS", -1}, {"", "x.gguf", 9}},
    };
    static const struct fake_node others[][3] = {
        {{"", "EFI", -1}, {"EFI", "y.gguf", 9}},
        {{"", "MODELS", -1}, {"MODELS", "$RECYCLE.BIN", -1}, {"MODELS\\$RECYCLE.BIN", "y.gguf", 9}},
        {{"", "y.gguf", 9, 0, true}, {"", "._y.gguf", 9}, {"", "y.gguf.part", 9}},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(ways); i++) {
        size_t count = 3, other = 3;
        while (ways[i][count - 1].name == NULL) {
            count--;
        }
        while (others[i][other - 1].name == NULL) {
            other--;
        }
        struct fake_volume first = fake_volume_of(others[i], other), second = fake_volume_of(ways[i], count);
        struct fake_volume third = fake_volume_of(tree, COUNT_OF(tree));
        struct files files;
        fake_reset();
        fake_plug_in(&first);
        fake_plug_in(&second);
        fake_plug_in(&third);
        files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
        assert_non_null(files.volumes.models);
        assert_ptr_equal(files.volumes.models->device, &fake.handles[1]);
        files_end(&files);
        assert_int_equal(first.open_handles + second.open_handles + third.open_handles, 0);
    }
}

/* A file named MODELS is not read as if it were a folder. */
static void a_file_is_no_folder(void **state)
{
    static const struct fake_node nodes[] = {{"", "MODELS", 1 << 20}, {"", "x.gguf", 9}};
    struct fake_volume volume = fake_volume_of(nodes, COUNT_OF(nodes));
    struct files files;
    struct platform_entry entry;
    char error[96];
    (void)state;
    fake_reset();
    fake_plug_in(&volume);
    files_begin(&files, &fake_boot, &fake.handles[0], &fake_clock);
    assert_non_null(files.volumes.models);
    assert_int_equal(files_list(&files, "/MODELS", 0, &entry, error), PLATFORM_NOT_FOUND);
    assert_int_equal(volume.largest_read, MODEL_FILE_MAGIC_BYTES);
    files_end(&files);
    assert_int_equal(volume.open_handles, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(models_lie_in_folders_and_in_the_root),
        cmocka_unit_test(the_volume_is_chosen_by_all_its_models),
        cmocka_unit_test(a_file_is_no_folder),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
