#include "line.h"

#include "utf8.h"

enum { CTRL_C = 3, BACKSPACE = 8, ENTER = '\r', NEWLINE = '\n', ESCAPE = 27, DELETE_CODE = 127 };

static void rub_out(struct platform *platform)
{
    platform->put(platform, "\b \b", 3);
}

static void take_back(struct line *line, struct platform *platform)
{
    if (line->length == 0) {
        return;
    }
    do {
        line->length--;
    } while (line->length > 0 && (line->text[line->length] & 0xC0) == 0x80); /* continuation bytes */
    line->text[line->length] = 0;
    rub_out(platform);
}

static void add(struct line *line, struct platform *platform, uint32_t code_point)
{
    char bytes[UTF8_MAX];
    const size_t n = utf8_encode(bytes, code_point);
    if (line->length + n >= line->size) {
        return;
    }
    for (size_t i = 0; i < n; i++) {
        line->text[line->length++] = bytes[i];
    }
    line->text[line->length] = 0;
    platform->put(platform, bytes, n);
}

bool line_key(struct line *line, struct platform *platform, int key)
{
    if (key == ENTER || key == NEWLINE) {
        platform->put(platform, "\n", 1);
        return true;
    }
    if (key == BACKSPACE || key == KEY_DELETE) { /* OVMF takes a terminal's Backspace, 7Fh, for the Delete key */
        take_back(line, platform);
    } else if (key == ESCAPE || key == CTRL_C) {
        while (line->length > 0) {
            take_back(line, platform);
        }
    } else if (key >= ' ' && key < KEY_UP && key != DELETE_CODE) {
        add(line, platform, (uint32_t)key);
    }
    return false;
}
