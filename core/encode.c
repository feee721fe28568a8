/*
 * Text to tokens (tokenizer.h). The text is cut into characters, each a symbol; the pair of neighbours whose joint text
 * is the piece of the best score is merged, the leftmost of equals, until no pair is a piece.
 */
#include "memory.h"
#include "tokenizer.h"

enum { SPACE_BYTES = 3, USER_FREE = -1, USER_COVERED = -2 };
#define SPACE "\xE2\x96\x81" /* U+2581 */
#define NONE UINT32_MAX

struct symbol {
    uint32_t start, length;  /* bytes of the text; length 0 once it is merged into another */
    uint32_t previous, next; /* symbols, or NONE */
    uint32_t rank;           /* of the piece that it forms with the next one, 0 if none */
};

struct encoder {
    const struct tokenizer *tokenizer;
    int32_t *ids;            /* not owned */
    uint32_t used, capacity; /* used > capacity once they do not fit */
    uint64_t *queue;         /* [2 symbols] max-heap of pairs: rank, then the complement of the left symbol */
    uint32_t queued;
    struct symbol *symbols;
    int32_t *user; /* [n] of each byte: USER_FREE, the user-defined token that begins here, or USER_COVERED */
    uint8_t *text; /* of one fragment, spaces as U+2581 */
};

/* Scratch memory of each symbol and of each byte; text and prefix make at most n + 1 symbols. */
static size_t bytes_per_symbol(void)
{
    return 2 * sizeof(uint64_t) + sizeof(struct symbol) + sizeof(int32_t) + SPACE_BYTES;
}

size_t tokenizer_scratch(size_t n)
{
    return (n + 1) * bytes_per_symbol();
}

static void divide_scratch(struct encoder *encoder, void *scratch, size_t n)
{
    encoder->queue = scratch;
    encoder->symbols = (struct symbol *)(encoder->queue + 2 * (n + 1));
    encoder->user = (int32_t *)(encoder->symbols + n + 1);
    encoder->text = (uint8_t *)(encoder->user + n + 1);
}

static void emit(struct encoder *encoder, int32_t id)
{
    if (id == TOKEN_ABSENT || encoder->used > encoder->capacity)
        return;
    if (encoder->used < encoder->capacity)
        encoder->ids[encoder->used] = id;
    encoder->used++;
}

/* ---- The queue of pairs ---- */

