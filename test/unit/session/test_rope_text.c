/* rope_text.h: what /info says about positions. */
#include "unit.h"

#include "session/rope_text.h"

static struct gguf gguf;

static void assert_text(const char *expected)
{
    char text[ROPE_TEXT_MAX];
    rope_text(text, &gguf);
    assert_string_equal(text, expected);
}

static void begin(void)
{
    gguf =
        (struct gguf){.rope_size = 64, .head_size = 128, .rope_base = 500000, .rope_factor = 1, .rope_original = 8192};
    gguf.tensor[GGUF_TENSOR_ROPE_FREQS].type = GGUF_TYPE_ABSENT;
}

static void plain(void **state)
{
    (void)state;
    begin();
    assert_text("64 of 128 dimensions, base 500000");
    gguf.rope_base = 1e38f;
    assert_text("64 of 128 dimensions, base 2000000000");
    gguf.rope_base = 1.5f;
    assert_text("64 of 128 dimensions, base 1.5");
}

static void scaling(void **state)
{
    (void)state;
    begin();
    gguf.rope_factor = 8;
    assert_text("64 of 128 dimensions, base 500000, linear scaling by 8");
    gguf.rope_factor = 0.5f;
    assert_text("64 of 128 dimensions, base 500000, linear scaling by 0.5");
    gguf.rope_factor = 2.5f;
    gguf.rope_yarn = true;
    assert_text("64 of 128 dimensions, base 500000, YaRN scaling by 2.5 from 8192 positions");
    gguf.rope_yarn = false;
    gguf.rope_factor = 1;
    gguf.tensor[GGUF_TENSOR_ROPE_FREQS].type = GGUF_TYPE_F32;
    assert_text("64 of 128 dimensions, base 500000, rope_freqs");
}

static void windows(void **state)
{
    (void)state;
    begin();
    gguf.window = 512;
    gguf.window_period = 6;
    gguf.rope_window_base = 10000;
    assert_text("64 of 128 dimensions, base 500000; base 10000 in windows of 512 positions, 5 of 6 layers");
    gguf.window_period = 0;
    assert_text("64 of 128 dimensions, base 500000; base 10000 in windows of 512 positions");
}

/* The longest text fits. */
static void all_of_it(void **state)
{
    char text[ROPE_TEXT_MAX];
    (void)state;
    gguf = (struct gguf){.rope_size = 1024,
                         .head_size = 1024,
                         .rope_base = 1e38f,
                         .rope_factor = 1e38f,
                         .rope_yarn = true,
                         .rope_original = GGUF_CONTEXT_MAX,
                         .window = GGUF_CONTEXT_MAX,
                         .window_period = UINT32_MAX,
                         .rope_window_base = 1e38f};
    rope_text(text, &gguf);
    assert_non_null(strstr(text, "16777216 positions, 4294967294 of 4294967295 layers"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain),
        cmocka_unit_test(scaling),
        cmocka_unit_test(windows),
        cmocka_unit_test(all_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
