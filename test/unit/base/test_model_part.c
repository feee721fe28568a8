/* model_part.h: which names are those of parts. */
#include "unit.h"

#include "base/model_part.h"

static void names_of_parts(void **state)
{
    static const struct {
        const char *path;
        uint32_t number, count; /* 0: it is none */
        size_t stem;
    } cases[] = {
        {"a-00001-of-00002.gguf", 1, 2, 1},
        {"/MODELS/x/a-00002-of-00002.GGUF", 2, 2, 11},
        {"A-00012-OF-00128.GGUF", 12, 128, 1},
        {"a-00001-of-00001.gguf", 1, 1, 1},
        {"a-00003-of-00002.gguf", 0, 0, 0},
        {"a-00000-of-00002.gguf", 0, 0, 0},
        {"a-00001-of-00000.gguf", 0, 0, 0},
        {"a-00001-of-00129.gguf", 0, 0, 0},
        {"-00001-of-00002.gguf", 0, 0, 0},
        {"a-0001-of-00002.gguf", 0, 0, 0},
        {"a-000001-of-00002.gguf", 0, 0, 0},
        {"a-00001-of-00002.ggu", 0, 0, 0},
        {"a_00001-of-00002.gguf", 0, 0, 0},
        {"a-00001_of-00002.gguf", 0, 0, 0},
        {"a-+0001-of-00002.gguf", 0, 0, 0},
        {"a-00001-of-0000 .gguf", 0, 0, 0},
        {"a-00001-of-00002.gguf.part", 0, 0, 0},
        {"a.gguf", 0, 0, 0},
        {"", 0, 0, 0},
        {"a-99999-of-99999.gguf", 0, 0, 0},
    };
    (void)state;
    for (size_t i = 0; i < COUNT_OF(cases); i++) {
        struct model_part part;
        const bool is_part = model_part_of(cases[i].path, &part);
        if (is_part != (cases[i].count > 0) ||
            (is_part &&
             (part.number != cases[i].number || part.count != cases[i].count || part.stem != cases[i].stem))) {
            fail_test("%s\n", cases[i].path);
        }
    }
}

static void other_parts(void **state)
{
    char path[] = "/MODELS/a b-00001-OF-00128.GGUF";
    (void)state;
    model_part_set(path, 128);
    assert_string_equal(path, "/MODELS/a b-00128-OF-00128.GGUF");
    model_part_set(path, 2);
    assert_string_equal(path, "/MODELS/a b-00002-OF-00128.GGUF");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_of_parts),
        cmocka_unit_test(other_parts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
