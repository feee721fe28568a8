#include "unicode.h"

#include "base/memory.h"
#include "base/text.h"
#include "base/utf16.h"
#include "base/utf8.h"

bool utf16_from_utf8(uint16_t *out, size_t capacity, const char *text)
{
    const char *end = text + text_length(text);
    size_t n = 0;

    while (text < end) {
        uint16_t units[UTF16_MAX];
        uint32_t code = utf8_next(&text, end), count = utf16_encode(units, code);
        if (code == UTF8_REPLACEMENT_CODE || n + count >= capacity) {
            return false;
        }
        memcpy(out + n, units, count * sizeof *out);
        n += count;
    }
    if (n >= capacity) {
        return false;
    }
    out[n] = 0;
    return true;
}

bool utf8_from_utf16(char *out, size_t size, const uint16_t *text)
{
    const uint16_t *end = text;
    size_t n = 0;

    while (*end != 0) {
        end++;
    }
    while (text < end) {
        char bytes[UTF8_MAX];
        const uint16_t *next = text;
        size_t length = utf8_encode(bytes, utf16_next(&next, end));
        if (n + length >= size) {
            break;
        }
        memcpy(out + n, bytes, length);
        n += length;
        text = next;
    }
    out[n] = 0;
    return text == end;
}
