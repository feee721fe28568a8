/*
 * Text to tokens (encode.h). The text is split into characters, each a symbol. The pair of neighbours that forms the
 * piece with the best score, or has the lowest merge, is merged, the leftmost of equals first, until no pair forms a
 * piece.
 */
#include "text/encode.h"

#include "base/memory.h"
#include "text/words.h"

enum { SPACE_BYTES = 3, MARK_FREE = -1, MARK_COVERED = -2 };
#define SPACE "\xE2\x96\x81" /* U+2581 */
#define NONE UINT32_MAX

struct symbol {
    uint32_t start, length;  /* bytes of the text; length 0 once it is merged into another */
    uint32_t previous, next; /* symbols, or NONE */
    uint32_t rank;           /* tokenizer_merge_rank of it and the next one, 0 if none */
};

struct encoder {
    const struct tokenizer *tokenizer;
    int32_t *ids;            /* not owned */
    uint32_t used, capacity; /* used > capacity once they do not fit */
    uint64_t *queue;         /* [2 symbols] max-heap of pairs: rank, then the complement of the left symbol */
    uint32_t queued;
    struct symbol *symbols;
    int32_t *mark;       /* [n] for each byte: MARK_FREE, the token written here verbatim, or MARK_COVERED */
    const uint8_t *text; /* the text of the symbols: one fragment, spaces as U+2581, or one word */
    uint8_t *text_memory;
};

/* The most symbols that a byte of text makes; with SentencePiece's prefix, text makes at most this many times n + 1. */
static size_t symbols_per_byte(enum gguf_tokenizer kind)
{
    return kind == GGUF_TOKENIZER_BPE ? WORDS_GROWTH : 1;
}

size_t encode_scratch(enum gguf_tokenizer kind, size_t n)
{
    size_t symbol = 2 * sizeof(uint64_t) + sizeof(struct symbol);
    _Static_assert((int)SPACE_BYTES == (int)WORDS_GROWTH, "bytes that one becomes");
    return (n + 1) * (symbols_per_byte(kind) * symbol + sizeof(int32_t) + SPACE_BYTES);
}

static void divide_scratch(struct encoder *encoder, void *scratch, size_t n)
{
    size_t symbols = (n + 1) * symbols_per_byte(encoder->tokenizer->kind);
    encoder->queue = scratch;
    encoder->symbols = (struct symbol *)(encoder->queue + 2 * symbols);
    encoder->mark = (int32_t *)(encoder->symbols + symbols);
    encoder->text_memory = (uint8_t *)(encoder->mark + n + 1);
}

static void emit(struct encoder *encoder, int32_t id)
{
    if (id == GGUF_NO_TOKEN || encoder->used > encoder->capacity) {
        return;
    }
    if (encoder->used < encoder->capacity) {
        encoder->ids[encoder->used] = id;
    }
    encoder->used++;
}

/* ---- The queue of pairs ---- */

static void push(struct encoder *encoder, uint64_t key)
{
    uint64_t *heap = encoder->queue;
    uint32_t at = encoder->queued++;
    for (; at > 0 && heap[(at - 1) / 2] < key; at = (at - 1) / 2) {
        heap[at] = heap[(at - 1) / 2];
    }
    heap[at] = key;
}

static uint64_t pop(struct encoder *encoder)
{
    uint64_t *heap = encoder->queue;
    uint64_t best = heap[0], key = heap[--encoder->queued];
    uint32_t at = 0;
    for (uint32_t child; (child = 2 * at + 1) < encoder->queued; at = child) {
        if (child + 1 < encoder->queued && heap[child] < heap[child + 1]) {
            child++;
        }
        if (key >= heap[child]) {
            break;
        }
        heap[at] = heap[child];
    }
    heap[at] = key;
    return best;
}

/* ---- Merging ---- */

/* Looks up symbol `left` with its next one and queues the pair if it is a piece. */
static void offer_pair(struct encoder *encoder, uint32_t left)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    if (left == NONE) {
        return;
    }
    struct symbol *symbol = &encoder->symbols[left];
    symbol->rank = 0;
    if (symbol->next == NONE) {
        return;
    }
    int32_t id = tokenizer_find(tokenizer, encoder->text + symbol->start,
                                symbol->length + encoder->symbols[symbol->next].length);
    if (id == GGUF_NO_TOKEN) {
        return;
    }
    symbol->rank = tokenizer_merge_rank(tokenizer, id, symbol->length);
    if (symbol->rank == 0) {
        return;
    }
    push(encoder, (uint64_t)symbol->rank << 32 | (NONE - left));
}

