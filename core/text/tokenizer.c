/* The vocabulary (tokenizer.h): loaded into the arena, with a hash table to find a piece. */
#include "text/tokenizer.h"

#include "base/memory.h"
#include "base/text.h"
#include "text/alphabet.h"
#include "text/control.h"

#define NONE UINT32_MAX
#define CHANGED "%s: the tokens changed between two readings; the medium is bad"

/* The arrays of struct tokenizer while they are filled. */
struct tables {
    uint8_t *text, *type;
    uint32_t *text_start, *slots, *rank, *first_merge, *next_merge;
    uint16_t *split;
};

/* One and a half times the number of pieces. */
static uint32_t slots_for(uint32_t vocabulary)
{
    return vocabulary + vocabulary / 2 + 1;
}

/* Takes the arrays from the arena. Returns false if they do not fit. */
static bool take_tables(struct tables *tables, const struct gguf *gguf, struct arena *arena)
{
    const bool bpe = gguf->tokenizer == GGUF_TOKENIZER_BPE;
    uint32_t vocabulary = gguf->vocabulary, merges = bpe ? gguf->merges : 0;
    memset(tables, 0, sizeof *tables);
    tables->text_start = arena_take_array(arena, vocabulary + 1, sizeof(uint32_t), sizeof(uint32_t));
    tables->slots = arena_take_array(arena, slots_for(vocabulary), sizeof(uint32_t), sizeof(uint32_t));
    uint32_t *of_piece = arena_take_array(arena, vocabulary, sizeof(uint32_t), sizeof(uint32_t));
    tables->next_merge = arena_take_array(arena, merges, sizeof(uint32_t), sizeof(uint32_t));
    tables->split = arena_take_array(arena, merges, sizeof(uint16_t), sizeof(uint16_t));
    tables->type = arena_take(arena, vocabulary, 1);
    tables->text = arena_take(arena, (size_t)gguf->pieces_bytes, 1);
    *(bpe ? &tables->first_merge : &tables->rank) = of_piece;
    return tables->text != NULL;
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
            return error_set(error, CHANGED, reader->path);
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

/* The type of a token if the file states none. */
static uint8_t guess_type(const struct gguf *gguf, int32_t id, bool names_byte)
{
    if (id == gguf->bos || id == gguf->eos) {
        return GGUF_TOKEN_CONTROL;
    }
    if (id == gguf->unknown) {
        return GGUF_TOKEN_UNKNOWN;
    }
    return names_byte && gguf->tokenizer == GGUF_TOKENIZER_SENTENCEPIECE ? GGUF_TOKEN_BYTE : GGUF_TOKEN_NORMAL;
}

static bool is_marked(uint8_t type)
{
    return type == GGUF_TOKEN_USER || type == GGUF_TOKEN_CONTROL || type == GGUF_TOKEN_UNKNOWN;
}

/* Records that texts are searched for a piece. */
static void note_marked(struct tokenizer *tokenizer, const uint8_t *piece, uint32_t length)
{
    if (length > 0 && length <= TOKENIZER_USER_MAX) {
        tokenizer->marked_longest = length > tokenizer->marked_longest ? length : tokenizer->marked_longest;
        tokenizer->marked_first[piece[0] / 32] |= 1u << piece[0] % 32;
    }
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
        type = type > GGUF_TOKEN_BYTE ? type : control_type(tables->text + start, length, (uint8_t)type);
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
        tables->type[id] = (uint8_t)type;
        if (is_marked(tables->type[id])) {
            note_marked(tokenizer, tables->text + start, length);
        }
    }
    return 0;
}

/* ---- Looking up ---- */

/* FNV-1a, byte by byte; mix_hash spreads it over all bits (MurmurHash3's finalizer). */
enum { HASH_PRIME = 16777619 };
#define HASH_START 2166136261u

/* A slot: the id + 1, and above it bits of the hash, which distinguish most other pieces without reading them.
   */
