#include "session/column.h"

#include "base/format.h"
#include "base/text.h"
#include "base/utf8.h"
#include "session/wrap.h"

/* Moves *text past its next character and returns the columns of that character. */
static uint32_t step(const char **text, const char *end)
{
    const uint32_t code = utf8_next(text, end);
    return wrap_is_shown(code) ? utf8_columns(code) : 0;
}

uint32_t column_count(const char *text)
{
    const char *end = text + text_length(text);
    uint32_t columns = 0;
    while (text < end) {
        columns += step(&text, end);
    }
    return columns;
}

size_t column_pad(char *out, size_t size, const char *text, uint32_t columns)
{
    size_t used = format(out, size, "%s", text);
    for (uint32_t taken = column_count(text); taken < columns; taken++) {
        used += format(out + used, size - used, " ");
    }
    return used;
}

void column_cut(char *text, uint32_t columns)
{
    static const char dots[] = "...";
    const char *at = text, *end = text + text_length(text), *next = text;
    uint32_t taken = 0;
    if (column_count(text) <= columns) {
        return;
    }
    for (uint32_t width; (width = step(&next, end)) + taken <= columns - (sizeof dots - 1); at = next) {
        taken += width;
    }
    format(text + (at - text), sizeof dots, "%s", dots);
}
