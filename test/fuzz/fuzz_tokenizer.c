/*
 * Arbitrary text through the tokenizer and back, with a vocabulary of all bytes. What comes out must be the text that
 * went in, but for what the tokenizer is meant to change: ill-formed bytes and U+2581.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/decoder.h"
#include "text/encode.h"
#include "vocabulary.h"

enum { INPUT_MAX = 4096, LONGEST = 3 * (3 * INPUT_MAX + 3) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The text as it should come back: sequences well-formed, spaces and U+2581 the same. */
static size_t clean(const uint8_t *text, size_t n, char *out)
{
    size_t used = 0;
    for (size_t i = 0; i < n;) {
        int length = utf8_sequence(text + i, n - i);
        size_t taken = length > 0 ? (size_t)length : length < 0 ? (size_t)-length : n - i;
        if (length <= 0) {
            memcpy(out + used, UTF8_REPLACEMENT, 3);
            used += 3;
        } else if (taken == 3 && memcmp(text + i, "\xE2\x96\x81", 3) == 0) {
            out[used++] = ' ';
        } else {
            memcpy(out + used, text + i, taken);
            used += taken;
        }
        i += taken;
    }
    return used;
}

/* Spaces as the tokenizer writes them before it cuts the text into characters. */
static size_t widen(const uint8_t *text, size_t n, uint8_t *out)
{
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(out + used, text[i] == ' ' ? (const void *)"\xE2\x96\x81" : text + i, text[i] == ' ' ? 3 : 1);
        used += text[i] == ' ' ? 3 : 1;
    }
    return used;
}

static size_t decode(const struct tokenizer *tokenizer, const int32_t *ids, int32_t count, char *out)
{
    struct decoder decoder;
    size_t used = 0;
    decoder_begin(&decoder, false);
    for (int32_t i = 0; i < count; i++) {
        used += decoder_push(&decoder, tokenizer, ids[i], out + used, LONGEST - used);
    }
    return used + decoder_end(&decoder, out + used, LONGEST - used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct vocabulary vocabulary;
    static int32_t ids[3 * INPUT_MAX + 1];
    static uint8_t wide[3 * INPUT_MAX];
    static char out[LONGEST], once[LONGEST], expected[LONGEST];
    if (size > INPUT_MAX) {
        return 0;
    }
    if (vocabulary.memory == NULL) {
        /* without the last piece, which is unused: its text does not come back */
        if (vocabulary_load(&vocabulary, small_vocabulary, small_vocabulary_count - 1, true) != 0) {
            abort();
        }
        vocabulary.tokenizer.add_space_prefix = false;
    }
    uint64_t *scratch = malloc(encode_scratch(vocabulary.tokenizer.kind, size));
    int32_t count = encode_text(&vocabulary.tokenizer, (const char *)data, size, ids, 3 * INPUT_MAX + 1, scratch);
    free(scratch);
    if (count < 1 || ids[0] != vocabulary.tokenizer.bos) {
        abort();
    }
    /* Byte tokens may spell U+2581 where a piece spells a space: both count as a space. */
    size_t used = clean((const uint8_t *)once, decode(&vocabulary.tokenizer, ids, count, once), out);
    size_t wanted = clean(wide, widen(data, size, wide), expected);
    if (used != wanted || memcmp(out, expected, wanted) != 0) {
        abort();
    }
    return 0;
}