enum { SLOT_ID_BITS = 20, SLOT_ID_MASK = (1 << SLOT_ID_BITS) - 1, SLOT_TAG_MASK = 0xFFF };
_Static_assert((int)GGUF_VOCABULARY_MAX < (int)SLOT_ID_MASK, "a slot holds any id");

enum { PROBES_MAX = 1000 }; /* most slots that one look-up passes; real vocabularies have runs of 100 */

static uint32_t add_to_hash(uint32_t hash, uint8_t byte)
{
    return (hash ^ byte) * (uint32_t)HASH_PRIME;
}

static uint32_t mix_hash(uint32_t hash)
{
    hash = (hash ^ hash >> 16) * 0x85EBCA6Bu;
    hash = (hash ^ hash >> 13) * 0xC2B2AE35u;
    return hash ^ hash >> 16;
}

static uint32_t hash_of(const uint8_t *bytes, size_t n)
{
    uint32_t hash = HASH_START;
    for (size_t i = 0; i < n; i++) {
        hash = add_to_hash(hash, bytes[i]);
    }
    return hash;
}

static bool is_piece(const struct tokenizer *tokenizer, uint32_t id, const uint8_t *bytes, size_t n, bool marked)
{
    uint32_t start = tokenizer->text_start[id];
    return tokenizer->text_start[id + 1] - start == n && is_marked(tokenizer->type[id]) == marked &&
           memcmp(tokenizer->text + start, bytes, n) == 0;
}

/* The slot that holds bytes[0..n), or the free one where it belongs, or NONE if PROBES_MAX others are before it. `hash`
   is mixed. */
static uint32_t find_slot(const struct tokenizer *tokenizer, uint32_t hash, const uint8_t *bytes, size_t n, bool marked)
{
    uint32_t at = (uint32_t)((uint64_t)hash * tokenizer->slot_count >> 32);
    for (uint32_t probes = 0; probes < PROBES_MAX; probes++) {
        uint32_t slot = tokenizer->slots[at];
        bool alike = slot >> SLOT_ID_BITS == (hash & SLOT_TAG_MASK);
        if (slot == 0 || (alike && is_piece(tokenizer, (slot & SLOT_ID_MASK) - 1, bytes, n, marked))) {
            return at;
        }
        at = at + 1 < tokenizer->slot_count ? at + 1 : 0;
    }
    return NONE;
}

static int32_t find_hashed(const struct tokenizer *tokenizer, uint32_t hash, const uint8_t *bytes, size_t n,
                           bool marked)
{
    uint32_t at = find_slot(tokenizer, mix_hash(hash), bytes, n, marked);
    bool found = at != NONE && tokenizer->slots[at] != 0;
    return found ? (int32_t)(tokenizer->slots[at] & SLOT_ID_MASK) - 1 : GGUF_NO_TOKEN;
}

int32_t tokenizer_find(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t n)
{
    if (n == 0 || n > tokenizer->longest) {
        return GGUF_NO_TOKEN;
    }
    uint32_t hash = hash_of(bytes, n);
    int32_t id = find_hashed(tokenizer, hash, bytes, n, false);
    return id != GGUF_NO_TOKEN ? id : find_hashed(tokenizer, hash, bytes, n, true);
}

bool tokenizer_is_marked(const struct tokenizer *tokenizer, int32_t id)
{
    return is_marked(tokenizer->type[id]);
}

bool tokenizer_is_end(const struct tokenizer *tokenizer, int32_t id)
{
    uint32_t i = 0;
    while (i < tokenizer->end_count && tokenizer->end[i] != id) {
        i++;
    }
    return i < tokenizer->end_count;
}

uint32_t tokenizer_find_marked(const struct tokenizer *tokenizer, const uint8_t *bytes, size_t n, uint32_t types,
                               int32_t *id)
{
    uint32_t longest = 0, hash = HASH_START;
    if (n == 0 || (tokenizer->marked_first[bytes[0] / 32] >> bytes[0] % 32 & 1) == 0) {
        return 0;
    }
    n = n < tokenizer->marked_longest ? n : tokenizer->marked_longest;
    for (uint32_t length = 1; length <= n; length++) {
        hash = add_to_hash(hash, bytes[length - 1]);
        int32_t found = find_hashed(tokenizer, hash, bytes, length, true);
        if (found != GGUF_NO_TOKEN && (types >> tokenizer->type[found] & 1) != 0) {
            *id = found;
            longest = length;
        }
    }
    return longest;
}

