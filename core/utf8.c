#include "utf8.h"

#include <stdbool.h>

/* What may follow a lead byte: how many bytes in all, and the bounds of the second one; length 0 = no lead byte. */
struct lead {
    uint8_t length, low, high;
};

static struct lead classify(uint8_t byte)
{
    if (byte < 0x80)
        return (struct lead){1, 0, 0};
    if (byte < 0xC2 || byte > 0xF4)
        return (struct lead){0, 0, 0};
    struct lead lead = {byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4, 0x80, 0xBF};
    if (byte == 0xE0) /* shorter forms exist below this bound */
        lead.low = 0xA0;
    if (byte == 0xED) /* surrogates above */
        lead.high = 0x9F;
    if (byte == 0xF0)
        lead.low = 0x90;
    if (byte == 0xF4) /* beyond U+10FFFF above */
        lead.high = 0x8F;
    return lead;
}

int utf8_sequence(const uint8_t *bytes, size_t n)
{
    struct lead lead = classify(bytes[0]);

    if (lead.length == 0)
        return -1;
    for (uint8_t i = 1; i < lead.length; i++) {
        if (i == n)
            return 0;
        uint8_t low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xBF;
        if (bytes[i] < low || bytes[i] > high)
            return -i;
    }
    return lead.length;
}

uint32_t utf8_next(const char **text, const char *end)
{
    const uint8_t *bytes = (const uint8_t *)*text;
    int length = utf8_sequence(bytes, (size_t)(end - *text));

    if (length <= 0) {
        *text = length < 0 ? *text - length : end;
        return UNICODE_REPLACEMENT;
    }
    uint32_t code = length == 1 ? bytes[0] : bytes[0] & (0x7Fu >> length);
    for (int i = 1; i < length; i++) {
        code = code << 6 | (bytes[i] & 0x3F);
    }
    *text += length;
    return code;
}

void utf8_printable(char *out, size_t size, const uint8_t *bytes, size_t n)
{
    size_t used = 0, i = 0;

    while (i < n) {
        int length = utf8_sequence(bytes + i, n - i);
        /* C1 controls are C2 80 to C2 9F. A sequence cut off by the end counts as ill-formed. */
        bool control = bytes[i] < 0x20 || bytes[i] == 0x7F || (length == 2 && bytes[i] == 0xC2 && bytes[i + 1] < 0xA0);
        size_t taken = length > 0 ? (size_t)length : length < 0 ? (size_t)-length : n - i;
        bool copied = length > 0 && !control;
        if (used + (copied ? taken : 1) >= size)
            break;
        if (!copied)
            out[used++] = '?';
        for (size_t k = 0; copied && k < taken; k++)
            out[used++] = (char)bytes[i + k];
        i += taken;
    }
    out[used] = '\0';
}

size_t utf8_encode(char out[UTF8_MAX], uint32_t code_point)
{
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF))
        code_point = 0xFFFD;
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code_point >>= 6)
        out[i] = (char)(0x80 | (code_point & 0x3F));
    out[0] = (char)(0xF00u >> length | code_point); /* length ones, a zero, the upper bits */
    return length;
}
