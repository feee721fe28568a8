/*
 * Arbitrary bytes as a model's output, cut anywhere, through core/session/wrap.c, and as keys for core/session/line.c.
 * The screen must get only whole characters, no control character but '\n' and '\b', and never one in its last column.
 */
#include <stdlib.h>
#include <string.h>

#include "model_screen.h"
#include "session/line.h"
#include "session/wrap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct model_screen screen;

static void write_text(uint32_t columns, size_t piece, const uint8_t *data, size_t size)
{
    struct wrap wrap;

    model_screen_init(&screen, columns);
    wrap_begin(&wrap, &screen.platform, columns);
    for (size_t i = 0; i < size; i += piece)
        wrap_put(&wrap, (const char *)data + i, size - i < piece ? size - i : piece);
    wrap_end(&wrap);
}

static bool complete(void *context, const char *before, size_t n, uint32_t index, char *out)
{
    const uint32_t *most = context;

    if (index >= *most || n + 3 > LINE_CANDIDATE_MAX)
        return false;
    memcpy(out, before, n);
    out[n] = (char)('a' + index);
    out[n + 1] = 'x';
    out[n + 2] = 0;
    return true;
}

static void type_keys(uint32_t columns, const uint8_t *data, size_t size)
{
    static struct history history;
    static struct line line;
    uint32_t candidates = columns % 3;

    history.used = 0;
    model_screen_init(&screen, columns);
    line_begin(&line, &screen.platform, "> ", columns);
    for (size_t i = 0; i + 2 <= size; i += 2) {
        line.history = &history;
        line.complete = complete;
        line.context = &candidates;
        int key = data[i] < 0xF0 ? data[i] | (data[i + 1] % 64) << 8 : KEY_UP + data[i] % 7;
        if (line_key(&line, data[i + 1] < 0x80 ? data[i] : key))
            line_begin(&line, &screen.platform, "> ", columns);
        if (line.length >= LINE_MAX || line.text[line.length] != 0)
            abort();
        if (line.cursor > line.length || line.view > line.cursor)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2 || size > 1200)
        return 0;
    write_text(4 + data[0] % 120, 1 + data[1] % 16, data + 2, size - 2);
    type_keys(5 + data[0] % 120, data + 2, size - 2);
    return 0;
}
