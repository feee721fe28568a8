/* Tokens to text as they come: the bytes of one token at a time in, whole UTF-8 sequences out. */
#ifndef BOOTLLAMA_DECODER_H
#define BOOTLLAMA_DECODER_H

#include "base/utf8.h"
#include "text/tokenizer.h"

struct decoder {
    struct utf8_stream stream; /* the start of an incomplete sequence */
    bool at_start;             /* the dummy prefix space is still to be dropped */
};

enum { DECODER_OUT_MAX = 3 * (GGUF_PIECE_MAX + 4) + 1 }; /* most bytes that one decoder_push can write */

/* at_start: the text begins here, so one leading space is dropped (if add_space_prefix is set). */
void decoder_begin(struct decoder *decoder, bool at_start);

/* Text of token `id`: control, unknown and unused tokens and ids out of range produce nothing. Ill-formed bytes become
   U+FFFD by the Unicode standard's maximal-subpart practice (ch. 3.9). Writes at most `size` bytes of whole sequences,
   no NUL; returns the count. */
size_t decoder_push(struct decoder *decoder, const struct tokenizer *tokenizer, int32_t id, char *out, size_t size);

/* Writes what is pending at the end of the text: U+FFFD or nothing. `size` >= 3. */
size_t decoder_end(struct decoder *decoder, char *out, size_t size);

#endif
