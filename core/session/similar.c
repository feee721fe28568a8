#include "session/similar.h"

#include <stdbool.h>

#include "base/text.h"

enum { SLIPS_MAX = 4, LETTERS_A_SLIP = 3 };

static bool same(char a, char b)
{
    return text_lower(a) == text_lower(b);
}

/* Whether at most this many slips separate two words: Damerau-Levenshtein distance, each letter edited at most once. */
static bool is_within(const char *a, const char *b, uint32_t slips)
{
    for (; a[0] != 0 && same(a[0], b[0]); a++) {
        b++;
    }
    if (a[0] == 0 && b[0] == 0) {
        return true;
    }
    if (slips-- == 0) {
        return false;
    }
    return (a[0] != 0 && is_within(a + 1, b, slips)) || (b[0] != 0 && is_within(a, b + 1, slips)) ||
           (a[0] != 0 && b[0] != 0 &&
            (is_within(a + 1, b + 1, slips) ||
             (a[1] != 0 && same(a[0], b[1]) && same(a[1], b[0]) && is_within(a + 2, b + 2, slips))));
}

/* A single letter, or the slash of a command alone, does not count as an abbreviation. */
static bool abbreviates(const char *typed, size_t n, const char *word)
{
    size_t i = 0;
    while (i < n && same(typed[i], word[i])) {
        i++;
    }
    return n >= 2 && i == n;
}

const char *similar_word(const char *typed, const char *const *words, uint32_t count)
{
    const size_t n = text_length(typed);
    for (uint32_t slips = 0; slips <= SLIPS_MAX; slips++) {
        for (uint32_t i = 0; i < count; i++) {
            const size_t m = text_length(words[i]);
            if (abbreviates(typed, n, words[i]) ||
                (slips * LETTERS_A_SLIP <= (n > m ? n : m) && is_within(typed, words[i], slips))) {
                return words[i];
            }
        }
    }
    return NULL;
}
