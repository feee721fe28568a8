/* The vocabulary (tokenizer.h): loaded into the arena and sorted, so that a piece is found by halving. */
#include "text/tokenizer.h"

#include "base/memory.h"

/* The arrays of struct tokenizer while they are filled. */
struct tables {
    uint8_t *text;
    uint32_t *text_start, *rank, *sorted;
    uint8_t *type;
};

/* Takes the arrays from the arena. Returns false if they do not fit. */
static bool take_tables(struct tables *tables, const struct gguf *gguf, struct arena *arena)
{
    size_t words = ((size_t)gguf->vocabulary + 1) * sizeof(uint32_t);
    tables->text_start = arena_take(arena, words, sizeof(uint32_t));
    tables->rank = arena_take(arena, words, sizeof(uint32_t));
    tables->sorted = arena_take(arena, words, sizeof(uint32_t));
    tables->type = arena_take(arena, gguf->vocabulary, 1);
    tables->text = arena_take(arena, (size_t)gguf->pieces_bytes, 1);
    return tables->text_start != NULL && tables->rank != NULL && tables->sorted != NULL && tables->type != NULL &&
           tables->text != NULL;
}

uint64_t tokenizer_memory(const struct gguf *gguf)
{
    struct arena counter = {NULL, 0, 0};
    struct tables unused;
    take_tables(&unused, gguf, &counter);
    return counter.used;
}

/* ---- Reading ---- */

static int read_pieces(struct tables *tables, const struct gguf *gguf, struct reader *reader, struct error *error)
{
    uint32_t used = 0, most = (uint32_t)gguf->pieces_bytes;
    uint64_t length;
    if (reader_seek(reader, gguf->pieces_offset, error) != 0) {
        return -1;
    }
    for (uint32_t id = 0; id < gguf->vocabulary; id++) {
        tables->text_start[id] = used;
        if (reader_get(reader, &length, sizeof length, error) != 0) {
            return -1;
        }
        if (length > most - used) { /* gguf_read added these lengths up */
            return error_set(error, "%s: the tokens changed between two readings; the medium is bad", reader->path);
        }
        if (reader_get(reader, tables->text + used, (size_t)length, error) != 0) {
            return -1;
        }
        used += (uint32_t)length;
    }
    tables->text_start[gguf->vocabulary] = used;
    return 0;
}

/* A float's bits as an integer >= 1 in the same order: -0 equals 0, NaN comes before all. */
static uint32_t rank_of(uint32_t bits)
{
    if ((bits & 0x7FFFFFFF) > 0x7F800000) {
        return 1;
    }
    if (bits == 0x80000000) {
        bits = 0;
    }
    return (bits & 0x80000000) != 0 ? ~bits : bits | 0x80000000;
}

static int read_ranks(struct tables *tables, const struct gguf *gguf, struct reader *reader, struct error *error)
{
    size_t bytes = gguf->vocabulary * sizeof(uint32_t);
    if (reader_seek(reader, gguf->scores_offset, error) != 0 || reader_get(reader, tables->rank, bytes, error) != 0) {
        return -1;
    }
    for (uint32_t id = 0; id < gguf->vocabulary; id++) {
        tables->rank[id] = rank_of(tables->rank[id]);
    }
    return 0;
}

