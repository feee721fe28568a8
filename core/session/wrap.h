/* Word wrap for a stream of text: what a model writes, broken at spaces before the edge of the screen. */
#ifndef BOOTLLAMA_WRAP_H
#define BOOTLLAMA_WRAP_H

#include "base/utf8.h"
#include "platform.h"

enum { WRAP_WORD_MAX = 1024 }; /* bytes */

#define WRAP_TIE "\x1F" /* shown as a space at which no line breaks: between a name and its value */

struct wrap {
    struct platform *platform;
    uint32_t limit;        /* columns that a line may fill: the width without its last column; UINT32_MAX = any */
    uint32_t column;       /* where the next character goes, from 0 */
    uint32_t spaces;       /* held back: dropped if the line breaks here */
    uint32_t word_columns; /* of the word held back */
    uint32_t word_bytes, out_bytes;
    bool splitting;            /* the word is too long for a line and goes out as it comes */
    struct utf8_stream stream; /* the start of a character */
    char word[WRAP_WORD_MAX];  /* the word held back, UTF-8 */
    char out[WRAP_WORD_MAX];   /* goes to the platform at the end of the call at the latest */
};

/* Whether a code point has a place on the screen. */
bool wrap_is_shown(uint32_t code_point);

/* Begins a text at column 0. width: columns of the screen, of which the last one stays free, since screens move on by
   themselves there; 0 = lines are never broken. */
void wrap_begin(struct wrap *wrap, struct platform *platform, uint32_t width);

/*
 * Takes n bytes of UTF-8, cut anywhere, and passes on every word that has ended. A line breaks at spaces, which are
 * then dropped; only a word longer than a line is split. Tabs are spaces, control characters but these, '\n' and
 * WRAP_TIE are dropped, ill-formed bytes become U+FFFD. The result does not depend on how the text is cut into calls.
 */
void wrap_put(struct wrap *wrap, const char *utf8, size_t n);

/* Passes on what is held back. The next text begins with wrap_begin. */
void wrap_end(struct wrap *wrap);

#endif
