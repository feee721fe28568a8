#include "session/wrap.h"

#include "base/memory.h"

/* In a pending text a control character, which none has otherwise, marks a change of colour: this one and those after
   it stand for the colours. */
enum { COLOUR_MARK = 0x10, COLOUR_MARKS_END = 0x18 };

static void flush(struct wrap *wrap)
{
    struct platform *platform = wrap->platform;
    uint32_t from = 0;
    for (uint32_t i = 0; i <= wrap->out_bytes; i++) {
        const bool mark = i < wrap->out_bytes && wrap->out[i] >= COLOUR_MARK && wrap->out[i] < COLOUR_MARKS_END;
        if ((mark || i == wrap->out_bytes) && i > from) {
            platform->put(platform, wrap->out + from, i - from);
        }
        if (mark) {
            platform->set_colour(platform, (enum platform_colour)(wrap->out[i] - COLOUR_MARK));
            from = i + 1;
        }
    }
    wrap->out_bytes = 0;
}

static void emit(struct wrap *wrap, const char *text, uint32_t n, uint32_t columns)
{
    if (n > sizeof wrap->out - wrap->out_bytes) {
        flush(wrap);
    }
    memcpy(wrap->out + wrap->out_bytes, text, n);
    wrap->out_bytes += n;
    wrap->column += columns;
}

/* Passes on the pending spaces as far as they fit on the line. */
static void emit_spaces(struct wrap *wrap)
{
    for (; wrap->spaces > 0 && wrap->column < wrap->limit; wrap->spaces--) {
        emit(wrap, " ", 1, 1);
    }
    wrap->spaces = 0;
}

static void new_line(struct wrap *wrap)
{
    emit(wrap, "\n", 1, 0);
    wrap->column = 0;
    wrap->spaces = 0;
}

/* Passes on the pending word: on this line, or on the next one without the spaces before it. */
static void emit_word(struct wrap *wrap)
{
    const uint32_t room = wrap->column < wrap->limit ? wrap->limit - wrap->column : 0;
    if (wrap->spaces <= room && wrap->word_columns <= room - wrap->spaces) {
        emit_spaces(wrap);
    } else if (wrap->column > 0) {
        new_line(wrap);
    }
    wrap->spaces = 0;
    emit(wrap, wrap->word, wrap->word_bytes, wrap->word_columns);
    wrap->word_bytes = wrap->word_columns = 0;
}

static void end_word(struct wrap *wrap)
{
    if (wrap->word_bytes > 0) {
        emit_word(wrap);
    }
    wrap->splitting = false;
}

static void put_letter(struct wrap *wrap, const char *bytes, uint32_t n, uint32_t columns)
{
    const bool too_long = columns > wrap->limit - wrap->word_columns || n > sizeof wrap->word - wrap->word_bytes;
    if (!wrap->splitting && too_long) {
        emit_word(wrap);
        wrap->splitting = true;
    }
    if (!wrap->splitting) {
        memcpy(wrap->word + wrap->word_bytes, bytes, n);
        wrap->word_bytes += n;
        wrap->word_columns += columns;
        return;
    }
    if (wrap->column > 0 && (wrap->column >= wrap->limit ? columns > 0 : columns > wrap->limit - wrap->column)) {
        new_line(wrap);
    }
    emit(wrap, bytes, n, columns);
}

bool wrap_is_shown(uint32_t code_point)
{
    return code_point >= (uint8_t)WRAP_TIE[0] && !(code_point >= 0x7F && code_point < 0xA0);
}

/* Where lines are never broken, nothing is pending. */
static void pass_unbroken(struct wrap *wrap)
{
    if (wrap->limit == UINT32_MAX) {
        end_word(wrap);
        emit_spaces(wrap);
        wrap->column = 0;
    }
}

static void put_character(struct wrap *wrap, const char *bytes, uint32_t n)
{
    const char *text = bytes;
    const uint32_t code = utf8_next(&text, bytes + n);
    if (code == '\n') {
        end_word(wrap);
        emit_spaces(wrap);
        new_line(wrap);
    } else if (code == ' ' || code == '\t') {
        end_word(wrap);
        wrap->spaces += wrap->spaces < UINT32_MAX;
    } else if (code == (uint8_t)WRAP_TIE[0]) {
        put_letter(wrap, " ", 1, 1);
    } else if (wrap_is_shown(code)) {
        put_letter(wrap, bytes, n, utf8_columns(code));
    }
    pass_unbroken(wrap);
}

void wrap_colour(struct wrap *wrap, enum platform_colour colour)
{
    const char mark = (char)(COLOUR_MARK + colour);
    put_letter(wrap, &mark, 1, 0);
    pass_unbroken(wrap);
}

void wrap_begin(struct wrap *wrap, struct platform *platform, uint32_t width)
{
    memset(wrap, 0, sizeof *wrap);
    wrap->platform = platform;
    wrap->limit = width == 0 ? UINT32_MAX : width == 1 ? 1 : width - 1;
}

void wrap_put(struct wrap *wrap, const char *utf8, size_t n)
{
    char sequence[UTF8_MAX];
    size_t length;
    for (size_t i = 0; i < n; i++) {
        utf8_push(&wrap->stream, (uint8_t)utf8[i]);
        while ((length = utf8_pop(&wrap->stream, sequence)) > 0) {
            put_character(wrap, sequence, (uint32_t)length);
        }
    }
    flush(wrap);
}

void wrap_end(struct wrap *wrap)
{
    if (wrap->stream.count > 0) {
        wrap->stream.count = 0;
        put_character(wrap, UTF8_REPLACEMENT, sizeof UTF8_REPLACEMENT - 1);
    }
    end_word(wrap);
    emit_spaces(wrap);
    flush(wrap);
}
