#include "unicode.h"

#include "format.h"
#include "utf8.h"

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

bool ucs2_from_utf8(uint16_t *out, size_t capacity, const char *text)
{
    const char *end = text + text_length(text);
    size_t n = 0;

    while (text < end) {
        uint32_t code = utf8_next(&text, end);
        if (code > 0xFFFF || code == UNICODE_REPLACEMENT || n + 1 >= capacity) {
            return false;
        }
        out[n++] = (uint16_t)code;
    }
    if (n >= capacity) {
        return false;
    }
    out[n] = 0;
    return true;
}

bool utf8_from_ucs2(char *out, size_t size, const uint16_t *text)
{
    size_t n = 0;

    for (; *text != 0; text++) {
        char bytes[UTF8_MAX];
        size_t length = utf8_encode(bytes, *text);
        if (n + length >= size) {
            break;
        }
        for (size_t i = 0; i < length; i++) {
            out[n++] = bytes[i];
        }
    }
    out[n] = 0;
    return *text == 0;
}
