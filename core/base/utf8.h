/* UTF-8 by the Unicode standard: well-formed sequences as in table 3-7, ill-formed bytes by maximal subparts. */
#ifndef BOOTLLAMA_UTF8_H
#define BOOTLLAMA_UTF8_H

#include <stddef.h>
#include <stdint.h>

#define UTF8_REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
enum { UTF8_REPLACEMENT_CODE = 0xFFFD };

/*
 * Looks at the start of bytes[0..n), n >= 1. Returns the length 1..4 of the well-formed sequence there; or -k where
 * the first k bytes are ill-formed and stand for one U+FFFD; or 0 if the n bytes are the start of a well-formed
 * sequence, cut off.
 */
int utf8_sequence(const uint8_t *bytes, size_t n);

/* The code point at *text, which lies before `end`; moves *text past it. Ill-formed bytes give UTF8_REPLACEMENT_CODE,
   one for as many as utf8_sequence says. */
uint32_t utf8_next(const char **text, const char *end);

/*
 * Makes text from a file safe to show on one line: copies whole sequences of bytes[0..n) to out, with '?' for control
 * characters and ill-formed bytes, then a NUL; stops before a sequence that does not fit `size` >= 1 bytes.
 */
void utf8_printable(char *out, size_t size, const uint8_t *bytes, size_t n);

enum { UTF8_MAX = 4 }; /* bytes of one sequence at most */

/* Writes a Unicode scalar value as UTF-8 and returns its bytes; writes anything else as U+FFFD. */
size_t utf8_encode(char out[UTF8_MAX], uint32_t code_point);

/* Bytes of a text one at a time in, whole characters out. Starts as all zeros. */
struct utf8_stream {
    uint8_t pending[UTF8_MAX]; /* the start of a sequence */
    uint32_t count;
};

/* Adds the next byte. utf8_pop must have taken all complete characters before. */
void utf8_push(struct utf8_stream *stream, uint8_t byte);

/* Writes the next character, U+FFFD for ill-formed bytes, and returns its bytes; 0 if none is complete. */
size_t utf8_pop(struct utf8_stream *stream, char out[UTF8_MAX]);

/* Columns that a printable character takes on a terminal: 0 (combining marks, joiners), 1 or 2 (East Asian wide,
   emoji). Decided by blocks of the Unicode standard, not by single characters. */
uint32_t utf8_columns(uint32_t code_point);

#endif
