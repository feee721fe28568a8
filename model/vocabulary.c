#include "vocabulary.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"
#include "tool.h"

#define SPACE_MARK "\u2581" /* SentencePiece's character for a space */

enum { SPACE_MARK_BYTES = sizeof SPACE_MARK - 1 };

static const struct piece special_pieces[SPECIAL_IDS] = {
    [ID_UNKNOWN] = {"<unk>", 5},
    [ID_BOS] = {"<s>", 3},
    [ID_EOS] = {"</s>", 4},
};

struct source {
    const char *path;
    FILE *file;
    int32_t longest; /* bytes of one piece */
};

/* Returns false at the end of the file. */
static bool read_number(struct source *source, void *number)
{
    const size_t got = fread(number, 1, sizeof(int32_t), source->file);
    if (ferror(source->file)) {
        die("%s: %s", source->path, strerror(errno));
    }
    return got == sizeof(int32_t);
}

/* Whether text[0..n) is well-formed UTF-8 without NUL, which C programs cannot carry. */
static bool is_text(const char *text, uint32_t n)
{
    uint32_t i = 0;
    while (i < n && text[i] != '\0') {
        const int length = utf8_sequence((const uint8_t *)text + i, n - i);
        if (length <= 0) {
            return false;
        }
        i += (uint32_t)length;
    }
    return i == n;
}

/* "<0x00>" to "<0xFF>" stand for single bytes. */
static bool is_byte_piece(const struct piece *piece)
{
    const char *text = piece->text;
    return piece->length == 6 && memcmp(text, "<0x", 3) == 0 && text[5] == '>' &&
           strspn(text + 3, "0123456789ABCDEF") == 2;
}

/* Copies the text to `out` with the mark for each space; returns bytes written. */
static uint32_t mark_spaces(char *out, const char *text, uint32_t length)
{
    char *end = out;
    for (uint32_t i = 0; i < length; i++) {
        if (text[i] == ' ') {
            memcpy(end, SPACE_MARK, SPACE_MARK_BYTES);
            end += SPACE_MARK_BYTES;
        } else {
            *end++ = text[i];
        }
    }
    return (uint32_t)(end - out);
}

/* Reads the piece of `id` with its score. `raw` has room for source->longest bytes. */
static void read_piece(struct vocabulary *vocabulary, struct source *source, uint32_t id, char *raw)
{
    int32_t length;
    if (!read_number(source, &vocabulary->scores[id]) || !read_number(source, &length)) {
        die("%s: ends after %u pieces; the model has %u", source->path, id, vocabulary->count);
    }
    if (!isfinite(vocabulary->scores[id])) {
        die("%s: the score of piece %u is not a finite number", source->path, id);
    }
    if (length < 1 || length > source->longest) {
        die("%s: piece %u is %d bytes long; allowed are 1 to %d", source->path, id, length, source->longest);
    }
    if (fread(raw, (size_t)length, 1, source->file) != 1) {
        die("%s: ends within piece %u; the model has %u", source->path, id, vocabulary->count);
    }
    if (!is_text(raw, (uint32_t)length)) {
        die("%s: piece %u is not text in UTF-8", source->path, id);
    }

    char *text = allocate((size_t)length * SPACE_MARK_BYTES);
    struct piece *piece = &vocabulary->pieces[id];
    *piece = (struct piece){text, mark_spaces(text, raw, (uint32_t)length)};
    if (piece->length > GGUF_PIECE_MAX) {
        die("%s: piece %u is longer than %d bytes", source->path, id, GGUF_PIECE_MAX);
    }
    vocabulary->types[id] = is_byte_piece(piece) ? GGUF_TOKEN_BYTE : GGUF_TOKEN_NORMAL;
}

static int compare_pieces(const void *left, const void *right)
{
    const struct piece *a = *(const struct piece *const *)left, *b = *(const struct piece *const *)right;
    const int order = memcmp(a->text, b->text, a->length < b->length ? a->length : b->length);
    return order ? order : (a->length > b->length) - (a->length < b->length);
}

/* Of two identical pieces one can never be found by its text; llama.cpp aborts on such a file. */
static void check_unique(const struct vocabulary *vocabulary, const char *path)
{
    const struct piece **sorted = allocate(vocabulary->count * sizeof *sorted);
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        sorted[id] = &vocabulary->pieces[id];
    }
    qsort(sorted, vocabulary->count, sizeof *sorted, compare_pieces);
    for (uint32_t i = 1; i < vocabulary->count; i++) {
        if (compare_pieces(&sorted[i - 1], &sorted[i]) == 0) {
            die("%s: pieces %td and %td are identical", path, sorted[i - 1] - vocabulary->pieces,
                sorted[i] - vocabulary->pieces);
        }
    }
    free(sorted);
}

static void read_pieces(struct vocabulary *vocabulary, struct source *source)
{
    if (!read_number(source, &source->longest) || source->longest < 1 || source->longest > GGUF_PIECE_MAX) {
        die("%s: not a llama2.c tokenizer: does not begin with the length of its longest piece", source->path);
    }

    char *raw = allocate((size_t)source->longest);
    for (uint32_t id = 0; id < vocabulary->count; id++) {
        read_piece(vocabulary, source, id, raw);
    }
    free(raw);

    if (fgetc(source->file) != EOF) {
        die("%s: continues after %u pieces, all that the model has", source->path, vocabulary->count);
    }
}

void vocabulary_read(struct vocabulary *vocabulary, const char *path, uint32_t count)
{
    *vocabulary = (struct vocabulary){
        .count = count,
        .pieces = allocate(count * sizeof *vocabulary->pieces),
        .scores = allocate(count * sizeof *vocabulary->scores),
        .types = allocate(count * sizeof *vocabulary->types),
    };
    struct source source = {.path = path, .file = fopen(path, "rb")};
    if (!source.file) {
        die("%s: %s", path, strerror(errno));
    }
    read_pieces(vocabulary, &source);
    fclose(source.file);

    memcpy(vocabulary->pieces, special_pieces, sizeof special_pieces);
    vocabulary->types[ID_UNKNOWN] = GGUF_TOKEN_UNKNOWN;
    vocabulary->types[ID_BOS] = vocabulary->types[ID_EOS] = GGUF_TOKEN_CONTROL;
    check_unique(vocabulary, path);
}
