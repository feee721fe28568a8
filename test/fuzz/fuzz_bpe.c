/*
 * Arbitrary text through byte-level BPE and back, with a vocabulary of all bytes: the first byte of the input chooses
 * the rule that cuts words. What streams out must be the text that went in, ill-formed bytes as llama.cpp takes them.
 */
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "text/decoder.h"
#include "text/encode.h"
#include "text/words.h"
#include "vocabulary.h"

enum { INPUT_MAX = 4096, LONGEST = 3 * 3 * INPUT_MAX };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The clean text as it should come back: surrogates are not characters for the screen. */
static size_t expect(const uint8_t *text, size_t n, char *out)
{
    static uint8_t clean[WORDS_GROWTH * INPUT_MAX];
    struct utf8_stream stream = {0};
    size_t used = 0, taken;
    n = words_clean(text, n, clean);
    for (size_t i = 0; i < n; i++) {
        utf8_push(&stream, clean[i]);
        while ((taken = utf8_pop(&stream, out + used)) > 0) {
            used += taken;
        }
    }
    return used;
}

static size_t decode(const struct tokenizer *tokenizer, const int32_t *ids, int32_t count, char *out)
{
    struct decoder decoder;
    size_t used = 0;
    decoder_begin(&decoder, true);
    for (int32_t i = 0; i < count; i++) {
        used += decoder_push(&decoder, tokenizer, ids[i], out + used, LONGEST - used);
    }
    return used + decoder_end(&decoder, out + used, LONGEST - used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const pres[] = {"default",  "gpt-2",  "smollm",       "llama-bpe",     "qwen2",
                                       "minicpm5", "tekken", "deepseek-llm", "deepseek-coder"};
    static struct vocabulary vocabularies[sizeof pres / sizeof pres[0]];
    static int32_t ids[WORDS_GROWTH * INPUT_MAX];
    static char out[LONGEST], expected[LONGEST];
    if (size < 1 || size > INPUT_MAX) {
        return 0;
    }
    const size_t rule = data[0] % (sizeof pres / sizeof pres[0]), n = size - 1;
    struct vocabulary *vocabulary = &vocabularies[rule];
    if (vocabulary->memory == NULL && vocabulary_load_small_bpe(vocabulary, gguf_find_pre(pres[rule])) != 0) {
        abort();
    }
    void *scratch = malloc(encode_scratch(GGUF_TOKENIZER_BPE, n));
    int32_t count =
        encode_text(&vocabulary->tokenizer, (const char *)data + 1, n, ids, WORDS_GROWTH * INPUT_MAX, scratch);
    free(scratch);
    if (count < 0) {
        abort();
    }
    size_t used = decode(&vocabulary->tokenizer, ids, count, out), wanted = expect(data + 1, n, expected);
    if (used != wanted || memcmp(out, expected, wanted) != 0) {
        abort();
    }
    return 0;
}
