#include "session/command_line.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"

enum { WORD_MAX = ENGINE_PROMPT_MAX + 32 }; /* any value and its key */

struct word {
    char text[WORD_MAX];
    size_t n;
    size_t key; /* bytes before the first '='; 0 = there is no key */
    bool cut;   /* it is longer than the buffer */
};

static bool is_blank(char c)
{
    return (unsigned char)c <= ' ';
}

static bool is_escape(const char *text)
{
    return text[0] == '\\' && (text[1] == '"' || text[1] == '\'' || text[1] == '\\');
}

/* Reads the word at `from`, which is not blank. Returns where it ends. */
static const char *read_word(const char *from, struct word *word)
{
    bool inside = false, opened = false, quote = false; /* quote: the word so far ends in one that counts */
    word->n = word->key = 0;
    word->cut = false;
    for (; *from != 0 && (inside || !is_blank(*from)); from++) {
        quote = *from == '"';
        inside ^= quote;
        if (quote && !opened && (word->n == 0 || (word->key > 0 && word->n == word->key + 1))) {
            opened = true;
            quote = false;
            continue;
        }
        from += is_escape(from);
        if (*from == '=' && word->key == 0) {
            word->key = word->n;
        }
        word->cut = word->cut || word->n == sizeof word->text;
        if (!word->cut) {
            word->text[word->n++] = *from;
        }
    }
    word->n -= quote && opened && !word->cut;
    return from;
}

/* Whether a loader has added it: which files it has loaded. */
static bool is_loaders_own(const struct word *word)
{
    static const char *const keys[] = {"BOOT_IMAGE", "initrd"};
    for (uint32_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (word->key == text_length(keys[i]) && memcmp(word->text, keys[i], word->key) == 0) {
            return true;
        }
    }
    return false;
}

/* Adds the word to those that are ignored. */
static void ignore(const struct word *word, char *ignored, size_t size)
{
    const size_t used = text_length(ignored);
    if (used + 2 < size) {
        ignored[used] = ' ';
        utf8_printable(ignored + used + 1, size - used - 1, (const uint8_t *)word->text, word->n);
    }
}

void command_line_parse(struct config *config, const char *line, char *ignored, size_t size,
                        void (*report)(void *context, const char *message), void *context)
{
    struct word word;
    struct error error;
    ignored[0] = 0;
    for (;;) {
        while (*line != 0 && is_blank(*line)) {
            line++;
        }
        if (*line == 0) {
            return;
        }
        line = read_word(line, &word);
        const int index = word.key > 0 && !word.cut ? config_find(word.text, word.key, &error) : -1;
        if (index < 0 && !is_loaders_own(&word)) {
            ignore(&word, ignored, size);
        } else if (index >= 0 && config_set_plain(config, (uint32_t)index, word.text + word.key + 1,
                                                  word.n - word.key - 1, &error) != 0) {
            report(context, error.text);
        }
    }
}
