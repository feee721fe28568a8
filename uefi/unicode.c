#include "unicode.h"

#include "base/text.h"
#include "base/utf8.h"

bool ucs2_from_utf8(uint16_t *out, size_t capacity, const char *text)
{
    const char *end = text + text_length(text);
    size_t n = 0;

    while (text < end) {
        uint32_t code = utf8_next(&text, end);
        if (code > 0xFFFF || code == UTF8_REPLACEMENT_CODE || n + 1 >= capacity) {
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
