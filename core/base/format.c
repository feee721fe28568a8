/* Formatting without a libc, and without a 64-bit division in 32-bit builds. */
#include "base/format.h"

#include "base/text.h"

struct output {
    char *text;
    size_t size, used; /* used < size while size > 0 */
};

struct field { /* of one conversion */
    size_t width;
    bool on_left, zeros;
};

static void put_char(struct output *out, char c)
{
    if (out->used + 1 < out->size) {
        out->text[out->used++] = c;
    }
}

static void put_padding(struct output *out, char c, size_t length, size_t width)
{
    for (; length < width; length++) {
        put_char(out, c);
    }
}

static void put_text(struct output *out, const char *text, size_t n, const struct field *field)
{
    if (!field->on_left) {
        put_padding(out, ' ', n, field->width);
    }
    for (size_t i = 0; i < n; i++) {
        put_char(out, text[i]);
    }
    if (field->on_left) {
        put_padding(out, ' ', n, field->width);
    }
}

/* Divides *value by base (10 or 16) in 16-bit steps and returns the remainder. */
static uint32_t divide_digit(uint64_t *value, uint32_t base)
{
    uint64_t quotient = 0;
    uint32_t remainder = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
        uint32_t step = remainder << 16 | (uint32_t)(*value >> shift & 0xFFFF);
        quotient = quotient << 16 | step / base;
        remainder = step % base;
    }
    *value = quotient;
    return remainder;
}

static void put_number(struct output *out, uint64_t value, uint32_t base, bool negative, const struct field *field)
{
    char digits[24]; /* 20 digits of 2^64 and a sign, filled from the end */
    size_t first = sizeof digits;
    struct field rest = *field;
    do {
        digits[--first] = "0123456789abcdef"[divide_digit(&value, base)];
    } while (value != 0);
    if (field->zeros && !field->on_left) {
        if (negative) {
            put_char(out, '-');
        }
        put_padding(out, '0', sizeof digits - first + negative, field->width);
        rest.width = 0;
    } else if (negative) {
        digits[--first] = '-';
    }
    put_text(out, digits + first, sizeof digits - first, &rest);
}

static const char *read_field(const char *pattern, struct field *field)
{
    *field = (struct field){0};
    for (; *pattern == '-' || *pattern == '0'; pattern++) {
        field->on_left |= *pattern == '-';
        field->zeros |= *pattern == '0';
    }
    for (; *pattern >= '0' && *pattern <= '9'; pattern++) {
        field->width = field->width * 10 + (size_t)(*pattern - '0');
    }
    return pattern;
}

size_t format_list(char *out, size_t size, const char *pattern, va_list arguments)
{
    struct output output = {out, size, 0};
    struct field field;
    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '%') {
            put_char(&output, *pattern);
            continue;
        }
        pattern = read_field(pattern + 1, &field);
        if (*pattern == 's') {
            const char *text = va_arg(arguments, const char *);
            text = text != NULL ? text : "(null)";
            put_text(&output, text, text_length(text), &field);
        } else if (*pattern == 'c') {
            char c = (char)va_arg(arguments, int);
            put_text(&output, &c, 1, &field);
        } else if (*pattern == 'd') {
            int value = va_arg(arguments, int);
            put_number(&output, value < 0 ? 0 - (uint32_t)value : (uint32_t)value, 10, value < 0, &field);
        } else if (*pattern == 'u' || *pattern == 'x') {
            put_number(&output, va_arg(arguments, uint32_t), *pattern == 'u' ? 10 : 16, false, &field);
        } else if (pattern[0] == 'l' && pattern[1] == 'l' && pattern[2] == 'u') {
            put_number(&output, va_arg(arguments, unsigned long long), 10, false, &field);
            pattern += 2;
        } else if (pattern[0] == 'z' && pattern[1] == 'u') {
            put_number(&output, va_arg(arguments, size_t), 10, false, &field);
            pattern += 1;
        } else if (*pattern == '%') {
            put_char(&output, '%');
        } else {
            break; /* unknown conversion: the arguments after it would be misread */
        }
    }
    if (size > 0) {
        out[output.used] = '\0';
    }
    return output.used;
}

size_t format(char *out, size_t size, const char *pattern, ...)
{
    va_list arguments;
    va_start(arguments, pattern);
    size_t used = format_list(out, size, pattern, arguments);
    va_end(arguments);
    return used;
}
