#include "base/utf8.h"

#include <stdbool.h>

#include "base/memory.h"

/* The sequence that a lead byte begins: its total length and the bounds of its second byte; length 0 = not a lead
   byte. */
struct lead {
    uint8_t length, low, high;
};

static struct lead classify(uint8_t byte)
{
    if (byte < 0x80) {
        return (struct lead){1, 0, 0};
    }
    if (byte < 0xC2 || byte > 0xF4) {
        return (struct lead){0, 0, 0};
    }
    struct lead lead = {byte < 0xE0 ? 2 : byte < 0xF0 ? 3 : 4, 0x80, 0xBF};
    if (byte == 0xE0) { /* shorter forms exist below this bound */
        lead.low = 0xA0;
    }
    if (byte == 0xED) { /* surrogates above */
        lead.high = 0x9F;
    }
    if (byte == 0xF0) {
        lead.low = 0x90;
    }
    if (byte == 0xF4) { /* beyond U+10FFFF above */
        lead.high = 0x8F;
    }
    return lead;
}

int utf8_sequence(const uint8_t *bytes, size_t n)
{
    struct lead lead = classify(bytes[0]);
    if (lead.length == 0) {
        return -1;
    }
    for (uint8_t i = 1; i < lead.length; i++) {
        if (i == n) {
            return 0;
        }
        uint8_t low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xBF;
        if (bytes[i] < low || bytes[i] > high) {
            return -i;
        }
    }
    return lead.length;
}

uint32_t utf8_next(const char **text, const char *end)
{
    const uint8_t *bytes = (const uint8_t *)*text;
    int length = utf8_sequence(bytes, (size_t)(end - *text));
    if (length <= 0) {
        *text = length < 0 ? *text - length : end;
        return UTF8_REPLACEMENT_CODE;
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
        if (used + (copied ? taken : 1) >= size) {
            break;
        }
        if (!copied) {
            out[used++] = '?';
        }
        for (size_t k = 0; copied && k < taken; k++) {
            out[used++] = (char)bytes[i + k];
        }
        i += taken;
    }
    out[used] = '\0';
}

size_t utf8_encode(char out[UTF8_MAX], uint32_t code_point)
{
    if (code_point > 0x10FFFF || (code_point >= 0xD800 && code_point <= 0xDFFF)) {
        code_point = UTF8_REPLACEMENT_CODE;
    }
    if (code_point < 0x80) {
        out[0] = (char)code_point;
        return 1;
    }
    size_t length = code_point < 0x800 ? 2 : code_point < 0x10000 ? 3 : 4;
    for (size_t i = length - 1; i > 0; i--, code_point >>= 6) {
        out[i] = (char)(0x80 | (code_point & 0x3F));
    }
    out[0] = (char)(0xF00u >> length | code_point); /* length ones, a zero, the upper bits */
    return length;
}

void utf8_push(struct utf8_stream *stream, uint8_t byte)
{
    stream->pending[stream->count++] = byte;
}

size_t utf8_pop(struct utf8_stream *stream, char out[UTF8_MAX])
{
    const int length = stream->count == 0 ? 0 : utf8_sequence(stream->pending, stream->count);
    if (length == 0) {
        return 0;
    }
    const uint32_t taken = (uint32_t)(length > 0 ? length : -length);
    if (length > 0) {
        memcpy(out, stream->pending, taken);
    }
    stream->count -= taken;
    memmove(stream->pending, stream->pending + taken, stream->count);
    return length > 0 ? taken : utf8_encode(out, UTF8_REPLACEMENT_CODE);
}

/* First and last code points; beyond U+FFFF, without their last hexadecimal digit. */
struct range {
    uint16_t first, last;
};