static void merge_with_next(struct encoder *encoder, uint32_t left)
{
    struct symbol *symbol = &encoder->symbols[left], *right = &encoder->symbols[symbol->next];
    symbol->length += right->length;
    symbol->next = right->next;
    right->length = 0;
    right->rank = 0;
    if (symbol->next != NONE) {
        encoder->symbols[symbol->next].previous = left;
    }
    offer_pair(encoder, symbol->previous);
    offer_pair(encoder, left);
}

static void merge_all(struct encoder *encoder, uint32_t count)
{
    encoder->queued = 0;
    for (uint32_t i = 0; i < count; i++) {
        offer_pair(encoder, i);
    }
    while (encoder->queued > 0) {
        uint64_t key = pop(encoder);
        uint32_t left = NONE - (uint32_t)key;
        /* Entries of vanished pairs stay queued. Their rank then differs, or it equals that of the current pair there,
           which is equally due. */
        if (encoder->symbols[left].rank == key >> 32) {
            merge_with_next(encoder, left);
        }
    }
}

/* Returns `length`, or where that many bytes hold the lead byte of another character, more: its other bytes belong to
   the symbol, too, so that no byte of the text, of which a space has become three, makes two symbols. */
static uint32_t with_swallowed(const uint8_t *text, uint32_t length, uint32_t n)
{
    bool swallows = false;
    for (uint32_t i = 1; i < length; i++) {
        swallows = swallows || (text[i] & 0xC0) != 0x80;
    }
    while (swallows && length < n && (text[length] & 0xC0) == 0x80) {
        length++;
    }
    return length;
}

/* Splits the text into bytes, or into characters by the lead bytes alone: ill-formed text makes odd symbols, which
   become byte tokens. */
static uint32_t cut_symbols(struct encoder *encoder, uint32_t n)
{
    const bool bytes = encoder->tokenizer->kind == GGUF_TOKENIZER_BPE;
    static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4}; /* by the upper four bits */
    uint32_t count = 0;
    for (uint32_t start = 0, length; start < n; start += length) {
        length = bytes ? 1 : lengths[encoder->text[start] >> 4];
        length = length < n - start ? length : n - start;
        length = with_swallowed(encoder->text + start, length, n - start);
        encoder->symbols[count] = (struct symbol){start, length, count - 1, count + 1, 0}; /* 0 - 1 is NONE */
        count++;
    }
    encoder->symbols[count - 1].next = NONE;
    return count;
}

/* Merges text[0..n), n >= 1, and emits the resulting tokens. */
static void encode_merged(struct encoder *encoder, const uint8_t *text, uint32_t n)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    encoder->text = text;
    merge_all(encoder, cut_symbols(encoder, n));
    for (uint32_t i = 0; i != NONE; i = encoder->symbols[i].next) {
        const struct symbol *symbol = &encoder->symbols[i];
        int32_t id = tokenizer_find(tokenizer, text + symbol->start, symbol->length);
        emit(encoder, id);
        for (uint32_t k = 0; id == GGUF_NO_TOKEN && k < symbol->length; k++) {
            emit(encoder, tokenizer->byte_token[text[symbol->start + k]]);
        }
    }
}

/* Writes text[0..n), n >= 1, with its spaces as U+2581, one before it if add_space. */
static uint32_t write_spaces(uint8_t *out, const char *text, size_t n, bool add_space)
{
    uint32_t used = 0;
    if (add_space) {
        memcpy(out, SPACE, SPACE_BYTES);
        used = SPACE_BYTES;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ' ') {
            memcpy(out + used, SPACE, SPACE_BYTES);
            used += SPACE_BYTES;
        } else {
            out[used++] = (uint8_t)text[i];
        }
    }
    return used;
}

/* A words_take: receives a word from the pre-tokenizer. */
static void encode_word(void *context, const uint8_t *word, size_t n)
{
    struct encoder *encoder = context;
    const struct tokenizer *tokenizer = encoder->tokenizer;
    int32_t id = GGUF_NO_TOKEN;
    if ((tokenizer->pre.flags & GGUF_PRE_IGNORE_MERGES) != 0) {
        id = tokenizer_find(tokenizer, word, n);
    }
    if (id != GGUF_NO_TOKEN) {
        emit(encoder, id);
    } else {
        encode_merged(encoder, word, (uint32_t)n);
    }
}

/* Encodes a stretch of text without marked tokens, n >= 1. */
static void encode_fragment(struct encoder *encoder, const char *text, size_t n, bool add_space)
{
    uint8_t *memory = encoder->text_memory;
    if (encoder->tokenizer->kind == GGUF_TOKENIZER_BPE) {
        size_t bytes = words_clean((const uint8_t *)text, n, memory);
        words_cut(encoder->tokenizer->pre.rule, memory, bytes, encode_word, encoder);
    } else {
        encode_merged(encoder, memory, write_spaces(memory, text, n, add_space));
    }
}

