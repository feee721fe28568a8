#include "text/decoder.h"

#include "base/memory.h"

struct output {
    char *text;
    size_t used, size;
};

static void put_sequence(struct output *out, const void *bytes, size_t n)
{
    if (n > out->size - out->used) {
        out->size = out->used; /* nothing after a sequence that does not fit */
        return;
    }
    memcpy(out->text + out->used, bytes, n);
    out->used += n;
}

static void put_byte(struct decoder *decoder, struct output *out, uint8_t byte)
{
    char sequence[UTF8_MAX];
    size_t n;
    utf8_push(&decoder->stream, byte);
    while ((n = utf8_pop(&decoder->stream, sequence)) > 0) {
        put_sequence(out, sequence, n);
    }
}

void decoder_begin(struct decoder *decoder, bool at_start)
{
    *decoder = (struct decoder){.at_start = at_start};
}

/* Takes the next byte of a piece's text; in SentencePiece's normal pieces U+2581 is a space. Returns the bytes of the
   piece used. */
static uint32_t read_byte(const uint8_t *piece, uint32_t n, uint8_t type, bool bpe, uint8_t *byte)
{
    *byte = piece[0];
    if (type == GGUF_TOKEN_BYTE) {
        *byte = (uint8_t)tokenizer_byte_name(piece, n);
        return n;
    }
    if (type == GGUF_TOKEN_NORMAL && !bpe && n >= 3 && memcmp(piece, "\xE2\x96\x81", 3) == 0) {
        *byte = ' ';
        return 3;
    }
    return 1;
}

/* Whether the token has text to show. What a model thinks is marked by two tokens that some files call control ones. */
static bool is_shown(uint8_t type, const uint8_t *piece, size_t n)
{
    static const char open[] = "<think>", close[] = "</think>";
    return type == GGUF_TOKEN_NORMAL || type == GGUF_TOKEN_USER || type == GGUF_TOKEN_BYTE ||
           (type == GGUF_TOKEN_CONTROL && ((n == sizeof open - 1 && memcmp(piece, open, n) == 0) ||
                                           (n == sizeof close - 1 && memcmp(piece, close, n) == 0)));
}

size_t decoder_push(struct decoder *decoder, const struct tokenizer *tokenizer, int32_t id, char *out, size_t size)
{
    struct output output = {out, 0, size};
    if (id < 0 || (uint32_t)id >= tokenizer->vocabulary) {
        return 0;
    }
    uint8_t type = tokenizer->type[id], byte;
    const bool bpe = tokenizer->kind == GGUF_TOKENIZER_BPE;
    const uint8_t *piece = tokenizer->text + tokenizer->text_start[id];
    const uint8_t *end = tokenizer->text + tokenizer->text_start[id + 1];
    if (!is_shown(type, piece, (size_t)(end - piece))) {
        return 0;
    }
    while (piece < end) {
        piece += read_byte(piece, (uint32_t)(end - piece), type, bpe, &byte);
        bool dummy = decoder->at_start && tokenizer->add_space_prefix && byte == ' ';
        decoder->at_start = false;
        if (!dummy) {
            put_byte(decoder, &output, byte);
        }
    }
    return output.used;
}

size_t decoder_end(struct decoder *decoder, char *out, size_t size)
{
    struct output output = {out, 0, size};
    if (decoder->stream.count > 0) {
        put_sequence(&output, UTF8_REPLACEMENT, sizeof UTF8_REPLACEMENT - 1);
    }
    decoder->stream.count = 0;
    return output.used;
}
