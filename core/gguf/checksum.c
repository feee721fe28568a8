#include "gguf/checksum.h"

enum { WORD_BYTES = 4, WORDS_AT_ONCE = 8 };

static uint32_t add_word(uint32_t sum, uint32_t word)
{
    return (sum ^ word) * 0x01000193u;
}

static uint32_t word_at(const uint8_t *bytes)
{
    uint32_t word;
    __builtin_memcpy(&word, bytes, sizeof word);
    return word;
}

static void add_byte(struct checksum *checksum, uint8_t byte)
{
    checksum->word |= (uint32_t)byte << (8 * checksum->bytes++);
    if (checksum->bytes == WORD_BYTES) {
        *checksum = (struct checksum){.sum = add_word(checksum->sum, checksum->word)};
    }
}

void checksum_add(struct checksum *checksum, const void *bytes, size_t n)
{
    const uint8_t *next = bytes;
    for (; n > 0 && checksum->bytes > 0; n--) {
        add_byte(checksum, *next++);
    }
    uint32_t sum = checksum->sum;
    for (; n >= WORDS_AT_ONCE * WORD_BYTES; n -= WORDS_AT_ONCE * WORD_BYTES, next += WORDS_AT_ONCE * WORD_BYTES) {
#pragma GCC unroll 8
        for (uint32_t i = 0; i < WORDS_AT_ONCE; i++) {
            sum = add_word(sum, word_at(next + i * WORD_BYTES));
        }
    }
    for (; n >= WORD_BYTES; n -= WORD_BYTES, next += WORD_BYTES) {
        sum = add_word(sum, word_at(next));
    }
    checksum->sum = sum;
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
