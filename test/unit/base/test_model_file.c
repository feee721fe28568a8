/* model_file.h: which entries of a directory are models. */
#include "unit.h"

#include "base/model_file.h"

static void by_what_a_directory_says(void **state)
{
    static const struct {
        struct platform_entry entry;
        bool is_model;
    } cases[] = {
        {{"A.GGUF", 1, false, false}, true},
        {{"a long name.Gguf", 5ull << 32, false, false}, true},
        {{"SHORT~1.GGU", 1, false, false}, true},
        {{"株式会社.gguf", 1, false, false}, true},
        {{"A.B.gguf", 1, false, false}, true},
        {{"A.GGUF", 0, false, false}, false},
        {{"A.GGUF", 1, true, false}, false},
        {{"A.GGUF", 1, false, true}, false},
        {{"._A.GGUF", 4096, false, false}, false},
        {{".A.GGUF", 1, false, false}, false},
        {{".GGUF", 1, false, false}, false},
        {{"GGUF", 1, false, false}, false},
        {{"AGGUF", 1, false, false}, false},
        {{"A.GGUF.part", 1, false, false}, false},
        {{"A.gguf.crdownload", 1, false, false}, false},
        {{"A.GGUFX", 1, false, false}, false},
        {{"A.GG", 1, false, false}, false},
        {{"", 1, false, false}, false},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (model_file_is_named(&cases[i].entry) != cases[i].is_model) {
            fail_test("\"%s\", case %zu\n", cases[i].entry.name, i);
        }
    }
}

static void by_the_first_bytes(void **state)
{
    (void)state;
    assert_true(model_file_begins((const uint8_t *)"GGUF"));
    assert_false(model_file_begins((const uint8_t *)"gguf"));
    assert_false(model_file_begins((const uint8_t *)"GGU\0"));
    assert_false(model_file_begins((const uint8_t *)"\0\5\x16\7")); /* AppleDouble, a file of macOS beside a file */
}

/* A root file that is named like a model comes with the models, a settings file does not. */
static void by_its_path(void **state)
{
    static const struct {
        const char *path;
        bool is_of_models;
    } cases[] = {
        {"/MODELS", true},
        {"/models/a/b.txt", true},
        {MODELS_ROOT, true},
        {"/x.gguf", true},
        {"/X Y.GGU", true},
        {"/", false},
        {"", false},
        {"/MODELSX", false},
        {"/BOOTLLAM.CFG", false},
        {"/EFI/x.gguf", false},
        {"/MODEL", false},
        {"x.gguf", false},
        {"/.gguf", false},
        {"/MODELSX/A.GGUF", false},
        {"/株式.gguf", true},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        if (model_file_is_of_models(cases[i].path) != cases[i].is_of_models) {
            fail_test("\"%s\"\n", cases[i].path);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_what_a_directory_says),
        cmocka_unit_test(by_the_first_bytes),
        cmocka_unit_test(by_its_path),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