/* ---- Tokens written verbatim in the text ---- */

/* A text, and the part of it in which control tokens stay text. */
struct turn {
    const char *text;
    size_t n, plain_start, plain_end;
};

enum { ALWAYS = 1 << GGUF_TOKEN_USER, IN_MARKUP = 1 << GGUF_TOKEN_CONTROL | 1 << GGUF_TOKEN_UNKNOWN };

/* Returns the bytes of the longest token written at `start` that ends by start + room, and its *id; 0 if there is none.
   Control tokens count unless they reach into the plain part. */
static uint32_t longest_at(const struct tokenizer *tokenizer, const struct turn *turn, size_t start, size_t room,
                           int32_t *id)
{
    const uint8_t *text = (const uint8_t *)turn->text + start;
    uint32_t longest = tokenizer_find_marked(tokenizer, text, room, ALWAYS, id);
    int32_t control;
    if (start < turn->plain_end) {
        size_t before = start < turn->plain_start ? turn->plain_start - start : 0;
        room = room < before ? room : before;
    }
    uint32_t length = tokenizer_find_marked(tokenizer, text, room, IN_MARKUP, &control);
    *id = length > longest ? control : *id;
    return length > longest ? length : longest;
}

/* Marks the tokens in the text: longest first, leftmost first, without overlap. Marking one shortens only the
   candidates before it that reach into it, none of which is longer, so the work is bounded by the text's bytes times
   TOKENIZER_USER_MAX. */
static void mark_tokens(struct encoder *encoder, const struct turn *turn)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    uint32_t *longest = (uint32_t *)encoder->queue; /* of each byte; no pair is queued yet */
    int32_t *mark = encoder->mark;
    for (size_t i = 0; i < turn->n; i++) {
        mark[i] = MARK_FREE;
        longest[i] = longest_at(tokenizer, turn, i, turn->n - i, &mark[i]);
    }
    for (uint32_t length = tokenizer->marked_longest; length > 0; length--) {
        for (size_t i = 0; i + length <= turn->n; i++) {
            if (longest[i] != length) {
                continue;
            }
            for (size_t k = 1; k < length; k++) {
                mark[i + k] = MARK_COVERED;
                longest[i + k] = 0;
            }
            for (size_t back = 1; back < length && back <= i; back++) {
                if (longest[i - back] > back) {
                    mark[i - back] = MARK_FREE;
                    longest[i - back] = longest_at(tokenizer, turn, i - back, back, &mark[i - back]);
                }
            }
        }
    }
}

static int32_t encode(const struct tokenizer *tokenizer, const struct turn *turn, int32_t before, int32_t *ids,
                      uint32_t capacity, void *scratch)
{
    struct encoder encoder = {.tokenizer = tokenizer, .ids = ids, .capacity = capacity};
    /* At the start and after each marked token. */
    bool add_space = tokenizer->add_space_prefix && (before == GGUF_NO_TOKEN || tokenizer_is_marked(tokenizer, before));
    if (turn->n > ENCODE_TEXT_MAX) {
        return -1;
    }
    divide_scratch(&encoder, scratch, turn->n);
    if (before == GGUF_NO_TOKEN && tokenizer->add_bos) {
        emit(&encoder, tokenizer->bos);
    }
    mark_tokens(&encoder, turn);
    for (size_t i = 0, end; i < turn->n; i = end) {
        const int32_t inside = encoder.mark[i] == MARK_FREE ? MARK_FREE : MARK_COVERED;
        end = i + 1;
        while (end < turn->n && encoder.mark[end] == inside) {
            end++;
        }
        if (inside == MARK_FREE) {
            encode_fragment(&encoder, turn->text + i, end - i, add_space);
        } else {
            emit(&encoder, encoder.mark[i]);
        }
        add_space = tokenizer->add_space_prefix && inside != MARK_FREE;
    }
    return encoder.used <= capacity ? (int32_t)encoder.used : -1;
}

int32_t encode_text(const struct tokenizer *tokenizer, const char *text, size_t n, int32_t *ids, uint32_t capacity,
                    void *scratch)
{
    return encode_marked(tokenizer, text, n, 0, n, GGUF_NO_TOKEN, ids, capacity, scratch);
}

int32_t encode_marked(const struct tokenizer *tokenizer, const char *text, size_t n, size_t plain_start,
                      size_t plain_end, int32_t before, int32_t *ids, uint32_t capacity, void *scratch)
{
    const struct turn turn = {text, n, plain_start, plain_end};
    return encode(tokenizer, &turn, before, ids, capacity, scratch);
}
