/* decoder.h: whole sequences, in whatever pieces their bytes arrive. */
#include "unit.h"

#include "text/decoder.h"
#include "vocabulary.h"

#define SPACE "\xE2\x96\x81"
#define BAD "\xEF\xBF\xBD"

static struct vocabulary v;

static int load_small(void **state)
{
    (void)state;
    return vocabulary_load(&v, small_vocabulary, small_vocabulary_count, true);
}

static int free_small(void **state)
{
    (void)state;
    vocabulary_free(&v);
    return 0;
}

/* Decodes the pieces, ',' between them; in the result, '.' follows each token's text. */
static const char *decode(const char *pieces, bool at_start)
{
    static char out[300];
    char all[300], *piece = strtok(strcpy(all, pieces), ",");
    struct decoder decoder;
    size_t used = 0;
    decoder_begin(&decoder, at_start);
    for (; piece != NULL; piece = strtok(NULL, ",")) {
        int32_t id = tokenizer_find(&v.tokenizer, (const uint8_t *)piece, strlen(piece));
        assert_true(id != GGUF_NO_TOKEN);
        used += decoder_push(&decoder, &v.tokenizer, id, out + used, sizeof out - used);
        out[used++] = '.';
    }
    used += decoder_end(&decoder, out + used, sizeof out - used);
    out[used] = '\0';
    return out;
}

static void pieces(void **state)
{
    (void)state;
    assert_string_equal(decode(SPACE "a,b," SPACE "ab", true), "a.b. ab.");
    assert_string_equal(decode(SPACE "a,b," SPACE "ab", false), " a.b. ab.");
    assert_string_equal(decode(SPACE SPACE "," SPACE, true), " . .");
    assert_string_equal(decode("<s>," SPACE "a,</s>,<unk>,cb", true), ".a....");
    assert_string_equal(decode("<x>," SPACE "a", true), "<x>. a.");
    assert_string_equal(decode("<" SPACE ">", true), "<" SPACE ">."); /* user-defined pieces are text as it is */
    assert_string_equal(decode("<0x20>,<0x20>", true), ". .");
    v.tokenizer.add_space_prefix = false;
    assert_string_equal(decode(SPACE "a", true), " a.");
    v.tokenizer.add_space_prefix = true;
}

static void sequences_across_tokens(void **state)
{
    (void)state;
    assert_string_equal(decode("<0xC3>,<0xB6>,a", false), ".\xC3\xB6.a.");
    assert_string_equal(decode("<0xF0>,<0x9F>,<0x98>,<0x80>", false), "...\xF0\x9F\x98\x80.");
    assert_string_equal(decode("\xC3\xB6" "a", false), "\xC3\xB6" "a.");
    assert_string_equal(decode("<0xE2>,<0x96>,<0x81>", false), ".." SPACE "."); /* only pieces spell spaces so */
}

static void ill_formed_bytes(void **state)
{
    (void)state;
    assert_string_equal(decode("<0xFF>,a", false), BAD ".a.");
    assert_string_equal(decode("<0xC3>,a", false), "." BAD "a.");
    assert_string_equal(decode("<0xC3>,<0xC3>,<0xB6>", false), "." BAD ".\xC3\xB6.");
    assert_string_equal(decode("<0xF0>,<0x9F>,<0x98>,a", false), "..." BAD "a.");
    assert_string_equal(decode("<0xE0>,<0x80>,<0x80>", false), "." BAD BAD "." BAD ".");
    assert_string_equal(decode("<0xED>,<0xA0>,<0x80>", false), "." BAD BAD "." BAD ".");
    assert_string_equal(decode("<0xF0>,<0x9F>", false), ".." BAD);
    assert_string_equal(decode("<0xC3>,</s>,<0xB6>", false), "..\xC3\xB6.");
}

static void room(void **state)
{
    const int32_t id = tokenizer_find(&v.tokenizer, (const uint8_t *)"\xC3\xB6" "a", 3);
    struct decoder decoder;
    char out[4] = "####";
    (void)state;
    decoder_begin(&decoder, false);
    assert_int_equal(decoder_push(&decoder, &v.tokenizer, id, out, 1), 0); /* not half a letter, and not the next one */
    assert_int_equal(decoder_push(&decoder, &v.tokenizer, id, out, 2), 2);
    assert_memory_equal(out, "\xC3\xB6##", 4);
    assert_int_equal(decoder_push(&decoder, &v.tokenizer, -1, out, 4), 0);
    assert_int_equal(decoder_push(&decoder, &v.tokenizer, INT32_MIN, out, 4), 0);
    assert_int_equal(decoder_push(&decoder, &v.tokenizer, (int32_t)small_vocabulary_count, out, 4), 0);
    assert_int_equal(decoder_end(&decoder, out, 4), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces),
        cmocka_unit_test(sequences_across_tokens),
        cmocka_unit_test(ill_formed_bytes),
        cmocka_unit_test(room),
    };
    return cmocka_run_group_tests(tests, load_small, free_small);
}
