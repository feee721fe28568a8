#include "gguf/checksum.h"

static uint32_t add_word(uint32_t lane, uint32_t word)
{
    return ((lane << 13 | lane >> 19) ^ word) * 0x9E3779B1u;
}

static uint32_t word_at(const uint8_t *bytes)
{
    uint32_t word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

static void add_byte(struct checksum *checksum, uint8_t byte)
{
    uint32_t *const lane = &checksum->lane[checksum->bytes / 4];
    checksum->word |= (uint32_t)byte << checksum->bytes % 4 * 8;
    if (++checksum->bytes % 4 == 0) {
        *lane = add_word(*lane, checksum->word);
        checksum->word = 0;
        checksum->bytes %= CHECKSUM_BLOCK;
    }
}

void checksum_add(struct checksum *checksum, const void *bytes, size_t n)
{
    const uint8_t *next = bytes;
    for (; n > 0 && checksum->bytes > 0; n--) {
        add_byte(checksum, *next++);
    }
    uint32_t a = checksum->lane[0], b = checksum->lane[1], c = checksum->lane[2], d = checksum->lane[3];
    for (; n >= CHECKSUM_BLOCK; n -= CHECKSUM_BLOCK, next += CHECKSUM_BLOCK) {
        a = add_word(a, word_at(next)); /* no product waits for another one of the same block */
        b = add_word(b, word_at(next + 4));
        c = add_word(c, word_at(next + 8));
        d = add_word(d, word_at(next + 12));
    }
    checksum->lane[0] = a;
    checksum->lane[1] = b;
    checksum->lane[2] = c;
    checksum->lane[3] = d;
    for (; n > 0; n--) {
        add_byte(checksum, *next++);
    }
}

void checksum_pad(struct checksum *checksum)
{
    while (checksum->bytes > 0) {
        add_byte(checksum, 0);
    }
}

uint32_t checksum_value(const struct checksum *checksum)
{
    uint32_t sum = CHECKSUM_SEED;
    for (uint32_t i = 0; i < CHECKSUM_LANES; i++) {
        sum = add_word(sum, checksum->lane[i]);
    }
    return sum;
}