/* Puts a piece into the table unless an equal one is there. Returns false if there is no slot for it. */
static bool add_piece(const struct tokenizer *tokenizer, uint32_t *slots, uint32_t id)
{
    const uint8_t *piece = tokenizer->text + tokenizer->text_start[id];
    uint32_t length = tokenizer->text_start[id + 1] - tokenizer->text_start[id],
             hash = mix_hash(hash_of(piece, length));
    const bool marked = is_marked(tokenizer->type[id]);
    uint32_t at = find_slot(tokenizer, hash, piece, length, marked);
    /* A BPE piece's letters may also decode to the text of a marked piece; otherwise each text has one token. */
    bool has_token = tokenizer->kind == GGUF_TOKENIZER_SENTENCEPIECE && tokenizer_find(tokenizer, piece, length) >= 0;
    if (at != NONE && slots[at] == 0 && !has_token) {
        slots[at] = (hash & SLOT_TAG_MASK) << SLOT_ID_BITS | (id + 1);
    }
    return at != NONE;
}

/* Whether text can merge into a piece of this type in a BPE vocabulary: the piece is written in the byte alphabet. */
static bool in_alphabet(uint8_t type)
{
    return type == GGUF_TOKEN_NORMAL || type == GGUF_TOKEN_UNUSED || type == 0;
}

/* Fills the hash table; for BPE turns the pieces into bytes, and leaves out those that are not in the byte alphabet. */
static int add_pieces(struct tokenizer *tokenizer, struct tables *tables, const char *path, struct error *error)
{
    uint32_t start = 0, used = 0;
    memset(tables->slots, 0, tokenizer->slot_count * sizeof tables->slots[0]);
    for (uint32_t id = 0; id < tokenizer->vocabulary; id++) {
        uint8_t *piece = tables->text + start;
        size_t length = tables->text_start[id + 1] - start, bytes = ALPHABET_FOREIGN;
        bool found = true;
        if (tokenizer->kind == GGUF_TOKENIZER_BPE && in_alphabet(tables->type[id])) {
            bytes = alphabet_decode(piece, length, tables->text + used);
            found = bytes != ALPHABET_FOREIGN;
        }
        if (bytes == ALPHABET_FOREIGN) {
            memmove(tables->text + used, piece, length);
            bytes = length;
        }
        start += (uint32_t)length;
        tables->text_start[id] = used;
        used += (uint32_t)bytes;
        tables->text_start[id + 1] = used;
        tokenizer->longest = bytes > tokenizer->longest ? (uint32_t)bytes : tokenizer->longest;
        if (found && bytes > 0 && !add_piece(tokenizer, tables->slots, id)) {
            return error_set(error, "%s: the tokens up to token %u are made to be slow to find; use another file", path,
                             id);
        }
    }
    return 0;
}

static void find_byte_tokens(struct tokenizer *tokenizer)
{
    for (uint32_t value = 0; value < 256; value++) {
        uint8_t byte = (uint8_t)value, name[] = "<0x00>";
        int32_t id = GGUF_NO_TOKEN;
        if (tokenizer->kind == GGUF_TOKENIZER_SENTENCEPIECE) {
            name[3] = (uint8_t) "0123456789ABCDEF"[byte >> 4];
            name[4] = (uint8_t) "0123456789ABCDEF"[byte & 15];
            id = tokenizer_find(tokenizer, name, sizeof name - 1);
        }
        if (id == GGUF_NO_TOKEN) {
            id = tokenizer_find(tokenizer, &byte, 1);
        }
        bool is_unknown = id == GGUF_NO_TOKEN && tokenizer->kind == GGUF_TOKENIZER_SENTENCEPIECE;
        tokenizer->byte_token[byte] = is_unknown ? tokenizer->unknown : id;
    }
}

