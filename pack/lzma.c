#include "lzma.h"

enum {
    ONE_BITS = 11,
    ADAPT_SHIFT = 5,
    LENGTH_MIN = 2,
    LITERAL_STATES = 7, /* states below it: the last symbol was a literal */
    NEAR_SLOTS = 14,    /* distances with more slots than this have direct bits */
    ALIGN_BITS = 4,
};

struct range_decoder {
    const uint8_t *next, *end;
    uint32_t range, code;
    bool short_of_input;
};

struct lzma {
    struct range_decoder in;
    struct lzma_model *model;
    uint8_t *out;
    size_t at, bytes;
    uint32_t state;
    uint32_t distance[4]; /* the last ones, newest first, minus 1 */
};

static void normalize(struct range_decoder *in)
{
    if (in->range >> 24 != 0) {
        return;
    }
    in->range <<= 8;
    in->code <<= 8;
    if (in->next < in->end) {
        in->code |= *in->next++;
    } else {
        in->short_of_input = true;
    }
}

static uint32_t bit(struct range_decoder *in, uint16_t *zero)
{
    normalize(in);
    const uint32_t bound = (in->range >> ONE_BITS) * *zero;
    if (in->code < bound) {
        in->range = bound;
        *zero += ((1u << ONE_BITS) - *zero) >> ADAPT_SHIFT;
        return 0;
    }
    in->range -= bound;
    in->code -= bound;
    *zero -= *zero >> ADAPT_SHIFT;
    return 1;
}

/* `bits` bits of even chance, highest first. */
static uint32_t direct_bits(struct range_decoder *in, uint32_t bits)
{
    uint32_t value = 0;
    while (bits-- > 0) {
        normalize(in);
        in->range >>= 1;
        const uint32_t one = in->code >= in->range;
        in->code -= in->range & (0 - one);
        value = value * 2 + one;
    }
    return value;
}

/* `bits` bits, highest first, each with a probability of its own for what came before it. */
static uint32_t tree(struct range_decoder *in, uint16_t *zero, uint32_t bits)
{
    uint32_t node = 1;
    for (uint32_t i = 0; i < bits; i++) {
        node = node * 2 + bit(in, &zero[node]);
    }
    return node - (1u << bits);
}

/* The same, lowest bit first. */
static uint32_t reverse_tree(struct range_decoder *in, uint16_t *zero, uint32_t bits)
{
    uint32_t node = 1, value = 0;
    for (uint32_t i = 0; i < bits; i++) {
        const uint32_t one = bit(in, &zero[node]);
        node = node * 2 + one;
        value |= one << i;
    }
    return value;
}

static uint32_t length(struct range_decoder *in, struct lzma_length *model)
{
    if (bit(in, &model->beyond_low) == 0) {
        return LENGTH_MIN + tree(in, model->low, 3);
    }
    if (bit(in, &model->beyond_middle) == 0) {
        return LENGTH_MIN + 8 + tree(in, model->middle, 3);
    }
    return LENGTH_MIN + 16 + tree(in, model->high, 8);
}

static uint32_t new_distance(struct lzma *lzma, uint32_t match_length)
{
    struct lzma_model *model = lzma->model;
    const uint32_t of_length = match_length < LENGTH_MIN + 3 ? match_length - LENGTH_MIN : 3;
    const uint32_t slot = tree(&lzma->in, model->slot[of_length], 6);
    if (slot < 4) {
        return slot;
    }
    const uint32_t bits = slot / 2 - 1, high = (2 | (slot & 1)) << bits;
    if (slot < NEAR_SLOTS) {
        return high + reverse_tree(&lzma->in, model->near + high - slot, bits);
    }
    const uint32_t middle = direct_bits(&lzma->in, bits - ALIGN_BITS) << ALIGN_BITS;
    return high + middle + reverse_tree(&lzma->in, model->align, ALIGN_BITS);
}

