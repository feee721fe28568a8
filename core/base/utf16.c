#include "base/utf16.h"

#include "base/utf8.h"

enum { HIGH = 0xD800, LOW = 0xDC00, SURROGATES_END = 0xE000, BEYOND = 0x10000 };

uint32_t utf16_next(const uint16_t **at, const uint16_t *end)
{
    const uint32_t unit = *(*at)++;
    if (unit < HIGH || unit >= SURROGATES_END) {
        return unit;
    }
    if (unit >= LOW || *at == end || **at < LOW || **at >= SURROGATES_END) {
        return UTF8_REPLACEMENT_CODE;
    }
    return BEYOND + ((unit - HIGH) << 10) + (*(*at)++ - (uint32_t)LOW);
}

uint32_t utf16_encode(uint16_t out[UTF16_MAX], uint32_t code_point)
{
    if (code_point < BEYOND) {
        out[0] = (uint16_t)code_point;
        return 1;
    }
    out[0] = (uint16_t)(HIGH + ((code_point - BEYOND) >> 10));
    out[1] = (uint16_t)(LOW + ((code_point - BEYOND) & 0x3FF));
    return 2;
}