static int hex_digit(uint8_t c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int tokenizer_byte_name(const uint8_t *piece, size_t n)
{
    if (n != 6 || memcmp(piece, "<0x", 3) != 0 || piece[5] != '>') {
        return -1;
    }
    int high = hex_digit(piece[3]), low = hex_digit(piece[4]);
    return high < 0 || low < 0 ? -1 : high * 16 + low;
}

/* The type of a token where the file states none. */
static uint8_t guess_type(const struct gguf *gguf, int32_t id, bool names_byte)
{
    if (id == gguf->bos || id == gguf->eos) {
        return GGUF_TOKEN_CONTROL;
    }
    if (id == gguf->unknown) {
        return GGUF_TOKEN_UNKNOWN;
    }
    return names_byte ? GGUF_TOKEN_BYTE : GGUF_TOKEN_NORMAL;
}

static int read_types(struct tokenizer *tokenizer, struct tables *tables, const struct gguf *gguf,
                      struct reader *reader, struct error *error)
{
    uint32_t type;
    if (gguf->types_offset != 0 && reader_seek(reader, gguf->types_offset, error) != 0) {
        return -1;
    }
    for (uint32_t id = 0; id < gguf->vocabulary; id++) {
        uint32_t start = tables->text_start[id], length = tables->text_start[id + 1] - start;
        bool names_byte = tokenizer_byte_name(tables->text + start, length) >= 0;
        if (gguf->types_offset == 0) {
            type = guess_type(gguf, (int32_t)id, names_byte);
        } else if (reader_get(reader, &type, sizeof type, error) != 0) {
            return -1;
        }
        if (type > GGUF_TOKEN_BYTE) {
            return error_set(error, "%s: token %u has type %u; known are 0 to %u", reader->path, id, type,
                             (uint32_t)GGUF_TOKEN_BYTE);
        }
        if (type == GGUF_TOKEN_BYTE && !names_byte) {
            return error_set(error, "%s: token %u is a byte, but not named <0x00> to <0xFF>", reader->path, id);
        }
        if (type == GGUF_TOKEN_USER && length > TOKENIZER_USER_MAX) {
            return error_set(error, "%s: token %u is user-defined and has %u bytes; allowed are %u", reader->path, id,
                             length, (uint32_t)TOKENIZER_USER_MAX);
        }
        bool marked = type == GGUF_TOKEN_USER || type == GGUF_TOKEN_CONTROL || type == GGUF_TOKEN_UNKNOWN;
        if (marked && length <= TOKENIZER_USER_MAX && length > tokenizer->marked_longest) {
            tokenizer->marked_longest = length;
        }
        tables->type[id] = (uint8_t)type;
    }
    return 0;
}

/* ---- Looking up ---- */

/* < 0, 0, > 0 as the piece of `id` sorts before, with or after bytes[0..n). */
static int compare_piece(const struct tokenizer *tokenizer, uint32_t id, const uint8_t *bytes, size_t n)
{
    uint32_t start = tokenizer->text_start[id], length = tokenizer->text_start[id + 1] - start;
    int order = memcmp(tokenizer->text + start, bytes, length < n ? length : n);
    return order != 0 ? order : (length > n) - (length < n);
}

static bool sorts_before(const struct tokenizer *tokenizer, uint32_t a, uint32_t b)
{
    uint32_t start = tokenizer->text_start[b], length = tokenizer->text_start[b + 1] - start;
    int order = compare_piece(tokenizer, a, tokenizer->text + start, length);
    return order != 0 ? order < 0 : a < b;
}

/* Moves the id at `top` down the heap ids[0..count) until no id below it sorts after it. */
static void sift_down(const struct tokenizer *tokenizer, uint32_t *ids, uint32_t top, uint32_t count)
{
    uint32_t id = ids[top];
    for (uint32_t child; (child = 2 * top + 1) < count; top = child) {
        if (child + 1 < count && sorts_before(tokenizer, ids[child], ids[child + 1])) {
            child++;
        }
        if (!sorts_before(tokenizer, id, ids[child])) {
            break;
        }
        ids[top] = ids[child];
    }
    ids[top] = id;
}

/* Heapsort: no memory, no bad case, however hostile the pieces. */
static void sort_ids(const struct tokenizer *tokenizer, uint32_t *ids)
{
    uint32_t count = tokenizer->vocabulary;
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = i;
    }
    for (uint32_t i = count / 2; i > 0; i--) {
        sift_down(tokenizer, ids, i - 1, count);
    }
    for (uint32_t end = count - 1; end > 0; end--) {
        uint32_t last = ids[0];
        ids[0] = ids[end];
        ids[end] = last;
        sift_down(tokenizer, ids, 0, end);
    }
}

int32_t tokenizer_find(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t n)
{
    uint32_t low = 0, high = tokenizer->vocabulary; /* the first piece not before bytes is in [low, high] */
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_piece(tokenizer, tokenizer->sorted[middle], bytes, n) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == tokenizer->vocabulary || compare_piece(tokenizer, tokenizer->sorted[low], bytes, n) != 0) {
        return GGUF_NO_TOKEN;
    }
    return (int32_t)tokenizer->sorted[low];
}

static void find_byte_tokens(struct tokenizer *tokenizer)
{
    for (uint32_t value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value, name[] = "<0x00>";
        name[3] = (uint8_t) "0123456789ABCDEF"[byte >> 4];
        name[4] = (uint8_t) "0123456789ABCDEF"[byte & 15];
        int32_t id = tokenizer_find(tokenizer, name, sizeof name - 1);
        if (id == GGUF_NO_TOKEN) {
            id = tokenizer_find(tokenizer, &byte, 1);
        }
        tokenizer->byte_token[byte] = id != GGUF_NO_TOKEN ? id : tokenizer->unknown;
    }
}

int tokenizer_load(struct tokenizer *tokenizer, const struct gguf *gguf, struct reader *reader, struct arena *arena,
                   struct error *error)
{
    struct tables tables;
    memset(tokenizer, 0, sizeof *tokenizer);
    if (!take_tables(&tables, gguf, arena)) {
        return error_set(error, "%s: not enough memory for the tokens, %llu bytes", reader->path,
                         (unsigned long long)tokenizer_memory(gguf));
    }
    if (read_pieces(&tables, gguf, reader, error) != 0 || read_ranks(&tables, gguf, reader, error) != 0 ||
        read_types(tokenizer, &tables, gguf, reader, error) != 0) {
        return -1;
    }
    tokenizer->vocabulary = gguf->vocabulary;
    tokenizer->text = tables.text;
    tokenizer->text_start = tables.text_start;
    tokenizer->rank = tables.rank;
    tokenizer->type = tables.type;
    tokenizer->sorted = tables.sorted;
    tokenizer->bos = gguf->bos;
    tokenizer->eos = gguf->eos;
    tokenizer->unknown = gguf->unknown;
    tokenizer->add_bos = gguf->add_bos;
    tokenizer->add_space_prefix = gguf->add_space_prefix;
    sort_ids(tokenizer, tables.sorted);
    find_byte_tokens(tokenizer);
    return 0;
}
