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

/* Writes a text as an array of a GGUF file holds it. Returns what follows. */
static uint8_t *write_text(uint8_t *to, const char *text)
{
    const uint64_t length = strlen(text);
    memcpy(to, &length, 8);
    memcpy(to + 8, text, (size_t)length);
    return to + 8 + length;
}

/* The arrays as they lie in a GGUF file, and where. */
static uint8_t *write_file(struct gguf *gguf, const struct piece *pieces, bool with_types, const char *const *merges,
                           size_t *size)
{
    size_t text = 0, merged = 0;
    for (uint32_t i = 0; i < gguf->vocabulary; i++)
        text += strlen(pieces[i].text);
    for (uint32_t i = 0; i < gguf->merges; i++)
        merged += 8 + strlen(merges[i]);
    *size = 1 + text + gguf->vocabulary * (8u + 4u + 4u) + merged;
    uint8_t *file = calloc(1, *size), *at = file + 1; /* a byte before it all: offset 0 means absent */
    gguf->pieces_offset = 1;
    gguf->pieces_bytes = text;
    for (uint32_t i = 0; i < gguf->vocabulary; i++)
        at = write_text(at, pieces[i].text);
    gguf->scores_offset = (uint64_t)(at - file);
    gguf->types_offset = with_types ? gguf->scores_offset + gguf->vocabulary * 4u : 0;
    for (uint32_t i = 0; i < gguf->vocabulary; i++) {
        memcpy(at + i * 4u, &pieces[i].score, 4);
        memcpy(at + (gguf->vocabulary + i) * 4u, &pieces[i].type, 4);
    }
    at += gguf->vocabulary * 8u;
    gguf->merges_offset = (uint64_t)(at - file);
    for (uint32_t i = 0; i < gguf->merges; i++)
        at = write_text(at, merges[i]);
    return file;
}

/* Loads what vocabulary->gguf describes. */
static int load(struct vocabulary *vocabulary, const struct piece *pieces, bool with_types, const char *const *merges)
{
    struct gguf *gguf = &vocabulary->gguf;
    struct memory_platform memory;
    struct reader reader;
    uint8_t window[700];
    size_t size;
    uint8_t *file = write_file(gguf, pieces, with_types, merges, &size);
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

int vocabulary_load(struct vocabulary *vocabulary, const struct piece *pieces, uint32_t count, bool with_types)
{
    struct gguf *gguf = &vocabulary->gguf;
    memset(vocabulary, 0, sizeof *vocabulary);
    gguf->vocabulary = count;
    gguf->unknown = 0;
    gguf->bos = count > 1 ? 1 : GGUF_NO_TOKEN;
    gguf->eos = count > 2 ? 2 : GGUF_NO_TOKEN;
    gguf->add_bos = count > 1;
    gguf->add_space_prefix = true;
    return load(vocabulary, pieces, with_types, NULL);
}

int vocabulary_load_bpe(struct vocabulary *vocabulary, const struct piece *pieces, uint32_t count,
                        const char *const *merges, uint32_t merge_count, const struct gguf_pre *pre)
{
    struct gguf *gguf = &vocabulary->gguf;
    memset(vocabulary, 0, sizeof *vocabulary);
    gguf->tokenizer = GGUF_TOKENIZER_BPE;
    gguf->pre = *pre;
    gguf->vocabulary = count;
    gguf->merges = merge_count;
    gguf->unknown = gguf->bos = gguf->eos = GGUF_NO_TOKEN;
    return load(vocabulary, pieces, true, merges);
}

/* The letter of a byte, by the rule of GPT-2's encoder.py: the n-th byte that is not a visible character is U+0100 +
   n. */
static void write_letter(char out[3], uint32_t byte)
{
    uint32_t code = 0x100;
    for (uint32_t other = 0; other <= byte; other++) {
        bool visible = (other >= '!' && other <= '~') || (other >= 0xA1 && other <= 0xFF && other != 0xAD);
        code += other < byte && !visible ? 1 : 0;
        code = other == byte && visible ? byte : code;
    }
    size_t n = 0;
    if (code >= 0x80)
        out[n++] = (char)(0xC0 | code >> 6);
    out[n++] = (char)(code >= 0x80 ? 0x80 | (code & 0x3F) : code);
    out[n] = '\0';
}

int vocabulary_load_small_bpe(struct vocabulary *vocabulary, const struct gguf_pre *pre)
{
    static const char *const merges[] = {BPE_MERGES};
    enum { MERGES = sizeof merges / sizeof merges[0] };
    static char letters[256][3], made[MERGES][16];
    static struct piece pieces[256 + MERGES + 3];
    for (uint32_t byte = 0; byte < 256; byte++) {
        write_letter(letters[byte], byte);
        pieces[byte] = (struct piece){letters[byte], 0, GGUF_TOKEN_NORMAL};
    }
    for (uint32_t i = 0; i < MERGES; i++) {
        const char *space = strchr(merges[i], ' ');
        memcpy(made[i], merges[i], (size_t)(space - merges[i]));
        strcpy(made[i] + (space - merges[i]), space + 1);
        pieces[256 + i] = (struct piece){made[i], 0, GGUF_TOKEN_NORMAL};
    }
    pieces[256 + MERGES] = (struct piece){"<|c|>", 0, GGUF_TOKEN_CONTROL};
    pieces[256 + MERGES + 1] = (struct piece){"  ", 0, GGUF_TOKEN_USER};
    pieces[256 + MERGES + 2] = (struct piece){"zz", 0, GGUF_TOKEN_NORMAL};
    return vocabulary_load_bpe(vocabulary, pieces, 256 + MERGES + 3, merges, MERGES, pre);
}

void vocabulary_free(struct vocabulary *vocabulary)
{
    free(vocabulary->memory);
}
