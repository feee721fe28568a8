/* Word wrap for a stream of text: breaks a model's output at spaces before the edge of the screen. */
#ifndef BOOTLLAMA_WRAP_H
#define BOOTLLAMA_WRAP_H

#include "base/utf8.h"
#include "platform.h"

enum { WRAP_WORD_MAX = 1024 }; /* bytes */

#define WRAP_TIE "\x1F" /* a no-break space, between a name and its value */

struct wrap {
    struct platform *platform;
    uint32_t limit;        /* usable columns of a line: the width without its last column; UINT32_MAX = any */
    uint32_t column;       /* where the next character goes, from 0 */
    uint32_t spaces;       /* pending: dropped if the line breaks here */
    uint32_t word_columns; /* of the pending word */
    uint32_t word_bytes, out_bytes;
    bool splitting;            /* the word is too long for a line and passes on as it arrives */
    struct utf8_stream stream; /* the start of a character */
    char word[WRAP_WORD_MAX];  /* the pending word, UTF-8, with marks where the colour changes */
    char out[WRAP_WORD_MAX];   /* reaches the platform by the end of the call */
};

/* Whether a code point can be shown on the screen. */
bool wrap_is_shown(uint32_t code_point);

/* Begins a text at column 0. width: columns of the screen; the last one stays free because screens wrap there. 0 =
   lines are never broken. */
void wrap_begin(struct wrap *wrap, struct platform *platform, uint32_t width);

/*
 * Takes n bytes of UTF-8, cut anywhere, and passes on every complete word. A line breaks at spaces, which are then
 * dropped; only a word longer than a line is split. Tabs become spaces; control characters except tab, '\n' and
 * WRAP_TIE are dropped; ill-formed bytes become U+FFFD. The result does not depend on how the text is divided into
 * calls.
 */
void wrap_put(struct wrap *wrap, const char *utf8, size_t n);

/* Gives the text that follows another colour; the word before keeps its own. */
void wrap_colour(struct wrap *wrap, enum platform_colour colour);

/* Passes on what is pending. The next text begins with wrap_begin. */
void wrap_end(struct wrap *wrap);

#endif
