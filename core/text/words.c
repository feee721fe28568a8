/* Texts into words (words.h). */
#include "text/words.h"

#include <stdbool.h>

#include "base/memory.h"
#include "base/utf8.h"
#include "text/unicode.h"

#define END UINT32_MAX /* in place of a code point after the last one */
enum { LAST_CODE_POINT = 0x10FFFF, ANY_NUMBER = INT32_MAX };

/* The part of the text being split; the expressions treat it as the whole text. */
struct part {
    const uint8_t *text;
    size_t start, end;
};

/* ---- Characters ---- */

/* The bytes of the sequence that the lead byte announces, if they are there and continue it, or 0. */
static size_t sequence(const uint8_t *text, size_t n)
{
    size_t length = text[0] < 0x80 ? 1 : text[0] < 0xC0 ? 0 : text[0] < 0xE0 ? 2 : text[0] < 0xF0 ? 3 : 4;
    if (length > n || text[0] >= 0xF8) {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return length;
}

static uint32_t code_of(const uint8_t *text, size_t length)
{
    uint32_t code = length == 1 ? text[0] : text[0] & (0x7Fu >> length);
    for (size_t i = 1; i < length; i++) {
        code = code << 6 | (text[i] & 0x3F);
    }
    return code;
}

size_t words_clean(const uint8_t *text, size_t n, uint8_t *out)
{
    static const uint32_t shortest[] = {0, 0, 0x80, 0x800, 0x10000}; /* lowest code point of this many bytes */
    size_t used = 0;
    for (size_t i = 0, length; i < n; i += length) {
        length = sequence(text + i, n - i);
        uint32_t code = length > 0 ? code_of(text + i, length) : END;
        if (code > LAST_CODE_POINT) {
            memcpy(out + used, UTF8_REPLACEMENT, 3);
            used += 3;
            length = 1;
        } else if (code < shortest[length]) {
            used += utf8_encode((char *)out + used, code);
        } else {
            memcpy(out + used, text + i, length);
            used += length;
        }
    }
    return used;
}

/* The code point at `at` and where the next one begins; END, and no step, at the end of the part. */
static uint32_t code_at(const struct part *part, size_t at, size_t *next)
{
    size_t length = at < part->end ? sequence(part->text + at, part->end - at) : 0;
    *next = at + length;
    return length > 0 ? code_of(part->text + at, length) : END;
}

static bool is_letter(uint32_t code)
{
    return unicode_class(code) == UNICODE_LETTER;
}

static bool is_number(uint32_t code)
{
    return unicode_class(code) == UNICODE_NUMBER;
}

static bool is_punctuation(uint32_t code)
{
    return unicode_class(code) == UNICODE_PUNCTUATION;
}

static bool is_space(uint32_t code)
{
    return unicode_class(code) == UNICODE_SPACE;
}

static bool is_newline(uint32_t code)
{
    return code == '\r' || code == '\n';
}

static bool is_newline_or_slash(uint32_t code)
{
    return is_newline(code) || code == '/';
}

/* Neither white space nor letter nor number. */
static bool is_symbol(uint32_t code)
{
    enum unicode_class class = unicode_class(code);
    return class == UNICODE_PUNCTUATION || (class == UNICODE_OTHER && code != END);
}

static bool is_upper(uint32_t code) /* [A-Z], and letters that have no case in ASCII */
{
    return is_letter(code) && !(code >= 'a' && code <= 'z');
}

static bool is_lower(uint32_t code)
{
    return is_letter(code) && !(code >= 'A' && code <= 'Z');
}

typedef bool is_kind(uint32_t code);

/* The end of a run of at most `most` such characters that begins at `at`. */
static size_t run(const struct part *part, size_t at, is_kind *kind, uint32_t most)
{
    size_t next;
    while (most > 0 && kind(code_at(part, at, &next))) {
        at = next;
        most--;
    }
    return at;
}

/* ---- Shared by several expressions ---- */

/* 's 't 're 've 'm 'll 'd: the end, or `at` if there is none. */
static size_t contraction(const struct part *part, size_t at, bool any_case)
{
    const uint8_t *text = part->text + at, fold = any_case ? 0x20 : 0;
    if (text[0] != '\'' || part->end - at < 2) {
        return at;
    }
    uint8_t first = text[1] | fold;
    if (first == 's' || first == 't' || first == 'm' || first == 'd') {
        return at + 2;
    }
    uint8_t second = part->end - at > 2 ? text[2] | fold : 0;
    bool found = ((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l');
    return found ? at + 3 : at;
}

/* \s*[\r\n]+ if by_line, then \s+(?!\S), then \s+: the last of several spaces before something else is left for
   that. */
static size_t spaces(const struct part *part, size_t at, bool by_line)
{
    size_t next, last = at, line_end = 0;
    uint32_t count = 0;
    for (uint32_t code; is_space(code = code_at(part, at, &next)); at = next, count++) {
        last = at;
        line_end = by_line && is_newline(code) ? next : line_end;
    }
    if (line_end > 0) {
        return line_end;
    }
    return count > 1 && at < part->end ? last : at;
}

/* ---- The expressions: whether one matches at `at`, before the end of the part, and then its end; else *end is where
        the next try is. No match is empty. ---- */

typedef bool expression(const struct part *part, size_t at, size_t *end);

/* One such character, or most of them. */
static bool match_run(const struct part *part, size_t at, size_t *end, is_kind *kind, uint32_t most)
{
    size_t found = run(part, at, kind, most);
    code_at(part, at, end);
    *end = found > at ? found : *end;
    return found > at;
}

/* \s?[kind]+ */
static bool match_spaced(const struct part *part, size_t at, size_t *end, is_kind *kind)
{
    size_t next, start = is_space(code_at(part, at, &next)) ? next : at;
    size_t found = run(part, start, kind, ANY_NUMBER);
    *end = found > start ? found : next;
    return found > start;
}

/* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
static bool gpt2(const struct part *part, size_t at, size_t *end)
{
    static is_kind *const kinds[] = {is_letter, is_number, is_symbol};
    *end = contraction(part, at, false);
    size_t start = part->text[at] == ' ' ? at + 1 : at;
    for (uint32_t i = 0; *end == at && i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t found = run(part, start, kinds[i], ANY_NUMBER);
        *end = found > start ? found : at;
    }
    if (*end == at) {
        *end = spaces(part, at, false);
    }
    return true;
}

/* The letters from `start`, at least one, as Tekken joins them: U*L+|U+L*, where U is [A-Z] or a letter outside of
   ASCII and L is [a-z] or such a letter. */
static size_t cased_letters(const struct part *part, size_t start)
{
    size_t next, back = start, at = start;
    for (uint32_t code; is_upper(code = code_at(part, at, &next)); at = next) {
        back = is_lower(code) ? next : back; /* after the last one that can also be an L */
    }
    size_t end = run(part, at, is_lower, ANY_NUMBER);
    return end > at || back == start ? end : back;
}

/* The Llama 3 expression and its descendants: (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,digits}|
   ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+. Tekken knows no contractions, and / goes with the line ends. */
static bool match_modern(const struct part *part, size_t at, size_t *end, uint32_t digits, bool tekken)
{
    size_t next, after;
    *end = tekken ? at : contraction(part, at, true);
    if (*end > at) {
        return true;
    }
    uint32_t code = code_at(part, at, &next);
    bool leads = !is_letter(code) && !is_number(code) && !is_newline(code);
    size_t start = leads ? next : at;
    if (is_letter(code_at(part, start, &after))) {
        *end = tekken ? cased_letters(part, start) : run(part, start, is_letter, ANY_NUMBER);
        return true;
    }
    *end = run(part, at, is_number, digits);
    if (*end > at) {
        return true;
    }
    start = code == ' ' ? next : at;
    *end = run(part, start, is_symbol, ANY_NUMBER);
    *end =
        *end > start ? run(part, *end, tekken ? is_newline_or_slash : is_newline, ANY_NUMBER) : spaces(part, at, true);
    return true;
}

static bool llama3(const struct part *part, size_t at, size_t *end)
{
    return match_modern(part, at, end, 3, false);
}

static bool qwen2(const struct part *part, size_t at, size_t *end)
{
    return match_modern(part, at, end, 1, false);
}

static bool minicpm5(const struct part *part, size_t at, size_t *end)
{
    return match_modern(part, at, end, ANY_NUMBER, false);
}

static bool tekken(const struct part *part, size_t at, size_t *end)
{
    return match_modern(part, at, end, 1, true);
}

static bool number(const struct part *part, size_t at, size_t *end) /* \p{N} */
{
    return match_run(part, at, end, is_number, 1);
}

static bool three_numbers(const struct part *part, size_t at, size_t *end) /* \p{N}{1,3} */
{
    return match_run(part, at, end, is_number, 3);
}

static bool numbers(const struct part *part, size_t at, size_t *end) /* \p{N}+ */
{
    return match_run(part, at, end, is_number, ANY_NUMBER);
}

static bool newline(const struct part *part, size_t at, size_t *end) /* [\r\n] */
{
    return match_run(part, at, end, is_newline, 1);
}

static bool is_digit(uint32_t code)
{
    return code >= '0' && code <= '9';
}

static bool three_digits(const struct part *part, size_t at, size_t *end) /* [0-9][0-9][0-9] */
{
    return match_run(part, at, end, is_digit, 3) && *end - at == 3;
}

static bool is_mark(uint32_t code)
{
    return is_punctuation(code) || code == '$' || code == '+' || (code >= '<' && code <= '>') || code == '^' ||
           code == '~' || code == '|';
}

static bool marks(const struct part *part, size_t at, size_t *end) /* [\p{P}\$\+<=>\^~\|]+ */
{
    return match_run(part, at, end, is_mark, ANY_NUMBER);
}

static bool trailing_spaces(const struct part *part, size_t at, size_t *end) /* \s+$ */
{
    bool found = match_run(part, at, end, is_space, ANY_NUMBER);
    return found && *end == part->end;
}

/* ---- DeepSeek's letters and marks ---- */

struct range {
    uint32_t first, last;
};

/* The first class of llama.cpp's second expression: cased letters of the scripts that DeepSeek has listed. */
static const struct range cased[] = {
    {0x41, 0x5A},       {0x61, 0x7A},       {0xB5, 0xB5},       {0xC0, 0xD6},       {0xD8, 0xF6},
    {0xF8, 0x1BA},      {0x1BC, 0x1BF},     {0x1C4, 0x293},     {0x295, 0x2AF},     {0x370, 0x373},
    {0x376, 0x377},     {0x37B, 0x37D},     {0x37F, 0x37F},     {0x386, 0x386},     {0x388, 0x38A},
    {0x38C, 0x38C},     {0x38E, 0x3A1},     {0x3A3, 0x3F5},     {0x3F7, 0x481},     {0x48A, 0x52F},
    {0x531, 0x556},     {0x10A0, 0x10C5},   {0x13A0, 0x13F5},   {0x13F8, 0x13FD},   {0x1C90, 0x1CBA},
    {0x1CBD, 0x1CBF},   {0x1D00, 0x1D2B},   {0x1D6B, 0x1D77},   {0x1D79, 0x1D9A},   {0x1E00, 0x1F15},
    {0x1F18, 0x1F1D},   {0x1F20, 0x1F45},   {0x1F48, 0x1F4D},   {0x1F50, 0x1F57},   {0x1F59, 0x1F59},
    {0x1F5B, 0x1F5B},   {0x1F5D, 0x1F5D},   {0x1F5F, 0x1F7D},   {0x1F80, 0x1FB4},   {0x1FB6, 0x1FBC},
    {0x1FBE, 0x1FBE},   {0x1FC2, 0x1FC4},   {0x1FC6, 0x1FCC},   {0x1FD0, 0x1FD3},   {0x1FD6, 0x1FDB},
    {0x1FE0, 0x1FEC},   {0x1FF2, 0x1FF4},   {0x1FF6, 0x1FFC},   {0x2102, 0x2102},   {0x2107, 0x2107},
    {0x210A, 0x2113},   {0x2115, 0x2115},   {0x2119, 0x211D},   {0x2124, 0x2124},   {0x2126, 0x2126},
    {0x2128, 0x2128},   {0x212A, 0x212D},   {0x212F, 0x2134},   {0x2139, 0x2139},   {0x213C, 0x213F},
    {0x2145, 0x2149},   {0x214E, 0x214E},   {0x2183, 0x2184},   {0x2C00, 0x2C7B},   {0x2C7E, 0x2CE4},
    {0x2CEB, 0x2CEE},   {0x2CF2, 0x2CF3},   {0xA640, 0xA66D},   {0xA680, 0xA69B},   {0xA722, 0xA76F},
    {0xA771, 0xA787},   {0xA78B, 0xA78E},   {0xAB70, 0xABBF},   {0xFB00, 0xFB06},   {0xFB13, 0xFB17},
    {0xFF21, 0xFF3A},   {0xFF41, 0xFF5A},   {0x10400, 0x1044F}, {0x104B0, 0x104D3}, {0x104D8, 0x104FB},
    {0x10C80, 0x10CB2}, {0x10CC0, 0x10CF2}, {0x118A0, 0x118DF}, {0x1E900, 0x1E943},
};

/* [!-/:-~], and the same wide: letters are among them. */
static const struct range listed_marks[] = {
    {'!', '/'}, {':', '~'}, {0xFF01, 0xFF0F}, {0xFF1A, 0xFF5E}, {0x2018, 0x201F}, {0x3000, 0x3002},
};

static const struct range east_asian[] = {{0x800, 0x9FA5}, {0xAC00, 0xD7FF}};

/* llama.cpp has made white space outside of ASCII a vertical tab by then. */
static bool in_ranges(uint32_t code, const struct range *ranges, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (code >= ranges[i].first && code <= ranges[i].last) {
            return !is_space(code);
        }
    }
    return false;
}

static bool is_cased(uint32_t code)
{
    return in_ranges(code, cased, sizeof cased / sizeof cased[0]);
}

static bool is_listed_mark(uint32_t code)
{
    return in_ranges(code, listed_marks, sizeof listed_marks / sizeof listed_marks[0]);
}

static bool is_east_asian(uint32_t code)
{
    return in_ranges(code, east_asian, sizeof east_asian / sizeof east_asian[0]);
}

static bool spaced_cased(const struct part *part, size_t at, size_t *end)
{
    return match_spaced(part, at, end, is_cased);
}

static bool spaced_listed_marks(const struct part *part, size_t at, size_t *end)
{
    return match_spaced(part, at, end, is_listed_mark);
}

static bool east_asian_run(const struct part *part, size_t at, size_t *end)
{
    return match_run(part, at, end, is_east_asian, ANY_NUMBER);
}

static bool spaced_letters(const struct part *part, size_t at, size_t *end) /* \s?\p{L}+ */
{
    return match_spaced(part, at, end, is_letter);
}

static bool spaced_punctuation(const struct part *part, size_t at, size_t *end) /* \s?\p{P}+ */
{
    return match_spaced(part, at, end, is_punctuation);
}

/* ---- Cutting ---- */

enum { EXPRESSIONS_MAX = 6 };

static expression *const rules[GGUF_PRE_RULES][EXPRESSIONS_MAX + 1] = {
    [GGUF_PRE_DEFAULT] = {marks, gpt2, numbers, three_digits},
    [GGUF_PRE_GPT2] = {gpt2},
    [GGUF_PRE_SMOLLM] = {number, gpt2},
    [GGUF_PRE_LLAMA3] = {llama3},
    [GGUF_PRE_QWEN2] = {qwen2},
    [GGUF_PRE_MINICPM5] = {three_numbers, minicpm5},
    [GGUF_PRE_TEKKEN] = {tekken},
    [GGUF_PRE_DEEPSEEK_LLM] = {newline, spaced_cased, spaced_listed_marks, trailing_spaces, east_asian_run, numbers},
    [GGUF_PRE_DEEPSEEK_CODER] = {newline, spaced_letters, spaced_punctuation, east_asian_run, number},
};

struct cut {
    words_take *take;
    void *context;
};

/* Splits a part by the first expression, and the results, both matches and the gaps between them, by the next. */
static void cut_part(const struct cut *cut, struct part part, expression *const *expressions)
{
    if (part.start == part.end) {
        return;
    }
    if (*expressions == NULL) {
        cut->take(cut->context, part.text + part.start, part.end - part.start);
        return;
    }
    size_t between = part.start, end;
    for (size_t at = part.start; at < part.end; at = end) {
        if ((*expressions)(&part, at, &end)) {
            cut_part(cut, (struct part){part.text, between, at}, expressions + 1);
            cut_part(cut, (struct part){part.text, at, end}, expressions + 1);
            between = end;
        }
    }
    cut_part(cut, (struct part){part.text, between, part.end}, expressions + 1);
}

void words_cut(enum gguf_pre_rule rule, const uint8_t *text, size_t n, words_take *take, void *context)
{
    const struct cut cut = {take, context};
    cut_part(&cut, (struct part){text, 0, n}, rules[rule]);
}