/* After a match, the byte at the match's distance steers the bits for as long as it foretells them. */
static void literal(struct lzma *lzma)
{
    uint32_t node = 1;
    if (lzma->state >= LITERAL_STATES) {
        uint32_t foretold = lzma->out[lzma->at - lzma->distance[0] - 1], agrees = 1;
        while (node < 0x100 && agrees) {
            const uint32_t expected = foretold >> 7 & 1;
            const uint32_t one = bit(&lzma->in, &lzma->model->literal[1 + expected][node]);
            node = node * 2 + one;
            foretold <<= 1;
            agrees = one == expected;
        }
    }
    while (node < 0x100) {
        node = node * 2 + bit(&lzma->in, &lzma->model->literal[0][node]);
    }
    lzma->out[lzma->at++] = (uint8_t)node;
    lzma->state = lzma->state < 4 ? 0 : lzma->state < 10 ? lzma->state - 3 : lzma->state - 6;
}

/* Moves distance number `i` to the front. */
static void reuse_distance(struct lzma *lzma, uint32_t i)
{
    const uint32_t used = lzma->distance[i];
    for (; i > 0; i--) {
        lzma->distance[i] = lzma->distance[i - 1];
    }
    lzma->distance[0] = used;
}

static uint32_t repeated_match(struct lzma *lzma)
{
    struct lzma_model *model = lzma->model;
    struct range_decoder *in = &lzma->in;
    const uint32_t state = lzma->state;
    const bool after_literal = state < LITERAL_STATES;
    if (bit(in, &model->not_last[state]) == 0) {
        if (bit(in, &model->long_last[state]) == 0) {
            lzma->state = after_literal ? 9 : 11;
            return 1;
        }
    } else if (bit(in, &model->not_second[state]) == 0) {
        reuse_distance(lzma, 1);
    } else {
        reuse_distance(lzma, 2 + bit(in, &model->not_third[state]));
    }
    lzma->state = after_literal ? 8 : 11;
    return length(in, &model->repeated_length);
}

static uint32_t new_match(struct lzma *lzma)
{
    const uint32_t n = length(&lzma->in, &lzma->model->match_length);
    reuse_distance(lzma, 3);
    lzma->distance[0] = new_distance(lzma, n);
    lzma->state = lzma->state < LITERAL_STATES ? 7 : 10;
    return n;
}

/* A literal or a match. Returns false where the match begins before the output or goes on beyond it. */
static bool symbol(struct lzma *lzma)
{
    if (bit(&lzma->in, &lzma->model->match[lzma->state]) == 0) {
        literal(lzma);
        return true;
    }
    const bool repeated = bit(&lzma->in, &lzma->model->repeated[lzma->state]) != 0;
    uint32_t n = repeated ? repeated_match(lzma) : new_match(lzma);
    if (lzma->distance[0] >= lzma->at || n > lzma->bytes - lzma->at) {
        return false;
    }
    for (; n > 0; n--, lzma->at++) {
        lzma->out[lzma->at] = lzma->out[lzma->at - lzma->distance[0] - 1];
    }
    return true;
}

bool lzma_decode(uint8_t *out, size_t bytes, const uint8_t *packed, size_t packed_bytes, struct lzma_model *model)
{
    struct lzma lzma = {
        .in = {.next = packed, .end = packed + packed_bytes, .range = UINT32_MAX},
        .model = model,
        .out = out,
        .bytes = bytes,
    };
    uint16_t *probability = (uint16_t *)model;
    for (size_t i = 0; i < sizeof *model / sizeof *probability; i++) {
        probability[i] = 1u << (ONE_BITS - 1);
    }
    if (packed_bytes < 5 || packed[0] != 0) {
        return false;
    }
    for (uint32_t i = 1; i < 5; i++) {
        lzma.in.code = lzma.in.code << 8 | packed[i];
    }
    lzma.in.next += 5;
    while (lzma.at < bytes && !lzma.in.short_of_input) {
        if (!symbol(&lzma)) {
            return false;
        }
    }
    return lzma.at == bytes && !lzma.in.short_of_input;
}
