#include "vocabulary.h"

#include <stdlib.h>
#include <string.h>

#include "memory_platform.h"

#define SPACE "\xE2\x96\x81"
#define BYTE(x) {"<0x" x ">", 0, GGUF_TOKEN_BYTE}
#define SIXTEEN_BYTES(h) \
    BYTE(h "0"), BYTE(h "1"), BYTE(h "2"), BYTE(h "3"), BYTE(h "4"), BYTE(h "5"), BYTE(h "6"), BYTE(h "7"), \
    BYTE(h "8"), BYTE(h "9"), BYTE(h "A"), BYTE(h "B"), BYTE(h "C"), BYTE(h "D"), BYTE(h "E"), BYTE(h "F")

const struct piece small_vocabulary[] = {
    {"<unk>", 0, GGUF_TOKEN_UNKNOWN}, {"<s>", 0, GGUF_TOKEN_CONTROL}, {"</s>", 0, GGUF_TOKEN_CONTROL},
    SIXTEEN_BYTES("0"), SIXTEEN_BYTES("1"), SIXTEEN_BYTES("2"), SIXTEEN_BYTES("3"),
    SIXTEEN_BYTES("4"), SIXTEEN_BYTES("5"), SIXTEEN_BYTES("6"), SIXTEEN_BYTES("7"),
    SIXTEEN_BYTES("8"), SIXTEEN_BYTES("9"), SIXTEEN_BYTES("A"), SIXTEEN_BYTES("B"),
    SIXTEEN_BYTES("C"), SIXTEEN_BYTES("D"), SIXTEEN_BYTES("E"), SIXTEEN_BYTES("F"),
    {SPACE, -20, GGUF_TOKEN_NORMAL}, {"a", -21, GGUF_TOKEN_NORMAL}, {"b", -22, GGUF_TOKEN_NORMAL},
    {"c", -23, GGUF_TOKEN_NORMAL}, {"ab", -1, GGUF_TOKEN_NORMAL}, {"bc", -2, GGUF_TOKEN_NORMAL},
    {"abc", -9, GGUF_TOKEN_NORMAL}, {SPACE "a", -3, GGUF_TOKEN_NORMAL}, {SPACE "ab", -4, GGUF_TOKEN_NORMAL},
    {"aa", -5, GGUF_TOKEN_NORMAL}, {"aaaa", -6, GGUF_TOKEN_NORMAL}, {"ca", -2, GGUF_TOKEN_NORMAL},
    {SPACE SPACE, -7, GGUF_TOKEN_NORMAL}, {"\xC3\xB6", -24, GGUF_TOKEN_NORMAL}, {"\xC3\xB6" "a", -8, GGUF_TOKEN_NORMAL},
    {"<x>", 0, GGUF_TOKEN_USER}, {"<x>y", 0, GGUF_TOKEN_USER}, {"yb", 0, GGUF_TOKEN_USER},
    {"<" SPACE ">", 0, GGUF_TOKEN_USER},
    {"cb", 0, GGUF_TOKEN_UNUSED},
};
const uint32_t small_vocabulary_count = sizeof small_vocabulary / sizeof small_vocabulary[0];

/* The three arrays as they lie in a GGUF file, and where. */
static uint8_t *write_file(struct gguf *gguf, const struct piece *pieces, bool with_types, size_t *size)
{
    size_t text = 0, used = 1; /* a byte before it all: offset 0 means absent */

    for (uint32_t i = 0; i < gguf->vocabulary; i++)
        text += strlen(pieces[i].text);
    *size = 1 + text + gguf->vocabulary * (8u + 4u + 4u);
    uint8_t *file = calloc(1, *size);
    gguf->pieces_offset = used;
    gguf->pieces_bytes = text;
    for (uint32_t i = 0; i < gguf->vocabulary; i++) {
        uint64_t length = strlen(pieces[i].text);
        memcpy(file + used, &length, 8);
        memcpy(file + used + 8, pieces[i].text, (size_t)length);
        used += 8 + (size_t)length;
    }
    gguf->scores_offset = used;
    gguf->types_offset = with_types ? used + gguf->vocabulary * 4u : 0;
    for (uint32_t i = 0; i < gguf->vocabulary; i++) {
        memcpy(file + used + i * 4u, &pieces[i].score, 4);
        memcpy(file + used + (gguf->vocabulary + i) * 4u, &pieces[i].type, 4);
    }
    return file;
}

int vocabulary_load(struct vocabulary *vocabulary, const struct piece *pieces, uint32_t count, bool with_types)
{
    struct gguf *gguf = &vocabulary->gguf;
    struct memory_platform memory;
    struct reader reader;
    uint8_t window[700];
    size_t size;

    memset(vocabulary, 0, sizeof *vocabulary);
    gguf->vocabulary = count;
    gguf->unknown = 0;
    gguf->bos = count > 1 ? 1 : GGUF_NO_TOKEN;
    gguf->eos = count > 2 ? 2 : GGUF_NO_TOKEN;
    gguf->add_bos = count > 1;
    gguf->add_space_prefix = true;
    uint8_t *file = write_file(gguf, pieces, with_types, &size);
    struct memory_file memory_file = {"/V", file, size};
    memory_platform_init(&memory, &memory_file, 1);
    size_t bytes = (size_t)tokenizer_memory(gguf);
    vocabulary->memory = malloc(bytes);
    struct arena arena = {vocabulary->memory, bytes, 0};
    int result = reader_open(&reader, &memory.platform, "/V", window, sizeof window, &vocabulary->error);
    if (result == 0)
        result = tokenizer_load(&vocabulary->tokenizer, gguf, &reader, &arena, &vocabulary->error);
    if (result == 0 && arena.used != bytes)
        abort(); /* tokenizer_memory is exact */
    free(file);
    return result;
}

void vocabulary_free(struct vocabulary *vocabulary)
{
    free(vocabulary->memory);
}
