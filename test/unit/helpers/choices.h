/* A fuzzer's input as a row of choices: each takes what it needs from the front, and nothing left means 0. */
#ifndef BOOTLLAMA_TEST_CHOICES_H
#define BOOTLLAMA_TEST_CHOICES_H

#include <stddef.h>
#include <stdint.h>

struct choices {
    const uint8_t *next;
    size_t left;
};

static inline uint32_t choices_byte(struct choices *choices)
{
    if (choices->left == 0) {
        return 0;
    }
    choices->left--;
    return *choices->next++;
}

/* A number in [0, n), n >= 1. */
static inline uint32_t choices_below(struct choices *choices, uint32_t n)
{
    uint32_t value = choices_byte(choices);
    for (uint32_t most = 255; most < n - 1; most = most << 8 | 255) {
        value = value << 8 | choices_byte(choices);
    }
    return value % n;
}

/* True once in n times, if the input is random. */
static inline int choices_one_in(struct choices *choices, uint32_t n)
{
    return choices_below(choices, n) == n - 1;
}

#endif