static const struct range zero_width[] = {
    {0x0300, 0x036F}, {0x0483, 0x0489}, {0x0591, 0x05BD}, {0x05BF, 0x05BF}, {0x05C1, 0x05C2}, {0x05C4, 0x05C5},
    {0x0610, 0x061A}, {0x064B, 0x065F}, {0x0670, 0x0670}, {0x06D6, 0x06DC}, {0x06DF, 0x06E4}, {0x06E7, 0x06E8},
    {0x06EA, 0x06ED}, {0x0900, 0x0902}, {0x093C, 0x093C}, {0x0941, 0x0948}, {0x094D, 0x094D}, {0x0951, 0x0957},
    {0x0962, 0x0963}, {0x0981, 0x0981}, {0x09BC, 0x09BC}, {0x09C1, 0x09C4}, {0x09CD, 0x09CD}, {0x0A41, 0x0A51},
    {0x0AC1, 0x0AC8}, {0x0ACD, 0x0ACD}, {0x0BC0, 0x0BC0}, {0x0BCD, 0x0BCD}, {0x0C3E, 0x0C40}, {0x0C46, 0x0C56},
    {0x0CCC, 0x0CCD}, {0x0D41, 0x0D44}, {0x0D4D, 0x0D4D}, {0x0DCA, 0x0DCA}, {0x0DD2, 0x0DD6}, {0x0E31, 0x0E31},
    {0x0E34, 0x0E3A}, {0x0E47, 0x0E4E}, {0x0EB1, 0x0EB1}, {0x0EB4, 0x0EBC}, {0x0EC8, 0x0ECD}, {0x102D, 0x1030},
    {0x1032, 0x1037}, {0x1039, 0x103A}, {0x1160, 0x11FF}, {0x17B7, 0x17BD}, {0x17C6, 0x17C6}, {0x17C9, 0x17D3},
    {0x1AB0, 0x1ACE}, {0x1DC0, 0x1DFF}, {0x200B, 0x200F}, {0x202A, 0x202E}, {0x2060, 0x2064}, {0x2066, 0x206F},
    {0x20D0, 0x20F0}, {0x302A, 0x302D}, {0x3099, 0x309A}, {0xFE00, 0xFE0F}, {0xFE20, 0xFE2F}, {0xFEFF, 0xFEFF},
};
static const struct range zero_width_high[] = {{0x1D16, 0x1D18}, {0xE000, 0xE01E}};

static const struct range double_width[] = {
    {0x1100, 0x115F}, {0x231A, 0x231B}, {0x2329, 0x232A}, {0x23E9, 0x23EC}, {0x23F0, 0x23F0}, {0x23F3, 0x23F3},
    {0x25FD, 0x25FE}, {0x2614, 0x2615}, {0x2648, 0x2653}, {0x267F, 0x267F}, {0x2693, 0x2693}, {0x26A1, 0x26A1},
    {0x26AA, 0x26AB}, {0x26BD, 0x26BE}, {0x26C4, 0x26C5}, {0x26CE, 0x26CE}, {0x26D4, 0x26D4}, {0x26EA, 0x26EA},
    {0x26F2, 0x26F3}, {0x26F5, 0x26F5}, {0x26FA, 0x26FA}, {0x26FD, 0x26FD}, {0x2705, 0x2705}, {0x270A, 0x270B},
    {0x2728, 0x2728}, {0x274C, 0x274C}, {0x274E, 0x274E}, {0x2753, 0x2755}, {0x2757, 0x2757}, {0x2795, 0x2797},
    {0x27B0, 0x27B0}, {0x27BF, 0x27BF}, {0x2B1B, 0x2B1C}, {0x2B50, 0x2B50}, {0x2B55, 0x2B55}, {0x2E80, 0x303E},
    {0x3041, 0x3247}, {0x3250, 0x4DBF}, {0x4E00, 0xA4CF}, {0xA960, 0xA97C}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF},
    {0xFE10, 0xFE19}, {0xFE30, 0xFE6B}, {0xFF01, 0xFF60}, {0xFFE0, 0xFFE6},
};
static const struct range double_width_high[] = {
    {0x16FE, 0x1B2F}, {0x1F20, 0x1F31}, {0x1F33, 0x1F64}, {0x1F68, 0x1F6C},
    {0x1F90, 0x1F9F}, {0x1FA7, 0x1FAF}, {0x2000, 0x3FFF},
};

static bool is_in(const struct range *ranges, size_t count, uint32_t value)
{
    for (size_t i = 0; i < count; i++) {
        if (value >= ranges[i].first && value <= ranges[i].last) {
            return true;
        }
    }
    return false;
}

#define IS_IN(ranges, value) is_in(ranges, sizeof(ranges) / sizeof(ranges)[0], value)

uint32_t utf8_columns(uint32_t code_point)
{
    if (code_point < 0x300) { /* most text */
        return 1;
    }
    if (code_point > 0xFFFF) {
        return IS_IN(zero_width_high, code_point >> 4) ? 0 : IS_IN(double_width_high, code_point >> 4) ? 2 : 1;
    }
    return IS_IN(zero_width, code_point) ? 0 : IS_IN(double_width, code_point) ? 2 : 1;
}