static void push(struct encoder *encoder, uint64_t key)
{
    uint64_t *heap = encoder->queue;
    uint32_t at = encoder->queued++;

    for (; at > 0 && heap[(at - 1) / 2] < key; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = key;
}

static uint64_t pop(struct encoder *encoder)
{
    uint64_t *heap = encoder->queue;
    uint64_t best = heap[0], key = heap[--encoder->queued];
    uint32_t at = 0;

    for (uint32_t child; (child = 2 * at + 1) < encoder->queued; at = child) {
        if (child + 1 < encoder->queued && heap[child] < heap[child + 1])
            child++;
        if (key >= heap[child])
            break;
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

    if (left == NONE)
        return;
    struct symbol *symbol = &encoder->symbols[left];
    symbol->rank = 0;
    if (symbol->next == NONE)
        return;
    int32_t id = tokenizer_find(tokenizer, encoder->text + symbol->start,
                                symbol->length + encoder->symbols[symbol->next].length);
    if (id == TOKEN_ABSENT)
        return;
    symbol->rank = tokenizer->rank[id];
    push(encoder, (uint64_t)symbol->rank << 32 | (NONE - left));
}

static void merge_with_next(struct encoder *encoder, uint32_t left)
{
    struct symbol *symbol = &encoder->symbols[left], *right = &encoder->symbols[symbol->next];

    symbol->length += right->length;
    symbol->next = right->next;
    right->length = 0;
    right->rank = 0;
    if (symbol->next != NONE)
        encoder->symbols[symbol->next].previous = left;
    offer_pair(encoder, symbol->previous);
    offer_pair(encoder, left);
}

static void merge_all(struct encoder *encoder, uint32_t count)
{
    encoder->queued = 0;
    for (uint32_t i = 0; i < count; i++)
        offer_pair(encoder, i);
    while (encoder->queued > 0) {
        uint64_t key = pop(encoder);
        uint32_t left = NONE - (uint32_t)key;
        /* Entries of pairs that are gone stay queued: then the rank differs, or it is that of the pair there now,
           whose turn it is just as well. */
        if (encoder->symbols[left].rank == key >> 32)
            merge_with_next(encoder, left);
    }
}

/* Cuts the text by the lead bytes alone: ill-formed text makes odd symbols, and then byte tokens. */
static uint32_t cut_symbols(struct encoder *encoder, uint32_t n)
{
    static const uint8_t lengths[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 2, 3, 4}; /* by the upper four bits */
    uint32_t count = 0;

    for (uint32_t start = 0, length; start < n; start += length) {
        length = lengths[encoder->text[start] >> 4];
        length = length < n - start ? length : n - start;
        encoder->symbols[count] = (struct symbol){start, length, count - 1, count + 1, 0}; /* 0 - 1 is NONE */
        count++;
    }
    encoder->symbols[count - 1].next = NONE;
    return count;
}

/* Encodes a stretch of text without user-defined tokens, n >= 1. */
static void encode_fragment(struct encoder *encoder, const char *text, size_t n, bool add_space)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    uint32_t used = 0;

    if (add_space) {
        memcpy(encoder->text, SPACE, SPACE_BYTES);
        used = SPACE_BYTES;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] == ' ') {
            memcpy(encoder->text + used, SPACE, SPACE_BYTES);
            used += SPACE_BYTES;
        } else {
            encoder->text[used++] = (uint8_t)text[i];
        }
    }
    merge_all(encoder, cut_symbols(encoder, used));
    for (uint32_t i = 0; i != NONE; i = encoder->symbols[i].next) {
        const struct symbol *symbol = &encoder->symbols[i];
        int32_t id = tokenizer_find(tokenizer, encoder->text + symbol->start, symbol->length);
        emit(encoder, id);
        for (uint32_t k = 0; id == TOKEN_ABSENT && k < symbol->length; k++)
            emit(encoder, tokenizer->byte_token[encoder->text[symbol->start + k]]);
    }
}

/* ---- User-defined tokens ---- */

static bool is_free(const int32_t *user, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (user[i] != USER_FREE)
            return false;
    }
    return true;
}

/* Marks the user-defined tokens in the text: longest first, leftmost first, without overlap. */
static void mark_user_tokens(struct encoder *encoder, const char *text, size_t n)
{
    const struct tokenizer *tokenizer = encoder->tokenizer;
    int32_t *user = encoder->user;

    for (size_t i = 0; i < n; i++)
        user[i] = USER_FREE;
    for (size_t length = tokenizer->user_longest; length > 0; length--) {
        for (size_t i = 0; i + length <= n; i++) {
            int32_t id = tokenizer_find(tokenizer, (const uint8_t *)text + i, length);
            if (id == TOKEN_ABSENT || tokenizer->type[id] != TOKEN_USER || !is_free(user + i, length))
                continue;
            user[i] = id;
            for (size_t k = 1; k < length; k++)
                user[i + k] = USER_COVERED;
        }
    }
}

int32_t tokenizer_encode(const struct tokenizer *tokenizer, const char *text, size_t n, int32_t *ids, uint32_t capacity,
                         void *scratch)
{
    struct encoder encoder = {.tokenizer = tokenizer, .ids = ids, .capacity = capacity};
    bool add_space = tokenizer->add_space_prefix; /* at the start and after each user-defined token */

    if (n > TOKENIZER_TEXT_MAX)
        return -1;
    divide_scratch(&encoder, scratch, n);
    if (tokenizer->add_bos)
        emit(&encoder, tokenizer->bos);
    mark_user_tokens(&encoder, text, n);
    for (size_t i = 0, end; i < n; i = end) {
        end = i + 1;
        if (encoder.user[i] == USER_FREE) {
            while (end < n && encoder.user[end] == USER_FREE)
                end++;
            encode_fragment(&encoder, text + i, end - i, add_space);
        } else {
            while (end < n && encoder.user[end] == USER_COVERED)
                end++;
            emit(&encoder, encoder.user[i]);
        }
        add_space = tokenizer->add_space_prefix && encoder.user[i] != USER_FREE;
    }
    return encoder.used <= capacity ? (int32_t)encoder.used : -1;
}
