/*
 * core/'s tokenizer as a library for test_tokenizers.py: a model file in memory, of which only the header and the
 * vocabulary are read. One at a time.
 */
#include <stdlib.h>

#include "gguf/header.h"
#include "memory_platform.h"
#include "text/decoder.h"
#include "text/encode.h"

/* Each returns NULL or below 0 on failure. */
const char *token_ids_open(const uint8_t *file, size_t size);
uint64_t token_ids_memory(void);
int32_t token_ids_encode(const char *text, size_t n, bool special, int32_t *ids, uint32_t capacity);
bool token_ids_is_end(int32_t id);
size_t token_ids_decode(const int32_t *ids, int32_t count, char *out, size_t size);

static struct gguf gguf;
static struct tokenizer tokenizer;
static struct error error;
static uint8_t *memory;

/* Returns "" or an error message. The file may be freed after opening. */
const char *token_ids_open(const uint8_t *file, size_t size)
{
    struct memory_platform platform;
    struct memory_file memory_file = {"/V", file, size};
    struct reader reader;
    static uint8_t window[65536];
    memory_platform_init(&platform, &memory_file, 1);
    if (reader_open(&reader, &platform.platform, "/V", window, sizeof window, &error) != 0 ||
        gguf_read(&gguf, &reader, &error) != 0) {
        return error.text;
    }
    free(memory);
    memory = malloc((size_t)tokenizer_memory(&gguf));
    struct arena arena = {memory, (size_t)tokenizer_memory(&gguf), 0};
    return tokenizer_load(&tokenizer, &gguf, &reader, &arena, &error) != 0 ? error.text : "";
}

uint64_t token_ids_memory(void)
{
    return tokenizer_memory(&gguf);
}

/* special: control tokens written in the text become tokens. */
int32_t token_ids_encode(const char *text, size_t n, bool special, int32_t *ids, uint32_t capacity)
{
    void *scratch = malloc(encode_scratch(tokenizer.kind, n));
    int32_t count = encode_marked(&tokenizer, text, n, 0, special ? 0 : n, GGUF_NO_TOKEN, ids, capacity, scratch);
    free(scratch);
    return count;
}

bool token_ids_is_end(int32_t id)
{
    return tokenizer_is_end(&tokenizer, id);
}

size_t token_ids_decode(const int32_t *ids, int32_t count, char *out, size_t size)
{
    struct decoder decoder;
    size_t used = 0;
    decoder_begin(&decoder, true);
    for (int32_t i = 0; i < count; i++) {
        used += decoder_push(&decoder, &tokenizer, ids[i], out + used, size - used);
    }
    return used + decoder_end(&decoder, out + used, size - used);
}
