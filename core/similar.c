#include "similar.h"

#include <stdbool.h>

#include "format.h"

enum { WORD_MAX = 32, LETTERS_A_SLIP = 3 };

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static uint32_t least(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Slips between two words of n and m < WORD_MAX letters: Damerau-Levenshtein, no letter touched twice. */
static uint32_t distance(const char *a, size_t n, const char *b, size_t m)
{
    uint8_t row[3][WORD_MAX]; /* row i % 3, column j: between the first i letters of a and the first j of b */

    for (size_t i = 0; i <= n; i++) {
        uint8_t *now = row[i % 3], *above = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = (uint8_t)i;
        for (size_t j = 1; j <= m; j++) {
            if (i == 0) {
                now[j] = (uint8_t)j;
                continue;
            }
            const bool same = lower(a[i - 1]) == lower(b[j - 1]);
            uint32_t best = least(least(above[j], now[j - 1]) + 1u, above[j - 1] + !same);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) && lower(a[i - 2]) == lower(b[j - 1])) {
                best = least(best, before[j - 2] + 1u);
            }
            now[j] = (uint8_t)best;
        }
    }
    return row[n % 3][m];
}

static bool abbreviates(const char *typed, size_t n, const char *word, size_t m)
{
    for (size_t i = 0; i < n; i++) {
        if (i >= m || lower(typed[i]) != lower(word[i])) {
            return false;
        }
    }
    return n >= 2; /* a single letter, or the slash of a command, says nothing */
}

const char *similar_word(const char *typed, const char *const *words, uint32_t count)
{
    const size_t n = text_length(typed);
    const char *closest = NULL;
    uint32_t best = UINT32_MAX;

    for (uint32_t i = 0; i < count && n < WORD_MAX; i++) {
        const size_t m = text_length(words[i]);
        if (m >= WORD_MAX) {
            continue;
        }
        const uint32_t slips = abbreviates(typed, n, words[i], m) ? 0 : distance(typed, n, words[i], m);
        if (slips < best && slips * LETTERS_A_SLIP <= (n > m ? n : m)) {
            best = slips;
            closest = words[i];
        }
    }
    return closest;
}