/* ---- Merges ---- */

/* Records that merge number `merge` makes the piece `id` with `left` bytes on the left, unless an earlier one does. A
   list holds each split once, so it is no longer than its piece, or than the bytes of its merges in the file. */
static void add_merge(const struct tables *tables, uint32_t merge, int32_t id, uint16_t left)
{
    for (uint32_t other = tables->first_merge[id]; other != NONE; other = tables->next_merge[other]) {
        if (tables->split[other] == left) {
            return;
        }
    }
    tables->split[merge] = left;
    tables->next_merge[merge] = tables->first_merge[id];
    tables->first_merge[id] = merge;
}

/* Takes merge number `merge` as the file writes it, text[0..n): two pieces separated by a space. A merge of parts that
   are not tokens can never apply and is skipped, as is a comment. Returns false if the parts are tokens but the result
   is not. */
static bool take_merge(const struct tokenizer *tokenizer, const struct tables *tables, uint32_t merge, uint8_t *text,
                       size_t n)
{
    size_t space = 1;
    while (space < n && text[space] != ' ') {
        space++;
    }
    if (space + 1 >= n) {
        return true;
    }
    size_t left = alphabet_decode(text, space, text);
    size_t right = alphabet_decode(text + space + 1, n - space - 1, text + space + 1);
    if (left == ALPHABET_FOREIGN || right == ALPHABET_FOREIGN) {
        return true;
    }
    bool parts_known = tokenizer_find(tokenizer, text, left) != GGUF_NO_TOKEN &&
                       tokenizer_find(tokenizer, text + space + 1, right) != GGUF_NO_TOKEN;
    memmove(text + left, text + space + 1, right);
    int32_t id = tokenizer_find(tokenizer, text, left + right);
    if (id != GGUF_NO_TOKEN) {
        add_merge(tables, merge, id, (uint16_t)left);
    }
    return id != GGUF_NO_TOKEN || !parts_known;
}

static int read_merges(const struct tokenizer *tokenizer, const struct tables *tables, const struct gguf *gguf,
                       struct reader *reader, struct error *error)
{
    uint8_t text[GGUF_MERGE_MAX];
    uint64_t length;
    memset(tables->first_merge, 0xFF, gguf->vocabulary * sizeof tables->first_merge[0]);
    if (reader_seek(reader, gguf->merges_offset, error) != 0) {
        return -1;
    }
    for (uint32_t merge = 0; merge < gguf->merges; merge++) {
        if (reader_get(reader, &length, sizeof length, error) != 0) {
            return -1;
        }
        if (length > sizeof text) { /* gguf_read looked at it */
            return error_set(error, CHANGED, reader->path);
        }
        if (reader_get(reader, text, (size_t)length, error) != 0) {
            return -1;
        }
        if (!take_merge(tokenizer, tables, merge, text, (size_t)length)) {
            return error_set(error, "%s: merge %u makes no token; the vocabulary is incomplete", reader->path, merge);
        }
    }
    return 0;
}

uint32_t tokenizer_merge_rank(const struct tokenizer *tokenizer, int32_t id, uint32_t left)
{
    if (tokenizer->kind == GGUF_TOKENIZER_SENTENCEPIECE) {
        return tokenizer->rank[id];
    }
    uint32_t merge = tokenizer->first_merge[id];
    while (merge != NONE && tokenizer->split[merge] != left) {
        merge = tokenizer->next_merge[merge];
    }
    return merge != NONE ? tokenizer->merges - merge : 0;
}

/* ---- Where a model's text ends ---- */

static int32_t find_text(const struct tokenizer *tokenizer, const char *text)
{
    return tokenizer_find(tokenizer, (const uint8_t *)text, text_length(text));
}

static void add_end(struct tokenizer *tokenizer, int32_t id)
{
    if (id != GGUF_NO_TOKEN && !tokenizer_is_end(tokenizer, id) && tokenizer->end_count < TOKENIZER_ENDS_MAX) {
        tokenizer->end[tokenizer->end_count++] = id;
    }
}

