#include "session/config_file.h"

#include "base/format.h"
#include "base/memory.h"
#include "base/utf8.h"

enum {
    REPORTS_MAX = 10,
    LINE_BYTES = CONFIG_VALUE_MAX + 256, /* kept of a line: any value, its key and a comment */
    GUESS_BYTES = 256,                   /* examined for the encoding of a text without a byte-order mark */
    END_OF_FILE = 0x1A,                  /* as DOS appends it to a text */
};

/* ---- Characters ---- */

enum encoding { UTF_8, UTF_16LE, UTF_16BE };

struct source {
    const uint8_t *bytes;
    size_t n, at;
    enum encoding encoding;
};

/* UTF-16 without a byte-order mark has a zero in every other byte, because the text begins in ASCII. Trailing zeros may
   be padding. */
static enum encoding guess_encoding(const uint8_t *bytes, size_t n)
{
    size_t zeros[2] = {0, 0};
    while (n > 0 && bytes[n - 1] == 0) {
        n--;
    }
    const size_t looked_at = n < GUESS_BYTES ? n : GUESS_BYTES;
    for (size_t i = 0; i < looked_at; i++) {
        zeros[i % 2] += bytes[i] == 0;
    }
    if (zeros[0] * 4 < looked_at && zeros[1] * 4 < looked_at) {
        return UTF_8;
    }
    return zeros[1] > zeros[0] ? UTF_16LE : UTF_16BE;
}

static uint32_t code_unit(const struct source *source, size_t at)
{
    const uint8_t *bytes = source->bytes + at;
    if (source->encoding == UTF_8) {
        return bytes[0];
    }
    const bool little = source->encoding == UTF_16LE;
    return (uint32_t)bytes[little ? 1 : 0] << 8 | bytes[little ? 0 : 1];
}

static size_t unit_bytes(const struct source *source)
{
    return source->encoding == UTF_8 ? 1 : 2;
}

/* The text between its byte-order mark and any DOS end-of-file character or padding. */
static struct source source_of(const char *text, size_t n)
{
    struct source source = {.bytes = (const uint8_t *)text, .n = n};
    if (n >= 3 && memcmp(text, "\xEF\xBB\xBF", 3) == 0) {
        source.at = 3;
    } else if (n >= 2 && (memcmp(text, "\xFF\xFE", 2) == 0 || memcmp(text, "\xFE\xFF", 2) == 0)) {
        source.encoding = source.bytes[0] == 0xFF ? UTF_16LE : UTF_16BE;
        source.at = 2;
    } else {
        source.encoding = guess_encoding(source.bytes, n);
    }
    const size_t unit = unit_bytes(&source);
    source.n -= (n - source.at) % unit;
    while (source.n > source.at) {
        const uint32_t last = code_unit(&source, source.n - unit);
        if (last != END_OF_FILE && last != 0) {
            break;
        }
        source.n -= unit;
    }
    return source;
}

/* Reads the next character as UTF-8, or one byte of it, at source->at < source->n. Returns its bytes. */
static size_t next_piece(struct source *source, char out[UTF8_MAX])
{
    uint32_t unit = code_unit(source, source->at);
    source->at += unit_bytes(source);
    if (source->encoding == UTF_8) {
        out[0] = (char)unit;
        return 1;
    }
    if (unit >= 0xD800 && unit < 0xDC00 && source->at < source->n) { /* the first half of a pair */
        const uint32_t second = code_unit(source, source->at);
        if (second >= 0xDC00 && second < 0xE000) {
            source->at += 2;
            unit = 0x10000 + ((unit - 0xD800) << 10) + (second - 0xDC00);
        }
    }
    return utf8_encode(out, unit);
}

/* ---- Lines ---- */

struct line_text {
    size_t n;
    bool cut; /* the line was longer than the buffer */
    char text[LINE_BYTES];
};

/* Reads the next line without its line ending. Returns false past the last one. */
static bool next_line(struct source *source, struct line_text *line)
{
    char piece[UTF8_MAX];
    if (source->at >= source->n) {
        return false;
    }
    line->n = 0;
    line->cut = false;
    while (source->at < source->n) {
        const size_t bytes = next_piece(source, piece);
        if (piece[0] == '\r' && source->at < source->n && code_unit(source, source->at) == '\n') {
            continue;
        }
        if (piece[0] == '\r' || piece[0] == '\n') {
            break;
        }
        line->cut = line->cut || bytes > sizeof line->text - line->n;
        if (!line->cut) {
            memcpy(line->text + line->n, piece, bytes);
            line->n += bytes;
        }
    }
    return true;
}

/* A line is blank, a comment, or key = value. */
static int set_line(struct config *config, const struct line_text *line, struct error *error)
{
    size_t start = 0, equals = 0;
    while (start < line->n && (line->text[start] == ' ' || line->text[start] == '\t')) {
        start++;
    }
    if (start == line->n || line->text[start] == '#' || line->text[start] == ';') {
        return 0;
    }
    if (line->cut) {
        return error_set(error, "the line is longer than %u bytes", (uint32_t)LINE_BYTES);
    }
    while (equals < line->n && line->text[equals] != '=') {
        equals++;
    }
    if (equals == line->n) {
        return error_set(error, "write a setting as key = value");
    }
    return config_set(config, line->text, equals, line->text + equals + 1, line->n - equals - 1, error);
}

void config_file_parse(struct config *config, const char *text, size_t n,
                       void (*report)(void *context, const char *message), void *context)
{
    struct source source = source_of(text, n);
    struct line_text line;
    struct error error;
    char message[sizeof error.text + 32];
    uint32_t wrong = 0;
    for (uint32_t number = 1; next_line(&source, &line); number++) {
        if (set_line(config, &line, &error) == 0 || ++wrong > REPORTS_MAX) {
            continue;
        }
        format(message, sizeof message, "line %u: %s", number, error.text);
        report(context, message);
    }
    if (wrong > REPORTS_MAX) {
        format(message, sizeof message, "and %u more wrong line%s", wrong - REPORTS_MAX,
               wrong - REPORTS_MAX == 1 ? "" : "s");
        report(context, message);
    }
}