static bool is_end_text(const struct tokenizer *tokenizer, const char *text)
{
    return tokenizer_is_end(tokenizer, find_text(tokenizer, text));
}

static void remove_end(struct tokenizer *tokenizer, const char *text)
{
    const int32_t id = find_text(tokenizer, text);
    for (uint32_t i = 0; i < tokenizer->end_count; i++) {
        if (tokenizer->end[i] == id) {
            tokenizer->end[i] = tokenizer->end[--tokenizer->end_count];
        }
    }
}

/* Fills tokenizer->end with what llama.cpp takes for the end of generation: the end-of-sequence token, those that the
   file's keys name, and those known by their text. */
static void find_ends(struct tokenizer *tokenizer, const struct gguf *gguf)
{
    int32_t own[GGUF_ENDS];
    const char *text;
    uint8_t ends;
    memcpy(own, gguf->end, sizeof own);
    tokenizer->end_count = 0;
    add_end(tokenizer, tokenizer->eos);
    for (uint32_t i = 0; (text = control_text(i, &ends)) != NULL; i++) {
        const int32_t id = find_text(tokenizer, text);
        if (ends == CONTROL_ENDS_ALL) {
            add_end(tokenizer, id);
        } else if (ends < GGUF_ENDS && own[ends] == GGUF_NO_TOKEN) {
            own[ends] = id;
        }
    }
    for (uint32_t i = 0; i < GGUF_ENDS; i++) {
        add_end(tokenizer, own[i]);
    }
    /* In the formats of gpt-oss and Solar "<|end|>" ends only a part of an answer, in Gemma 4's "</s>" nothing. */
    const bool calls = is_end_text(tokenizer, "<|call|>") || is_end_text(tokenizer, "<|calls|>");
    if (calls && (is_end_text(tokenizer, "<|return|>") || is_end_text(tokenizer, "<|flush|>"))) {
        remove_end(tokenizer, "<|end|>");
    }
    if (is_end_text(tokenizer, "<|tool_response>")) {
        remove_end(tokenizer, "</s>");
    }
}

/* ---- Loading ---- */

static void set_up(struct tokenizer *tokenizer, const struct tables *tables, const struct gguf *gguf)
{
    *tokenizer = (struct tokenizer){
        .vocabulary = gguf->vocabulary,
        .kind = gguf->tokenizer,
        .text = tables->text,
        .text_start = tables->text_start,
        .type = tables->type,
        .slots = tables->slots,
        .slot_count = slots_for(gguf->vocabulary),
        .rank = tables->rank,
        .first_merge = tables->first_merge,
        .next_merge = tables->next_merge,
        .split = tables->split,
        .merges = gguf->merges,
        .pre = gguf->pre,
        .bos = gguf->bos,
        .eos = gguf->eos,
        .unknown = gguf->unknown,
        .add_bos = gguf->add_bos,
        .add_space_prefix = gguf->add_space_prefix,
    };
}

int tokenizer_load(struct tokenizer *tokenizer, const struct gguf *gguf, struct reader *reader, struct arena *arena,
                   struct error *error)
{
    const bool bpe = gguf->tokenizer == GGUF_TOKENIZER_BPE;
    struct tables tables;
    if (!take_tables(&tables, gguf, arena)) {
        return error_set(error, "%s: not enough memory for the tokens, %llu bytes", reader->path,
                         (unsigned long long)tokenizer_memory(gguf));
    }
    set_up(tokenizer, &tables, gguf);
    if (read_pieces(&tables, gguf, reader, error) != 0 || read_types(tokenizer, &tables, gguf, reader, error) != 0 ||
        add_pieces(tokenizer, &tables, reader->path, error) != 0) {
        return -1;
    }
    find_byte_tokens(tokenizer);
    find_ends(tokenizer, gguf);
    return bpe ? read_merges(tokenizer, &tables, gguf, reader, error) : read_ranks(&tables, gguf, reader, error);
}
